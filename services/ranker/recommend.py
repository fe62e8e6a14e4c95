r"""The use case: ask the others, put what they say together, say what was left out.

    photo   -> embedder \                  one search for each space:        popularity, newness, rules
    taste   -> profile    > queries ->     the union of all candidates,  ->  of the candidates           ->  fusion,
    popular -> profile  /                  every part exact                                                  places
                                                                          the items, the reasons  <-----------'

What does not answer within its share of the time is left out and named. Without the catalogue there still is what was
answered lately to who asked for the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from services.errors import NotFound, NotReady, SpaceMismatch
from services.ranker.answer import WEIGHTED_SUM, Answer, Ask
from services.ranker.finding.appraising import Appraiser
from services.ranker.finding.gathering import Gatherer
from services.ranker.finding.material import Material
from services.ranker.finding.moved import moved
from services.ranker.finding.searching import Haul, Searcher, Wish
from services.ranker.frozen.freezer import NOT_FROZEN, Freezer
from services.ranker.limits import Limits
from services.ranker.order.calibration import Calibration
from services.ranker.order.confidence import confidence
from services.ranker.order.diversity import Variety
from services.ranker.order.placing import Order, placed
from services.ranker.others.ports import CatalogueItem, Embedder, Found, Indexer, Profile, Spaces
from services.ranker.reasons.sources import sources_plan
from services.ranker.reasons.telling import Teller
from services.ranker.scenes import scene as scenes
from services.ranker.scenes.book import SceneBook
from services.ranker.scenes.rules import Rules
from services.ranker.scenes.scene import FRESHNESS, POPULARITY, SCENES, SEGMENT, WEIGHTS_VERSION, Scene
from services.ranker.stages import AWAY, Stages

DIVERSITY = "diversity"
"""Named among the dropped when there were no vectors to tell likeness by."""

SEARCH = "search"
"""Named among the dropped when nothing was searched for, and the answer is of what was shown lately."""

BUILT_IN = SceneBook(SCENES, WEIGHTS_VERSION)


class Recommender:
    """Answers many asks at once and keeps nothing between them, but in `freezer`. `clock`: seconds, monotonic; `now`:
    seconds since 1970. `book`: the scenes that hold now."""

    def __init__(
        self,
        embedder: Embedder,
        indexer: Indexer,
        profile: Profile,
        clock: Callable[[], float],
        limits: Limits,
        *,
        book: Callable[[], SceneBook] = lambda: BUILT_IN,
        calibration: Calibration = Calibration(),  # noqa: B008 - frozen
        now: Callable[[], float] = time.time,
        freezer: Freezer | None = None,
    ) -> None:
        self._indexer = indexer
        self._clock = clock
        self._book = book
        self._calibration = calibration
        self._gatherer = Gatherer(embedder, indexer, profile, clock, limits)
        self._searcher = Searcher(indexer, limits)
        self._appraiser = Appraiser(profile, now, limits)
        self._teller = Teller(indexer, limits)
        self._now = now
        self._freezer = freezer

    async def recommend(self, ask: Ask, budget_s: float) -> Answer:
        """The best `ask.n` items, or fewer when no more pass.

        Raises InvalidInput or NotFound for what is wrong with the request; NotReady, Overloaded or TooLate when nothing
        is left to answer from.
        """
        ask.check()
        stages = Stages(self._clock, budget_s)
        spaces = await stages.need("space", self._indexer.spaces(ask.catalogue))
        try:
            return await self._recommended(stages, ask, spaces)
        except (SpaceMismatch, NotFound) as problem:
            # The embedder knows spaces by their heads alone: one that is gone is not found.
            is_of_space = isinstance(problem, SpaceMismatch) or problem.kind == "space"
            now = await moved(stages, self._indexer, ask.catalogue, spaces) if is_of_space else None
            if now is None:
                raise
        return await self._recommended(Stages(self._clock, stages.left_s), ask, now)

    async def _recommended(self, stages: Stages, ask: Ask, spaces: Spaces) -> Answer:
        """Raises SpaceMismatch where the catalogue has other spaces by now, too."""
        book = self._book()
        scene, exposure = book.named(ask.scene).seen_by(ask.user_id)
        wanted = scenes.signal_weights(scene, ask.signal_weights)
        rules = ask.rules.over(scene.rules)
        conditions = rules.conditions()
        variety = _variety(ask.diversity or scene.diversity, rules)
        blocks = scenes.block_weights(scene, ask.block_weights, spaces.visual)
        curves = self._calibration.of(ask.catalogue, spaces.visual.name)

        material = await self._gatherer.gather(stages, ask, wanted, spaces, conditions)
        _require_something(stages, material)
        if material.collaborative is not None:
            spaces = spaces.for_vector_of(material.collaborative.space) or spaces
        traits = rules.look_at_items or FRESHNESS in material.weights
        liked_blocks = _liked_blocks(material, scene, blocks, spaces)
        wish = Wish(blocks, liked_blocks, conditions, variety, traits, shares=bool(curves.of))
        haul, known = await self._haul(stages, material, spaces, wish)
        material = haul.material
        weights, candidates = await self._appraiser.appraise(stages, material, haul, rules)
        with stages.timed("fuse"):
            order = Order(ask.fusion, curves, _possible(stages, variety, haul.found))
            ranking = placed(candidates, weights, order, haul.found, spaces.visual)

        answer = Answer(
            recommended=(),
            used=weights,
            dropped=stages.dropped,
            scene=scene.name,
            space=spaces.visual.name,
            model_digest=material.photo.model_digest if material.photo else "",
            index_version=haul.found.version,
            costs=stages.costs,
            ranking=ranking,
            weights_version=book.version,
            calibration_version=curves.version,
            collaborative_space=spaces.collaborative.name if spaces.collaborative and len(haul.spaces) > 1 else "",
            language=ask.language,
            blocks=blocks,
            sources=material.sources(),
            photo=material.photo,
            taste=material.taste,
            exposure=exposure,
            confidence=confidence(ranking) if ask.domains and ask.fusion == WEIGHTED_SUM else None,
        )
        return await self._told(stages, material, answer, wish, known)

    async def _told(
        self,
        stages: Stages,
        material: Material,
        answer: Answer,
        wish: Wish,
        known: Mapping[str, CatalogueItem],
    ) -> Answer:
        """With its items and reasons; it is frozen while the items are fetched."""
        ask, version = material.ask, answer.index_version
        if ask.explain and not known:
            plan = sources_plan(material, answer.ranking.ids[: ask.n], answer.space, wish.liked_blocks, version)
            answer = replace(answer, nearest=await self._teller.nearest(stages, material, plan))
        freezing = self._freezer.freeze(ask, answer, self._now()) if self._freezer else NOT_FROZEN
        recommended, items = await self._teller.tell(
            stages,
            ask,
            answer.ranking,
            sources=answer.sources,
            nearest=answer.nearest,
            blocks=answer.blocks,
            version=version,
            known=known,
        )
        if not known:
            # Items that reasons refer to were read, too, and nobody knows whether they pass.
            shown = {item_id: items[item_id] for item_id in answer.ranking.ids[: ask.n] if item_id in items}
            self._indexer.remember(ask.catalogue, ask.filter, ask.domains, wish.conditions, shown)
        receipt = await freezing.ended(stages)
        return replace(
            answer,
            recommended=recommended,
            recommendation_id=receipt.recommendation_id,
            next_page_token=receipt.next_page_token,
        )

    async def _haul(
        self, stages: Stages, material: Material, spaces: Spaces, wish: Wish
    ) -> tuple[Haul, Mapping[str, CatalogueItem]]:
        """What the searches have found; or, when the index is away, what was answered lately, with the items."""
        ask = material.ask
        try:
            return await self._searcher.search(stages, material, spaces, wish), {}
        except SpaceMismatch as problem:
            if await moved(stages, self._indexer, ask.catalogue, spaces):
                raise
            # No caller has named the space: a replica of the indexer has not heard of it yet.
            raise NotReady("the catalogue has other spaces now, which the next one will know") from problem
        except AWAY:
            remembered = self._indexer.remembered(ask.catalogue, ask.filter, ask.domains, wish.conditions)
            excluded = set(material.excluded())
            items = {item_id: item for item_id, item in remembered.items() if item_id not in excluded}
            if not items or ask.min_version:
                raise
        stages.weakened = True
        stages.drop(SEARCH, "INDEXER_UNAVAILABLE", "the indexer cannot answer now: this is of what was shown lately")
        lost = [signal for signal in material.weights if signal not in (SEGMENT, POPULARITY, FRESHNESS)]
        for signal in lost:
            stages.drop(signal, "INDEXER_UNAVAILABLE", "nothing can be compared without the indexer")
        traits = [item.traits for item in items.values() if item.traits is not None]
        found = Found(
            list(items), (), np.zeros((len(items), 0, 0)), "", traits=traits if len(traits) == len(items) else None
        )
        return Haul(material, found, (), lost), items


def _liked_blocks(material: Material, scene: Scene, blocks: Mapping[str, float], spaces: Spaces) -> Mapping[str, float]:
    """Weights of the blocks for what somebody likes: those of the request, if it names any, else their own. One that
    pushes away is about what is shown: who wants it in another colour still likes the colours that they like. Empty:
    the space's defaults."""
    asked = material.ask.block_weights
    if asked and min(asked.values()) >= 0:
        return blocks
    own = material.taste.block_weights if material.taste else {}
    if own:
        return own
    shown = scenes.block_weights(scene, {}, spaces.visual)
    return shown if min(shown.values(), default=0.0) >= 0 else {}


def _variety(diversity: float, rules: Rules) -> Variety:
    return Variety(diversity, rules.near_duplicate_cosine, rules.max_per_category, rules.max_per_group)


def _possible(stages: Stages, variety: Variety, found: Found) -> Variety:
    """What can be had of it."""
    if variety.by_vectors and found.vectors is None and found.ids:
        stages.drop(DIVERSITY, "NO_VECTOR", "there are no vectors to tell by what is alike")
        variety = replace(variety, diversity=0.0, duplicate_cosine=0.0)
    if variety.capped and found.traits is None:
        variety = replace(variety, max_per_category=0, max_per_group=0)
    return variety


def _require_something(stages: Stages, material: Material) -> None:
    if stages.weakened and not material.weights:
        left_out = "; ".join(dict.fromkeys(dropped.message for dropped in stages.dropped))
        raise NotReady(f"nothing is left to recommend from: {left_out}")
