"""What a search should have found: every row compared, with numpy, from the canonical float16 vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.indexer.data import Bools
from bench.indexer.space import Float16, Float32

STEP_ROWS = 20_000
"""Converted to float32 at a time: 31 MB of 384 dimensions."""
STEP_QUERIES = 250

Numbers = NDArray[np.intp]


class Best(NamedTuple):
    """The best so far: `rows` and `scores`, (queries, at most so many as wanted), best first."""

    rows: Numbers
    scores: Float32

    def part(self, at: int) -> Best:
        """STEP_QUERIES from there."""
        return Best(self.rows[at : at + STEP_QUERIES], self.scores[at : at + STEP_QUERIES])


def nearest(vectors: Float16, aims: Float32, count: int, passing: Bools | None = None) -> Numbers:
    """The `count` rows of `vectors` (n, D) with the greatest inner products with each of `aims` (q, D), best first, as
    (q, count or as many as there are); only rows of the mask `passing`."""
    best = Best(np.empty((len(aims), 0), np.intp), np.empty((len(aims), 0), np.float32))
    for start in range(0, len(vectors), STEP_ROWS):
        step = vectors[start : start + STEP_ROWS]
        rows = np.arange(len(step)) if passing is None else np.flatnonzero(passing[start : start + STEP_ROWS])
        if len(rows):
            values = step[rows].astype(np.float32)
            parts = [
                _better(best.part(at), values, start + rows, aims[at : at + STEP_QUERIES], count)
                for at in range(0, len(aims), STEP_QUERIES)
            ]
            best = Best(np.concatenate([part.rows for part in parts]), np.concatenate([part.scores for part in parts]))
    return best.rows


def _better(best: Best, values: Float32, rows: Numbers, aims: Float32, count: int) -> Best:
    scores = aims @ values.T
    numbers = np.broadcast_to(rows, scores.shape)
    if scores.shape[1] > count:
        chosen = np.argpartition(-scores, count - 1, axis=1)[:, :count]
        scores, numbers = np.take_along_axis(scores, chosen, 1), np.take_along_axis(numbers, chosen, 1)
    scores, numbers = np.concatenate([best.scores, scores], 1), np.concatenate([best.rows, numbers], 1)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    return Best(np.take_along_axis(numbers, order, 1), np.take_along_axis(scores, order, 1))


def recall(found: Sequence[Sequence[int]], wanted: Numbers | Sequence[Sequence[int]]) -> float:
    """Mean share of the `wanted` rows of each query that it found. A query that wants nothing has found it all."""
    shares = [
        len(set(got) & set(map(int, these))) / len(these) if len(these) else 1.0
        for got, these in zip(found, wanted, strict=True)
    ]
    return float(np.mean(shares))
