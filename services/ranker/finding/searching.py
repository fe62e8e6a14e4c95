"""Searching: one nearest-neighbour search for each space, side by side, and every candidate scored in all of them.

An item that only one space has found is scored in the other by its id, without looking for neighbours there. So two
spaces take two rounds, of which the second is cheap, and one space takes one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.errors import NotFound
from services.ranker.finding.candidates import Float64, Likeness, Query, aligned, missing
from services.ranker.finding.material import MAX_BESIDE, Material, without
from services.ranker.limits import Limits
from services.ranker.order.diversity import Variety
from services.ranker.others.ports import Condition, Found, Indexer, SearchPlan, SearchQuery, Spaces
from services.ranker.scenes.scene import COLLABORATIVE, SESSION
from services.ranker.stages import Stages, side_by_side
from services.spaces import Space

ROOM = 4
"""Of a category or a group that may come k times each query brings ROOM * k items: enough to choose from, and not a
hundred of the same."""


@dataclass(frozen=True)
class Wish:
    """How to search. `blocks`: weights for what is shown, `liked_blocks` for what somebody likes; empty: the space's
    defaults. `conditions`: what every item has to pass. `traits`: whether the items are looked at. `shares`: whether
    the queries' block weights are needed."""

    blocks: Mapping[str, float]
    liked_blocks: Mapping[str, float]
    conditions: Sequence[Condition]
    variety: Variety
    traits: bool
    shares: bool


@dataclass(frozen=True)
class Haul:
    """What came of it. `material`: what was searched with, without what the catalogue does not know. `found`: all
    candidates, as the visual space has them; `spaces`: what each space says of them. `lost`: signals that could not be
    had."""

    material: Material
    found: Found
    spaces: Sequence[Likeness] = ()
    lost: Sequence[str] = ()


