"""Searching: one nearest-neighbour search for each space, side by side, and every candidate scored in all of them.

An item that only one space has found is scored in the other by its id, without looking for neighbours there. So two
spaces take two rounds, of which the second is cheap, and one space takes one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.errors import NotFound
from services.ranker.candidates import Float64, Likeness, Query, aligned, missing
from services.ranker.diversity import Variety
from services.ranker.limits import Limits
from services.ranker.material import Material
from services.ranker.ports import Condition, Found, Indexer, SearchPlan, SearchQuery, Spaces
from services.ranker.scenes import COLLABORATIVE, SESSION
from services.ranker.stages import Stages, side_by_side
from services.spaces import Space

ROOM = 4
"""Of a category or a group that may come k times each query brings ROOM * k items: enough to choose from, and not a
hundred of the same."""


@dataclass(frozen=True)
class Wish:
    """How to search. `blocks`: weights for every visual query; empty: the space's defaults. `conditions`: what every
    item has to pass. `traits`: whether the items are looked at. `shares`: whether the queries' block weights are
    needed."""

    blocks: Mapping[str, float]
    conditions: Sequence[Condition]
    variety: Variety
    traits: bool
    shares: bool


@dataclass(frozen=True)
class Haul:
    """What came of it. `found`: all candidates, as the visual space has them; `spaces`: what each space says of them.
    `lost`: signals that could not be had."""

    found: Found
    spaces: Sequence[Likeness]
    lost: Sequence[str] = ()


class Searcher:
    """Asks the indexer."""

    def __init__(self, indexer: Indexer, limits: Limits) -> None:
        self._indexer = indexer
        self._limits = limits

    async def search(self, stages: Stages, material: Material, spaces: Spaces, wish: Wish) -> Haul:
        """Raises NotFound for an unknown seed; NotReady, Overloaded, Internal or TooLate without the indexer."""
        queries, searched = material.queries(wish.blocks, own_blocks=not material.ask.block_weights)
        own_queries, own_searched = material.collaborative_query()
        beside = material.beside
        if not any(query.positive for query in (*searched, *own_searched)):
            beside = await self._filled(stages, material, wish)
            if not beside:  # there is nothing that passes, and a search for nothing is refused
                return Haul(Found((), (), np.zeros((0, 0, 0)), ""), ())
        plan = self._plan(material, spaces.visual, searched, wish, beside)
        if not own_searched or spaces.collaborative is None:
            found, queries, plan = await self._visual(stages, plan, queries)
            return Haul(found, [_likeness(queries, found, plan, spaces.visual, wish)])
        own_plan = self._plan(material, spaces.collaborative, own_searched, wish, beside)
        own_plan = replace(own_plan, vectors=False, traits=False)
        (found, queries, plan), own = await side_by_side(
            self._visual(stages, plan, queries), self._collaborative(stages, own_plan)
        )
        more, rest = await self._crosswise(stages, found, own, plan, own_plan)
        found = _joined(found, more)
        likeness = [_likeness(queries, found, plan, spaces.visual, wish)]
        if own is None or rest is None:
            return Haul(found, likeness, (COLLABORATIVE,))
        own = replace(own, ids=found.ids, parts=aligned([own, *rest], found.ids))
        return Haul(found, [*likeness, _likeness(own_queries, own, own_plan, spaces.collaborative, wish)])

    async def _visual(
        self, stages: Stages, plan: SearchPlan, queries: list[Query]
    ) -> tuple[Found, list[Query], SearchPlan]:
        try:
            return await self._enough(stages, plan), queries, plan
        except NotFound:
            plan, kept = await self._without_unknown(stages, plan, queries)
            return await self._enough(stages, plan), kept, plan

    async def _enough(self, stages: Stages, plan: SearchPlan) -> Found:
        """Queries that bring the same items may bring too few together, though there are more: then each brings
        more."""
        share = self._limits.search_share
        found = await stages.need("search", self._indexer.search(plan), share)
        most = self._limits.candidates
        if plan.limit <= len(found.ids) < most and plan.limit < most:
            found = await stages.need("search", self._indexer.search(replace(plan, limit=most)), share)
        return found

    async def _without_unknown(
        self, stages: Stages, plan: SearchPlan, queries: Sequence[Query]
    ) -> tuple[SearchPlan, list[Query]]:
        """Without the session's items that the catalogue does not have: nobody promised that it has. Raises NotFound
        when it was not for one of those."""
        pairs = list(zip(queries, plan.queries, strict=True))
        named = [query.item_id for own, query in pairs if own.signal == SESSION and query.item_id]
        known = (
            await stages.need("search", self._indexer.items(plan.catalogue, named, plan.min_version)) if named else {}
        )
        kept = [pair for pair in pairs if pair[0].signal != SESSION or not pair[1].item_id or pair[1].item_id in known]
        if len(kept) == len(pairs):
            raise NotFound("item", next((query.item_id for query in plan.queries if query.item_id), ""))
        return replace(plan, queries=[query for _, query in kept]), [own for own, _ in kept]

    async def _collaborative(self, stages: Stages, plan: SearchPlan) -> Found | None:
        search = self._indexer.search(plan)
        return await stages.spare("search", "indexer", [COLLABORATIVE], search, self._limits.reasons_share)

    async def _crosswise(
        self, stages: Stages, found: Found, own: Found | None, plan: SearchPlan, own_plan: SearchPlan
    ) -> tuple[Found | None, list[Found] | None]:
        """What the visual space says of what only the collaborative one has found, and the other way round. The second
        is None when the signal is lost."""
        if own is None:
            return None, None
        unseen, unheard = missing(found, own), missing(own, found)
        work = [self._scored(stages, own_plan, unheard)] if unheard else []
        work += [self._scored(stages, plan, unseen)] if unseen else []
        results = await side_by_side(*work) if work else []
        rest = [results[0]] if unheard else []
        more = results[-1] if unseen else None
        return more, None if None in rest else rest

    async def _scored(self, stages: Stages, plan: SearchPlan, ids: Sequence[str]) -> Found | None:
        queries = [replace(query, positive=False) for query in plan.queries]
        search = self._indexer.search(replace(plan, queries=queries, also_score=ids))
        signals = [COLLABORATIVE] if any(query.name == COLLABORATIVE for query in queries) else []
        return await stages.spare("search", "indexer", signals, search, self._limits.reasons_share)

    async def _filled(self, stages: Stages, material: Material, wish: Wish) -> Sequence[str]:
        """Nothing to be near to. Behind what is popular come the same items for everybody, to fill the answer."""
        ask = material.ask
        some = self._indexer.some_ids(ask.catalogue, ask.filter, ask.domains, self._limits.candidates, wish.conditions)
        filling = await stages.need("search", some, self._limits.search_share)
        return tuple(dict.fromkeys((*material.beside, *filling)))

    def _plan(
        self, material: Material, space: Space, queries: Sequence[SearchQuery], wish: Wish, beside: Sequence[str]
    ) -> SearchPlan:
        ask = material.ask
        return SearchPlan(
            catalogue=ask.catalogue,
            space=space.name,
            queries=queries,
            limit=self._limits.of_each(sum(query.positive for query in queries)),
            filter=ask.filter,
            domains=ask.domains,
            exclude=material.excluded(),
            also_score=beside,
            min_version=ask.min_version,
            conditions=wish.conditions,
            vectors=wish.variety.by_vectors,
            traits=wish.traits,
            max_per_group=ROOM * wish.variety.max_per_group,
            max_per_category=ROOM * wish.variety.max_per_category,
        )


def _likeness(queries: Sequence[Query], found: Found, plan: SearchPlan, space: Space, wish: Wish) -> Likeness:
    shares: Float64 | None = None
    if wish.shares:
        rows = [space.weights(query.block_weights) for query in plan.queries]
        shares = np.array(rows, dtype=np.float64).reshape(len(rows), len(space.blocks))
    return Likeness(queries, found.blocks, found.parts, shares)


def _joined(found: Found, more: Found | None) -> Found:
    """Two searches of one plan that have no item in common."""
    if more is None or not more.ids:
        return found
    vectors = None
    if found.vectors is not None and more.vectors is not None:
        vectors = np.concatenate((found.vectors, more.vectors))
    return replace(
        found,
        ids=[*found.ids, *more.ids],
        parts=np.concatenate((found.parts, more.parts), dtype=np.float64),
        vectors=vectors,
        traits=[*found.traits, *more.traits] if found.traits is not None and more.traits is not None else None,
    )
