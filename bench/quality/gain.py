"""Discounted cumulative gain of rankings in which some of the targets are right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.quality.question import K

Scores = NDArray[np.float64]
Flags = NDArray[np.bool_]


def ndcg(scores: Scores, right: Flags) -> Scores:
    """(queries, targets) -> of each query that has a right target: discounted gain of its first ten, of what it could
    be (Järvelin and Kekäläinen, TOIS 20, 2002)."""
    asked = right.any(axis=1)
    scores, right = scores[asked], right[asked]
    order = np.argsort(-scores, axis=1, kind="stable")[:, :K]
    worth = 1 / np.log2(np.arange(2, K + 2))
    gain = (np.take_along_axis(right, order, axis=1) * worth[: order.shape[1]]).sum(axis=1)
    return np.asarray(gain / np.cumsum(worth)[np.minimum(right.sum(axis=1), K) - 1])


def by_chance(right: Flags) -> float:
    """What any order brings on average."""
    asked = right[right.any(axis=1)]
    worth = np.cumsum(1 / np.log2(np.arange(2, K + 2)))
    whole = worth[min(K, right.shape[1]) - 1]
    return float(np.mean(asked.mean(axis=1) * whole / worth[np.minimum(asked.sum(axis=1), K) - 1]))