class Searcher:
    """Asks the indexer."""

    def __init__(self, indexer: Indexer, limits: Limits) -> None:
        self._indexer = indexer
        self._limits = limits

    async def search(self, stages: Stages, material: Material, spaces: Spaces, wish: Wish) -> Haul:
        """Raises NotFound for an unknown seed; NotReady, Overloaded, Internal or TooLate without the indexer."""
        try:
            return await self._searched(stages, material, spaces, wish)
        except NotFound as problem:
            known = await self._with_known_session(stages, material)
            if len(known.session) == len(material.session):
                raise
            if not known.session:
                stages.drop(SESSION, problem.reason, "the catalogue has none of the items of the session")
            return await self._searched(stages, known, spaces, wish)

    async def _with_known_session(self, stages: Stages, material: Material) -> Material:
        """Without the session's items that the catalogue does not have: nobody promised that it has."""
        named = [event.item_id for event in material.session if event.embedding is None]
        if not named:
            return material
        ask = material.ask
        known = await stages.need("search", self._indexer.items(ask.catalogue, named, ask.min_version))
        session = [event for event in material.session if event.embedding is not None or event.item_id in known]
        weights = material.weights if session else without(material.weights, SESSION)
        return replace(material, session=session, weights=weights)

    async def _searched(self, stages: Stages, material: Material, spaces: Spaces, wish: Wish) -> Haul:
        queries, searched = material.queries(wish.blocks, wish.liked_blocks)
        own_queries, own_searched = material.collaborative_query()
        if not any(query.positive for query in (*searched, *own_searched)):
            material = await self._filled(stages, material, wish)
        plan = self._plan(material, spaces.visual, searched, wish)
        if not own_searched or spaces.collaborative is None:
            found = await self._visual(stages, plan, spaces.visual)
            return Haul(material, found, [_likeness(queries, found, plan, spaces.visual, wish)])
        own_plan = self._plan(material, spaces.collaborative, own_searched, wish)
        own_plan = replace(own_plan, vectors=False, traits=False)
        found, own = await side_by_side(
            self._visual(stages, plan, spaces.visual), self._collaborative(stages, own_plan)
        )
        more, rest = await self._crosswise(stages, (found, own), (plan, own_plan))
        found = _joined([found, *more])
        likeness = [_likeness(queries, found, plan, spaces.visual, wish)]
        if own is None or rest is None:
            return Haul(material, found, likeness, (COLLABORATIVE,))
        own = replace(own, ids=found.ids, parts=aligned([own, *rest], found.ids))
        return Haul(material, found, [*likeness, _likeness(own_queries, own, own_plan, spaces.collaborative, wish)])

    async def _visual(self, stages: Stages, plan: SearchPlan, space: Space) -> Found:
        """Queries that bring the same items may bring too few together, though there are more: then each brings
        more."""
        if not plan.also_score and not any(query.positive for query in plan.queries):
            # A search for nothing is refused, and it is not wrong to have nothing to search for.
            parts = np.zeros((0, len(plan.queries), len(space.blocks)))
            return Found((), [block.name for block in space.blocks], parts, "")
        share, most = self._limits.search_share, self._limits.candidates
        found = await stages.need("search", self._indexer.search(plan), share)
        if plan.limit <= len(found.ids) < most and plan.limit < most:
            found = await stages.need("search", self._indexer.search(replace(plan, limit=most)), share)
        return found

    async def _collaborative(self, stages: Stages, plan: SearchPlan) -> Found | None:
        search = self._indexer.search(plan)
        return await stages.spare("search", "indexer", [COLLABORATIVE], search, self._limits.reasons_share)

    async def _crosswise(
        self, stages: Stages, found: tuple[Found, Found | None], plans: tuple[SearchPlan, SearchPlan]
    ) -> tuple[list[Found], list[Found] | None]:
        """What the visual space says of what only the collaborative one has found, and the other way round. The second
        is None when the signal is lost."""
        visual, own = found
        if own is None:
            return [], None
        unseen, unheard = _at_once(missing(visual, own)), _at_once(missing(own, visual))
        work = [self._scored(stages, plans[0], [], ids) for ids in unseen]
        work += [self._scored(stages, plans[1], [COLLABORATIVE], ids) for ids in unheard]
        results = await side_by_side(*work) if work else []
        more = [each for each in results[: len(unseen)] if each is not None]
        rest = results[len(unseen) :]
        return more, None if None in rest else rest

    async def _scored(
        self, stages: Stages, plan: SearchPlan, signals: Sequence[str], ids: Sequence[str]
    ) -> Found | None:
        search = self._indexer.search(replace(plan, also_score=ids, score_only=True))
        return await stages.spare("search", "indexer", signals, search, self._limits.reasons_share)

    async def _filled(self, stages: Stages, material: Material, wish: Wish) -> Material:
        """Nothing to be near to. Behind what is popular come the same items for everybody, to fill the answer."""
        ask = material.ask
        some = self._indexer.some_ids(ask.catalogue, ask.filter, ask.domains, self._limits.candidates, wish.conditions)
        filling = await stages.need("search", some, self._limits.search_share)
        return replace(material, beside=tuple(dict.fromkeys((*material.beside, *filling)))[:MAX_BESIDE])

    def _plan(self, material: Material, space: Space, queries: Sequence[SearchQuery], wish: Wish) -> SearchPlan:
        ask = material.ask
        positive = sum(query.positive for query in queries)
        return SearchPlan(
            catalogue=ask.catalogue,
            space=space.name,
            queries=queries,
            limit=self._limits.of_each(positive),
            filter=ask.filter,
            domains=ask.domains,
            exclude=material.excluded(),
            also_score=material.beside,
            min_version=ask.min_version,
            conditions=wish.conditions,
            vectors=wish.variety.by_vectors,
            traits=wish.traits,
            # Several queries bring far more than is shown, and of each what is nearest is found almost surely.
            fast=positive > 1,
            after_photo=ask.photo is not None and material.photo is not None,
            max_per_group=ROOM * wish.variety.max_per_group,
            max_per_category=ROOM * wish.variety.max_per_category,
        )


def _likeness(queries: Sequence[Query], found: Found, plan: SearchPlan, space: Space, wish: Wish) -> Likeness:
    shares: Float64 | None = None
    if wish.shares:
        rows = [space.weights(query.block_weights) for query in plan.queries]
        shares = np.array(rows, dtype=np.float64).reshape(len(rows), len(space.blocks))
    return Likeness(queries, found.blocks, found.parts, shares)


def _at_once(ids: Sequence[str]) -> list[Sequence[str]]:
    """As many at a time as one search scores."""
    return [ids[at : at + MAX_BESIDE] for at in range(0, len(ids), MAX_BESIDE)]


def _joined(searches: Sequence[Found]) -> Found:
    """Several searches of one plan that have no item in common."""
    told = [found for found in searches if found.ids]
    if len(told) < 2:
        return told[0] if told else searches[0]
    vectors = [found.vectors for found in told if found.vectors is not None]
    traits = [found.traits for found in told if found.traits is not None]
    return replace(
        told[0],
        ids=[item_id for found in told for item_id in found.ids],
        parts=np.concatenate([found.parts for found in told], dtype=np.float64),
        vectors=np.concatenate(vectors) if len(vectors) == len(told) else None,
        traits=[each for some in traits for each in some] if len(traits) == len(told) else None,
    )
