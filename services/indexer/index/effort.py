"""How to find the nearest rows of a settled part, and how much of it to look at.

Three ways lead to them. *Comparing* looks at every row that may come back; it is exact. A *scan* looks at every row's
sketch and compares those that look best; how many depends on the recall wanted. A *walk* through the graph looks at
few rows; how far it must go (HNSW's efSearch) depends on the recall and, much, on the mix of blocks: links join what is
near in all blocks together. What each takes is measured on the part itself (see `calibration`), and the cheapest is
taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import ceil, log2

import numpy as np
from numpy.typing import NDArray

from services.indexer.index.port import Accuracy
from services.spaces import Float32

MAX_EF = 4096
LEAST_EF = 64
"""Shorter walks save little."""
MAX_SCANNED = 16_384

UNMEASURED_SCAN = {Accuracy.FAST: 200, Accuracy.BALANCED: 500}
"""Of 100,000 rows of three independent blocks, 100 give a recall@10 of 0.9 to 0.99, 500 at least 0.997, for any mix."""

MEASURED_COUNT = 10
"""The recalls are those of so many rows; for each row more a scan compares six more, and a walk goes three further."""

NEAR_ENOUGH = 0.2
"""Sum of absolute differences of weights up to which a mix counts as one that was measured."""

MARGIN = 1.3
"""Of what a filter lets pass, on the average, so much more is looked for than is wanted."""


class Way(Enum):
    """How the nearest rows are found."""

    COMPARE = "compare"
    SCAN = "scan"
    WALK = "walk"


@dataclass(frozen=True)
class Plan:
    """`count` rows are to be found; `effort`: rows to compare after a scan, or the walk's efSearch."""

    way: Way
    count: int
    effort: int
    cost_us: float


@dataclass(frozen=True)
class Spread:
    """`rows` of `dimension` numbers, of which `chosen` may come back; `photos`: rows of an item, on the average.
    `scan`, `walk`: whether there is a sketch, a graph."""

    rows: int
    chosen: int
    photos: float
    dimension: int
    scan: bool
    walk: bool


@dataclass(frozen=True)
class Effort:
    """What recalls take, as measured. `mixes` (m, blocks): block weights, of which the absolute values sum to 1;
    `efs`: for each accuracy the efSearch that each of them takes, (m,), 0 where none suffices; `scanned`: for each
    accuracy the rows to compare after a scan, for all mixes. `rows`: how many there were."""

    mixes: Float32
    efs: Mapping[Accuracy, NDArray[np.int32]] = field(default_factory=dict)
    scanned: Mapping[Accuracy, int] = field(default_factory=lambda: dict(UNMEASURED_SCAN))
    rows: int = 0

    @classmethod
    def unmeasured(cls, blocks: int) -> Effort:
        """What is safe to assume."""
        return cls(np.empty((0, blocks), np.float32))

    def ef(self, weights: Float32, accuracy: Accuracy) -> int:
        """The greater one of the two measured mixes nearest to this one; 0: none is known to suffice."""
        efs = self.efs.get(accuracy)
        if efs is None or not len(efs):
            return 0
        distances = np.abs(self.mixes - weights).sum(axis=1)
        near = np.argpartition(distances, 1)[:2] if len(distances) > 2 else np.arange(len(distances))
        if distances[near].min() > NEAR_ENOUGH:
            return 0
        return max(LEAST_EF, int(efs[near].max())) if efs[near].all() else 0

    def plan(self, weights: Float32, accuracy: Accuracy, wanted: int, spread: Spread) -> Plan:
        """For `wanted` items of those that may come back."""
        count = ceil(wanted * spread.photos)
        if spread.chosen < spread.rows:
            count = ceil(MARGIN * count * spread.rows / spread.chosen)
        return self._cheapest(weights, accuracy, count, spread)

    def longer(self, weights: Float32, accuracy: Accuracy, plan: Plan, passed: float, spread: Spread) -> Plan:
        """After a plan with which too little that may come back was found; `passed`: what was, of what was wanted.
        Where nothing was, what may come back lies elsewhere."""
        count = spread.rows if passed == 0 else max(2 * plan.count, ceil(MARGIN * plan.count / passed))
        return self._cheapest(weights, accuracy, count, spread)

    def _cheapest(self, weights: Float32, accuracy: Accuracy, count: int, spread: Spread) -> Plan:
        scale = spread.dimension / 384
        compared = Plan(Way.COMPARE, count, 0, scale * _compare_us(spread))
        if accuracy is Accuracy.EXACT or count >= spread.rows:
            return compared
        plans = [compared]
        more = max(0, count - MEASURED_COUNT)
        looked_at = self.scanned.get(accuracy, 0)
        if spread.scan and looked_at and looked_at + 6 * more <= MAX_SCANNED:
            looked_at += 6 * more
            plans.append(Plan(Way.SCAN, count, looked_at, scale * (20 + 0.001 * spread.rows + 0.2 * looked_at)))
        ef = self.ef(weights, accuracy) if spread.walk else 0
        if ef and ef + 3 * more <= MAX_EF:
            ef += 3 * more
            plans.append(Plan(Way.WALK, count, ef, scale * (15 + ef * 0.1 * log2(spread.rows))))
        return min(plans, key=lambda plan: plan.cost_us)


def _compare_us(spread: Spread) -> float:
    """Of one query, of 384 numbers: rows are copied together first, or looked at where they are."""
    if spread.chosen == spread.rows:
        return 10 + 0.026 * spread.rows
    return min(25 + 0.07 * spread.chosen, 10 + 0.026 * spread.chosen + 0.006 * spread.rows)
