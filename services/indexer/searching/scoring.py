"""Exact scores of items for several weighted queries, from canonical vectors.

    score(x) = sum_q  w_q / sum |w|  *  sum_b  v_qb / sum_b' |v_qb'|  *  <q_b, x_b>

Of an item with several photos that one counts for a query which is nearest to it, whatever the other queries are: x is
another one for each q. What an item scores does not depend, to the last bit, on which others are scored beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.indexer.index.port import Aims, RowArray, View
from services.spaces import Float32, Space


class Prepared(NamedTuple):
    """A query whose vector is scaled by its block weights, so that one inner product is its score."""

    name: str
    weight: float
    weighed: Float32
    weights: Float32


class Scored(NamedTuple):
    """Some items. `vectors` (photos, D) canonical; `parts` (blocks, items, queries) float32, without the queries' own
    weights; `scores` and `best`, for each item: its score, and which of the photos is best for all queries together."""

    vectors: Float32
    parts: Float32
    scores: list[float]
    best: list[int]


def aims_of(queries: Sequence[Prepared], space: Space) -> Aims:
    """What an index looks for, for several queries or none."""
    if not queries:
        return Aims(np.empty((0, space.dimension), np.float32), np.empty((0, len(space.blocks)), np.float32))
    if len(queries) == 1:
        return Aims(queries[0].weighed[None], queries[0].weights[None])
    return Aims(np.array([query.weighed for query in queries]), np.array([query.weights for query in queries]))


class Gathered:
    """Items of a view, read once for all the searches that score some of them: of each look into an array most is what
    it costs to begin, and what one search has found others have found, too. `firsts`: their first rows, ascending."""

    def __init__(self, view: View, firsts: RowArray) -> None:
        self._space = view.space
        self._firsts = firsts
        self._ids = view.item_ids(firsts)
        rows, self._owners = view.expand(firsts)
        self._vectors = view.vectors(rows)
        self._a_photo_each = len(rows) == len(firsts)

    def ids(self, firsts: RowArray) -> list[str]:
        """Of some of them, ascending."""
        ids = self._ids
        return [ids[at] for at in np.searchsorted(self._firsts, firsts).tolist()]

    def score(self, queries: Sequence[Prepared], aims: Aims, firsts: RowArray) -> Scored:
        """Scores some of them, ascending. `aims`: those of the queries."""
        if len(firsts) == len(self._firsts):
            return _scored(self._space, queries, aims, self._vectors, None if self._a_photo_each else self._owners)
        places = np.searchsorted(self._firsts, firsts)
        if self._a_photo_each:
            return _scored(self._space, queries, aims, self._vectors[places], None)
        begins = np.searchsorted(self._owners, places, "left")
        counts = np.searchsorted(self._owners, places, "right") - begins
        owners = np.repeat(np.arange(len(places)), counts)
        rows = np.arange(len(owners)) + (begins - np.cumsum(counts) + counts)[owners]
        return _scored(self._space, queries, aims, self._vectors[rows], owners)


def score(view: View, queries: Sequence[Prepared], aims: Aims, firsts: Sequence[int]) -> Scored:
    """Scores items of a view, given by their first rows. `aims`: those of the queries."""
    rows, owners = view.expand(firsts)
    return _scored(view.space, queries, aims, view.vectors(rows), None if len(rows) == len(firsts) else owners)


def _scored(space: Space, queries: Sequence[Prepared], aims: Aims, vectors: Float32, owners: RowArray | None) -> Scored:
    """`owners`: the item of each photo, None where each has one."""
    parts = _parts(space, aims, vectors)
    sums = parts.sum(axis=0, dtype=np.float64)
    scores = _scores(queries, sums)
    if owners is None or not len(owners):
        return Scored(vectors, parts, scores.tolist(), list(range(len(vectors))))
    starts = np.searchsorted(owners, np.arange(int(owners[-1]) + 1))
    best = _best_rows(scores, owners, starts)
    greatest = np.maximum.reduceat(sums, starts, axis=0)
    # Of each item and query the first photo that is as near as any.
    places = np.where(sums == greatest[owners], np.arange(len(owners))[:, None], len(owners))
    nearest = np.minimum.reduceat(places, starts, axis=0)
    parts = parts[:, nearest, np.arange(sums.shape[1])]
    return Scored(vectors, parts, _scores(queries, greatest).tolist(), best.tolist())


def _parts(space: Space, aims: Aims, vectors: Float32) -> Float32:
    parts = np.zeros((len(space.blocks), len(vectors), len(aims.weighed)), np.float32)
    for number, ((_, at), weights) in enumerate(zip(space.slices(), aims.weights.T.tolist(), strict=True)):
        if any(weights):  # the parts of a block that weighs nothing are zero
            # Not a matrix product: BLAS adds up in an order that depends on how many rows there are.
            np.einsum("rd,qd->rq", vectors[:, at], aims.weighed[:, at], out=parts[number])
    return parts


def _scores(queries: Sequence[Prepared], sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) from (n, queries)."""
    if len(queries) == 1:
        only: NDArray[np.float64] = sums[:, 0]
        return only if queries[0].weight > 0 else only * float(np.sign(queries[0].weight))
    # As above: not a matrix product.
    scores: NDArray[np.float64] = np.einsum("rq,q->r", sums, _shares(queries))
    return scores


def _shares(queries: Sequence[Prepared]) -> NDArray[np.float64]:
    """(queries,): the weights, scaled to a sum of absolute values of 1."""
    weights = np.array([query.weight for query in queries], np.float64)
    # Scaled by the largest first, so that no sum of finite weights overflows.
    weights /= np.abs(weights).max(initial=0) or 1
    return weights / (np.abs(weights).sum() or 1)


def _best_rows(scores: NDArray[np.float64], owners: RowArray, starts: NDArray[np.intp]) -> RowArray:
    """For each item, which begins at its start, the row of the greatest score; the earlier of equal ones."""
    best: RowArray = np.lexsort((-scores, owners))[starts]
    return best
