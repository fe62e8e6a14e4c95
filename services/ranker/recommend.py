r"""The use case: ask the others, put what they say together, say what was left out.

    photo   -> embedder \
    taste   -> profile    > queries -> indexer: one search, the union of all candidates, every part exact
    popular -> profile  /                |
                            popularity of the candidates -> fusion -> the items -> reasons

What does not answer within its share of the time is left out and named. Only the catalogue cannot be left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.errors import NotFound, NotReady, SpaceMismatch
from services.ranker import scenes
from services.ranker.answer import Answer, Ask, Recommended, ToldReason
from services.ranker.fusion import Candidates, Ranked, fuse
from services.ranker.material import Material, effective_weights, rescaled
from services.ranker.ports import (
    CatalogueItem,
    Embedder,
    Embedding,
    Found,
    Indexer,
    Interest,
    Profile,
    SearchPlan,
    Source,
    Taste,
)
from services.ranker.reasons import Reason, reasons
from services.ranker.scenes import PHOTO, POPULARITY, SEEDS, TASTE
from services.ranker.sources import nearest_sources, sources_plan
from services.ranker.stages import Stages
from services.spaces import Space

SEEN = "seen"
"""Named among the dropped when what the person has seen could not be left out."""


@dataclass(frozen=True)
class Limits:
    """`embed_share`, `profile_share`, `reasons_share`: how much of the time that is left these may take, 0 to 1.

    `candidates`: how many items each query brings. It is the same for every n, so that the top N is a prefix of the
    top N+1, and at least the greatest n. `popular`: how many popular items are candidates, too.
    """

    embed_share: float = 0.6
    profile_share: float = 0.3
    reasons_share: float = 0.5
    candidates: int = 100
    popular: int = 100


class Recommender:
    """Answers many asks at once and keeps nothing between them. `clock`: seconds, monotonic."""

    def __init__(
        self, embedder: Embedder, indexer: Indexer, profile: Profile, clock: Callable[[], float], limits: Limits
    ) -> None:
        self._embedder = embedder
        self._indexer = indexer
        self._profile = profile
        self._clock = clock
        self._limits = limits

    async def recommend(self, ask: Ask, budget_s: float) -> Answer:
        """The best `ask.n` items, or fewer when no more pass.

        Raises InvalidInput, NotFound or NotImplementedYet for what is wrong with the request; NotReady, Overloaded or
        TooLate when nothing is left to answer from.
        """
        ask.check()
        scene = scenes.scene_named(ask.scene)
        weights = scenes.signal_weights(scene, ask.signal_weights)
        stages = Stages(self._clock, budget_s)
        space = await stages.need("space", self._indexer.space(ask.catalogue))
        blocks = scenes.block_weights(scene, ask.block_weights, space)
        material = await self._material(stages, ask, weights, space)
        found = await self._search(stages, material, space, blocks)
        material, candidates = await self._candidates(stages, material, found)
        with stages.timed("fuse"):
            ranked = fuse(candidates, material.weights, ask.n)
        return Answer(
            recommended=await self._tell(stages, _Context(material, space, blocks, found.version), ranked),
            used=material.weights,
            dropped=stages.dropped,
            scene=scene.name,
            space=space.name,
            model_digest=material.photo.model_digest if material.photo else "",
            index_version=found.version,
            costs=stages.costs,
        )

    async def _material(self, stages: Stages, ask: Ask, weights: Mapping[str, float], space: Space) -> Material:
        try:
            async with asyncio.TaskGroup() as group:
                photo_task = group.create_task(self._photo(stages, ask, weights, space))
                taste_task = group.create_task(self._taste(stages, ask, space))
                popular_task = group.create_task(self._popular(stages, ask, weights))
        except BaseExceptionGroup as several:  # the first to fail has cancelled the others
            raise several.exceptions[0] from None
        photo, taste, popular = photo_task.result(), taste_task.result(), popular_task.result()
        interests = _interests(stages, taste, space, weights) if taste else ()
        if ask.seeds and not weights[SEEDS]:
            stages.drop(SEEDS, "ZERO_WEIGHT", "the weight of the seeds is zero")
        present = {PHOTO: photo is not None, SEEDS: bool(ask.seeds), TASTE: bool(interests), POPULARITY: bool(popular)}
        material = Material(ask, photo, taste, interests, popular, effective_weights(weights, present))
        if stages.weakened and not material.weights:
            left_out = "; ".join(dict.fromkeys(dropped.message for dropped in stages.dropped))
            raise NotReady(f"nothing is left to recommend from: {left_out}")
        return material

    async def _photo(self, stages: Stages, ask: Ask, weights: Mapping[str, float], space: Space) -> Embedding | None:
        if ask.photo is None and ask.photo_embedding is None:
            return None
        if not weights[PHOTO]:
            stages.drop(PHOTO, "ZERO_WEIGHT", "the weight of the photo is zero")
            return None
        if ask.photo_embedding is not None:
            space.require(ask.photo_embedding.space)
            space.decode(ask.photo_embedding.data, "photo_vector.data")
            return ask.photo_embedding
        embedding = self._embedder.embed(ask.photo, space.name)
        return await stages.spare("embed", "embedder", [PHOTO], embedding, self._limits.embed_share)

    async def _taste(self, stages: Stages, ask: Ask, space: Space) -> Taste | None:
        """Asked for whatever its weight: what was seen is left out all the same."""
        if not ask.user_id:
            return None
        signals = [TASTE] if ask.include_seen else [TASTE, SEEN]

        async def asked(of_space: str) -> Taste | None:
            taste = self._profile.taste(ask.user_id, ask.catalogue, of_space)
            return await stages.spare("taste", "profile", signals, taste, self._limits.profile_share)

        try:
            return await asked(space.name)
        except SpaceMismatch:
            # All their events are of another space, which tells what they have seen and not what to search with.
            return await asked("")
        except NotFound:
            stages.drop(TASTE, "USER_NOT_FOUND", "nobody of that id is known; PutUser makes them known")
            return None

    async def _popular(self, stages: Stages, ask: Ask, weights: Mapping[str, float]) -> Sequence[str]:
        if not weights[POPULARITY]:
            stages.drop(POPULARITY, "ZERO_WEIGHT", "the weight of popularity is zero")
            return ()
        popular = self._profile.popular_ids(ask.catalogue, ask.domains, self._limits.popular)
        ids = await stages.spare("popular", "profile", [POPULARITY], popular, self._limits.profile_share)
        if ids is not None and not ids:
            stages.drop(POPULARITY, "NO_EVENTS", "nobody has liked anything here yet")
        return ids or ()

    async def _search(self, stages: Stages, material: Material, space: Space, blocks: Mapping[str, float]) -> Found:
        ask = material.ask
        queries = material.search_queries(blocks, own_blocks=not ask.block_weights)
        also = material.popular
        if not any(query.positive for query in queries):
            # Nothing to be near to. Behind what is popular come the same items for everybody, to fill the answer.
            some = self._indexer.some_ids(ask.catalogue, ask.filter, ask.domains, self._limits.candidates)
            also = tuple(dict.fromkeys((*also, *await stages.need("search", some))))
        plan = SearchPlan(
            catalogue=ask.catalogue,
            space=space.name,
            queries=queries,
            limit=self._limits.candidates,
            filter=ask.filter,
            domains=ask.domains,
            exclude=material.excluded(),
            also_score=also,
            min_version=ask.min_version,
        )
        return await stages.need("search", self._indexer.search(plan))

    async def _candidates(self, stages: Stages, material: Material, found: Found) -> tuple[Material, Candidates]:
        popularity = np.zeros(len(found.ids))
        if POPULARITY in material.weights and found.ids:
            counts = self._profile.popularity(material.ask.catalogue, found.ids)
            known = await stages.spare("popular", "profile", [POPULARITY], counts, self._limits.profile_share)
            if known is None:
                others = {signal: weight for signal, weight in material.weights.items() if signal != POPULARITY}
                material = replace(material, weights=rescaled(others))
            else:
                popularity = known
        return material, Candidates(found.ids, material.queries(), found.blocks, found.parts, popularity)

    async def _tell(self, stages: Stages, context: _Context, ranked: Sequence[Ranked]) -> list[Recommended]:
        """The items themselves, with reasons if they are asked for. One deleted since the search is left out."""
        if not ranked:
            return []
        ask = context.material.ask
        told = await self._reasons(stages, context, ranked) if ask.explain else [[] for _ in ranked]
        referred = (reason.source.item_id for each in told for reason in each if reason.source)
        wanted = dict.fromkeys([*(item.item_id for item in ranked), *filter(None, referred)])
        items = await stages.need("items", self._indexer.items(ask.catalogue, list(wanted), context.version))
        titles = {item_id: item.title for item_id, item in items.items()}
        return [
            _recommended(item, items[item.item_id], each, titles, ask.explain)
            for item, each in zip(ranked, told, strict=True)
            if item.item_id in items
        ]

    async def _reasons(self, stages: Stages, context: _Context, ranked: Sequence[Ranked]) -> list[list[Reason]]:
        nearest = await self._nearest_sources(stages, context, ranked)
        sources = context.material.sources()
        return [reasons(item.parts, {**sources, **nearest.get(item.item_id, {})}) for item in ranked]

    async def _nearest_sources(
        self, stages: Stages, context: _Context, ranked: Sequence[Ranked]
    ) -> Mapping[str, Mapping[str, Source]]:
        """Empty when it cannot be had: then the strongest source of an interest stands for it."""
        shown = [item.item_id for item in ranked]
        plan = sources_plan(context.material, shown, context.space.name, context.blocks, context.version)
        if plan is None:
            return {}
        search = self._indexer.search(plan)
        try:
            found = await stages.spare("reasons", "indexer", [], search, self._limits.reasons_share)
        except NotFound:  # a source was deleted since
            return {}
        return nearest_sources(plan, found, context.material) if found else {}


@dataclass(frozen=True)
class _Context:
    """What the answer was found with; `version`: of the index."""

    material: Material
    space: Space
    blocks: Mapping[str, float]
    version: str


def _interests(stages: Stages, taste: Taste, space: Space, weights: Mapping[str, float]) -> Sequence[Interest]:
    """The interests that can be searched with; when there are none, why."""
    if not taste.personalised:
        stages.drop(TASTE, "NO_CONSENT", "the person has not consented to personalisation")
    elif not taste.interests:
        stages.drop(TASTE, "NO_HISTORY", "the person has not liked anything here yet")
    elif not weights[TASTE]:
        stages.drop(TASTE, "ZERO_WEIGHT", "the weight of taste is zero")
    elif usable := [interest for interest in taste.interests if interest.embedding.space == space.name]:
        return usable
    else:
        stages.drop(TASTE, "SPACE_MISMATCH", f"the taste is not in the catalogue's space {space.name}")
    return ()


def _recommended(
    ranked: Ranked, item: CatalogueItem, told: Sequence[Reason], titles: Mapping[str, str], explain: bool
) -> Recommended:
    words = [
        ToldReason(
            reason.kind.name, reason.text(titles), reason.source.item_id if reason.source else "", reason.contribution
        )
        for reason in told
    ]
    return Recommended(item.payload, ranked.score, ranked.parts if explain else (), words)
