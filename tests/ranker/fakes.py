"""The ranker's ports as small worlds that a test can see into and break."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.errors import InvalidInput, NotFound, SpaceMismatch, VisrecError
from services.ranker.others.ports import (
    CatalogueItem,
    Condition,
    Embedder,
    Embedding,
    Found,
    Indexer,
    Interest,
    Opaque,
    Profile,
    SearchPlan,
    Source,
    Spaces,
    Taste,
    Traits,
)
from services.spaces import Block, Float32, Space, canonical, encode

SPACE = Space("toy@00000001", (Block("content", 4), Block("colour", 2)))
TOGETHER = Space("collaborative@00000001", (Block("factors", 4),))


def vector(content: int, colour: int) -> Float32:
    """The corner of the space that lies in these two directions."""
    corner = np.zeros(SPACE.dimension, np.float32)
    corner[content] = corner[4 + colour] = 1.0
    return corner


def embedding(content: int, colour: int) -> Embedding:
    return Embedding(SPACE.name, encode(vector(content, colour)), "model")


def together(*factors: float) -> Embedding:
    """A person in the collaborative space."""
    return Embedding(TOGETHER.name, encode(np.array(factors, np.float32)))


@dataclass(frozen=True)
class FakeTraits(Traits):
    """Of an item, as given."""

    time_s: float = 0.0
    category: str = ""
    group_id: str = ""
    fields: Mapping[str, Collection[str]] = field(default_factory=dict)

    def words(self, field: str) -> Collection[str]:
        return self.fields.get(field, ())


class Fault:
    """What a fake does instead of answering: raises `error`, or never answers when it is None."""

    def __init__(self, error: VisrecError | None) -> None:
        self._error = error

    async def strike(self) -> None:
        if self._error is not None:
            raise self._error
        await asyncio.Event().wait()


class Breakable:
    """A fake that a test can break and mend."""

    fault: Fault | None = None

    async def reach(self) -> None:
        if self.fault is not None:
            await self.fault.strike()


class FakeEmbedder(Breakable, Embedder):
    """A photo is the embedding it will have."""

    async def embed(self, photo: Opaque, space: str, raw: bool = False) -> Embedding:
        await self.reach()
        assert isinstance(photo, Embedding)
        return photo


class FakeIndexer(Breakable, Indexer):
    """Exact search over `rows`: item id to vector; `factors` are the vectors of the collaborative space, if there are
    any; `behind`: where its alias points instead. A filter is a set of ids; a domain is the first letter of an id; a
    condition is a word of `traits`."""

    def __init__(self, rows: Mapping[str, Float32]) -> None:
        self.rows = dict(rows)
        self.factors: dict[str, Float32] = {}
        self.behind: Space | None = None
        self.traits: dict[str, FakeTraits] = {}
        self.shown: dict[str, CatalogueItem] = {}
        self.plans: list[SearchPlan] = []

    async def spaces(self, catalogue: str, *, anew: bool = False) -> Spaces:
        if catalogue != "shop":
            raise NotFound("catalogue", catalogue)
        return Spaces(SPACE, (self.behind or TOGETHER) if self.factors else None, [TOGETHER] if self.behind else [])

    async def search(self, plan: SearchPlan) -> Found:
        await self.reach()
        self.plans.append(plan)
        if not plan.also_score and (plan.score_only or not any(query.positive for query in plan.queries)):
            raise InvalidInput("queries", "needs a query of positive weight")
        assert len(plan.also_score) <= 1000
        space, rows = (SPACE, self.rows) if plan.space == SPACE.name else (TOGETHER, self.factors)
        eligible = [item_id for item_id in sorted(rows) if self._passes(item_id, plan)]
        stored = canonical(np.array([rows[item_id] for item_id in eligible]).reshape(-1, space.dimension))
        parts = np.zeros((len(eligible), len(plan.queries), len(space.blocks)))
        found = {item_id for item_id in plan.also_score if item_id in eligible}
        for number, query in enumerate(plan.queries):
            target = self._target(space, query.item_id, query.embedding)
            weighed = space.weigh(target, space.weights(query.block_weights))
            parts[:, number] = space.parts(weighed, stored)
            if query.positive and not plan.score_only:
                best = np.argsort(-parts[:, number].sum(axis=1), kind="stable")[: plan.limit]
                found |= {eligible[row] for row in best}
        chosen = [row for row, item_id in enumerate(eligible) if item_id in found]
        return Found(
            [eligible[row] for row in chosen],
            [block.name for block in space.blocks],
            parts[chosen],
            "version-1",
            stored[chosen] if plan.vectors else None,
            [self.traits.get(eligible[row], FakeTraits()) for row in chosen] if plan.traits else None,
        )

    async def items(self, catalogue: str, ids: Sequence[str], version: str) -> Mapping[str, CatalogueItem]:
        return {i: CatalogueItem(i, f"Title of {i}", {"id": i}, self.traits.get(i)) for i in ids if i in self.rows}

    async def some_ids(
        self,
        catalogue: str,
        filter: Opaque,  # noqa: A002 - as in the port
        domains: Sequence[str],
        limit: int,
        conditions: Sequence[Condition] = (),
    ) -> Sequence[str]:
        await self.reach()
        return sorted(self.rows)[:limit]

    async def fresh_ids(
        self,
        catalogue: str,
        filter: Opaque,  # noqa: A002 - as in the port
        domains: Sequence[str],
        limit: int,
        conditions: Sequence[Condition] = (),
    ) -> Sequence[str]:
        await self.reach()
        return sorted(self.traits, key=lambda item_id: -self.traits[item_id].time_s)[:limit]

    def remember(
        self,
        catalogue: str,
        filter: Opaque,  # noqa: A002 - as in the port
        domains: Sequence[str],
        conditions: Sequence[Condition],
        items: Mapping[str, CatalogueItem],
    ) -> None:
        self.shown.update(items)

    def remembered(
        self,
        catalogue: str,
        filter: Opaque,  # noqa: A002 - as in the port
        domains: Sequence[str],
        conditions: Sequence[Condition],
    ) -> Mapping[str, CatalogueItem]:
        return self.shown

    def _target(self, space: Space, item_id: str, given: Embedding | None) -> Float32:
        if given is not None:
            return space.decode(given.data, "vector")
        if item_id not in self.rows:
            raise NotFound("item", item_id)
        return self.rows[item_id]

    def _passes(self, item_id: str, plan: SearchPlan) -> bool:
        allowed = plan.filter
        if isinstance(allowed, set) and item_id not in allowed:
            return False
        traits = self.traits.get(item_id, FakeTraits())
        for condition in plan.conditions:
            if not set(condition.any_of) & set(traits.words(condition.field)):
                return False
        return item_id not in plan.exclude and (not plan.domains or item_id[0] in plan.domains)


class FakeProfile(Breakable, Profile):
    """People and counts as given; those of a segment in `of_segments`."""

    def __init__(self) -> None:
        self.tastes: dict[str, Taste] = {}
        self.counts: dict[str, float] = {}
        self.of_segments: dict[str, dict[str, float]] = {}

    async def taste(self, user_id: str, catalogue: str, space: str, *, beside_photo: bool = False) -> Taste:
        await self.reach()
        if user_id not in self.tastes:
            raise NotFound("user", user_id)
        known = self.tastes[user_id]
        for interest in known.interests:
            if space and interest.embedding.space != space:
                raise SpaceMismatch(interest.embedding.space, space)
        return known

    async def popular_ids(self, catalogue: str, domains: Sequence[str], limit: int, segment: str = "") -> Sequence[str]:
        await self.reach()
        counts = self._counts(segment)
        return sorted(counts, key=lambda item_id: -counts[item_id])[:limit]

    async def popularity(self, catalogue: str, ids: Sequence[str], segment: str = "") -> NDArray[np.float64]:
        await self.reach()
        counts = self._counts(segment)
        return np.array([counts.get(item_id, 0.0) for item_id in ids])

    def _counts(self, segment: str) -> Mapping[str, float]:
        if segment and segment not in self.of_segments:
            raise NotFound("segment", segment)
        return self.of_segments[segment] if segment else self.counts


def taste(*likes: tuple[int, int], seen: Sequence[str] = ()) -> Taste:
    """Somebody who likes these corners of the space alike."""
    interests = [
        Interest(embedding(*corner), 1 / len(likes), [Source(f"liked-{number}", "like")])
        for number, corner in enumerate(likes)
    ]
    return Taste(personalised=True, interests=interests, seen=seen)
