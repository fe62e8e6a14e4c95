"""The ranker's ports as small worlds that a test can see into and break."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from services.errors import NotFound, SpaceMismatch, VisrecError
from services.ranker.ports import (
    CatalogueItem,
    Embedder,
    Embedding,
    Found,
    Indexer,
    Interest,
    Opaque,
    Profile,
    SearchPlan,
    Source,
    Taste,
)
from services.spaces import Block, Float32, Space, canonical, encode

SPACE = Space("toy@00000001", (Block("content", 4), Block("colour", 2)))


def vector(content: int, colour: int) -> Float32:
    """The corner of the space that lies in these two directions."""
    corner = np.zeros(SPACE.dimension, np.float32)
    corner[content] = corner[4 + colour] = 1.0
    return corner


def embedding(content: int, colour: int) -> Embedding:
    return Embedding(SPACE.name, encode(vector(content, colour)), "model")


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

    async def embed(self, photo: Opaque, space: str) -> Embedding:
        await self.reach()
        assert isinstance(photo, Embedding)
        return photo


class FakeIndexer(Breakable, Indexer):
    """Exact search over `rows`: item id to vector. A filter is a set of ids; a domain is the first letter of an id."""

    def __init__(self, rows: Mapping[str, Float32]) -> None:
        self.rows = dict(rows)
        self.plans: list[SearchPlan] = []

    async def space(self, catalogue: str) -> Space:
        if catalogue != "shop":
            raise NotFound("catalogue", catalogue)
        return SPACE

    async def search(self, plan: SearchPlan) -> Found:
        await self.reach()
        self.plans.append(plan)
        eligible = [item_id for item_id in sorted(self.rows) if self._passes(item_id, plan)]
        stored = canonical(np.array([self.rows[item_id] for item_id in eligible]).reshape(-1, SPACE.dimension))
        parts = np.zeros((len(eligible), len(plan.queries), len(SPACE.blocks)))
        found = {item_id for item_id in plan.also_score if item_id in eligible}
        for number, query in enumerate(plan.queries):
            weighed = SPACE.weigh(self._target(query.item_id, query.embedding), SPACE.weights(query.block_weights))
            parts[:, number] = SPACE.parts(weighed, stored)
            if query.positive:
                best = np.argsort(-parts[:, number].sum(axis=1), kind="stable")[: plan.limit]
                found |= {eligible[row] for row in best}
        rows = [row for row, item_id in enumerate(eligible) if item_id in found]
        return Found([eligible[row] for row in rows], [b.name for b in SPACE.blocks], parts[rows], "version-1")

    async def items(self, catalogue: str, ids: Sequence[str], version: str) -> Mapping[str, CatalogueItem]:
        return {i: CatalogueItem(i, f"Title of {i}", {"id": i}) for i in ids if i in self.rows}

    async def some_ids(self, catalogue: str, filter: Opaque, domains: Sequence[str], limit: int) -> Sequence[str]:  # noqa: A002 - as in the port
        await self.reach()
        return sorted(self.rows)[:limit]

    def _target(self, item_id: str, given: Embedding | None) -> Float32:
        if given is not None:
            return SPACE.decode(given.data, "vector")
        if item_id not in self.rows:
            raise NotFound("item", item_id)
        return self.rows[item_id]

    @staticmethod
    def _passes(item_id: str, plan: SearchPlan) -> bool:
        allowed = plan.filter
        if isinstance(allowed, set) and item_id not in allowed:
            return False
        return item_id not in plan.exclude and (not plan.domains or item_id[0] in plan.domains)


class FakeProfile(Breakable, Profile):
    """People and counts as given."""

    def __init__(self) -> None:
        self.tastes: dict[str, Taste] = {}
        self.counts: dict[str, float] = {}

    async def taste(self, user_id: str, catalogue: str, space: str) -> Taste:
        await self.reach()
        if user_id not in self.tastes:
            raise NotFound("user", user_id)
        known = self.tastes[user_id]
        for interest in known.interests:
            if space and interest.embedding.space != space:
                raise SpaceMismatch(interest.embedding.space, space)
        return known

    async def popular_ids(self, catalogue: str, domains: Sequence[str], limit: int) -> Sequence[str]:
        await self.reach()
        return sorted(self.counts, key=lambda item_id: -self.counts[item_id])[:limit]

    async def popularity(self, catalogue: str, ids: Sequence[str]) -> NDArray[np.float64]:
        await self.reach()
        return np.array([self.counts.get(item_id, 0.0) for item_id in ids])


def taste(*likes: tuple[int, int], seen: Sequence[str] = ()) -> Taste:
    """Somebody who likes these corners of the space alike."""
    interests = [
        Interest(embedding(*corner), 1 / len(likes), [Source(f"liked-{number}", "like")])
        for number, corner in enumerate(likes)
    ]
    return Taste(personalised=True, interests=interests, seen=seen)
