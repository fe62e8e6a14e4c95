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
MAX_SCANNED = 20_000

UNMEASURED_SCAN = {Accuracy.FAST: 200, Accuracy.BALANCED: 500}
"""Of 100,000 rows of three independent blocks, 100 give a recall@10 of 0.9 to 0.99, 500 at least 0.997, for any mix."""

MEASURED_COUNT = 10
"""The recalls are those of so many rows; for each row more a scan compares three more, and a walk goes three further.
Of 72,000 rows so many keep the recall of up to 1000 neighbours at 0.98 or more, for any mix; two keep it at 0.95, six
at 0.997."""

FURTHER = 3

SAME, NEAR_ENOUGH = 0.02, 0.2
"""Sums of absolute differences of weights: one mix; mixes that two that were measured speak for."""

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
class Measured:
    """`mixes` (m, blocks): block weights, of which the absolute values sum to 1; `efforts`: for each accuracy what each
    of them takes, (m,), 0 where nothing suffices."""

    mixes: Float32
    efforts: Mapping[Accuracy, NDArray[np.int32]] = field(default_factory=dict)

    @classmethod
    def nothing(cls, blocks: int) -> Measured:
        """No mix."""
        return cls(np.empty((0, blocks), np.float32))

    def near(self, weights: Float32, accuracy: Accuracy, within: float) -> int:
        """The greater effort of the two mixes nearest to this one, or that of one that is it; 0 when none lies within
        a sum of absolute differences of `within`, or none suffices."""
        efforts = self.efforts.get(accuracy)
        if efforts is None or not len(efforts):
            return 0
        distances = np.abs(self.mixes - weights).sum(axis=1)
        nearest = int(distances.argmin())
        if distances[nearest] < SAME:
            return int(efforts[nearest])
        near = efforts[np.argpartition(distances, 1)[:2]] if len(efforts) > 1 else efforts
        return int(near.max()) if distances[nearest] <= within and near.all() else 0

    def worst(self, weights: Float32, accuracy: Accuracy) -> int:
        """The greatest effort of all mixes; 0 for a mix that is nearest to one for which none suffices."""
        efforts = self.efforts.get(accuracy)
        if efforts is None or not len(efforts):
            return 0
        nearest = int(np.abs(self.mixes - weights).sum(axis=1).argmin())
        return int(efforts.max()) if efforts[nearest] else 0


@dataclass(frozen=True)
class Effort:
    """What recalls take, as measured when there were so many `rows`: rows to compare after a scan, and efSearch."""

    scans: Measured
    walks: Measured
    rows: int = 0

    @classmethod
    def unmeasured(cls, blocks: int) -> Effort:
        """What is safe to assume."""
        return cls(Measured.nothing(blocks), Measured.nothing(blocks))

    def looked_at(self, weights: Float32, accuracy: Accuracy) -> int:
        """Rows to compare after a scan; 0: no number is known to suffice."""
        if not self.rows:
            return UNMEASURED_SCAN.get(accuracy, 0)
        return self.scans.near(weights, accuracy, NEAR_ENOUGH) or self.scans.worst(weights, accuracy)

    def ef(self, weights: Float32, accuracy: Accuracy) -> int:
        """efSearch of a walk; 0: none is known to suffice."""
        return self.walks.near(weights, accuracy, NEAR_ENOUGH)

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
        looked_at = self.looked_at(weights, accuracy) if spread.scan else 0
        if looked_at and looked_at + FURTHER * more <= MAX_SCANNED:
            looked_at += FURTHER * more
            plans.append(Plan(Way.SCAN, count, looked_at, scale * (20 + 0.001 * spread.rows + 0.2 * looked_at)))
        ef = self.ef(weights, accuracy) if spread.walk else 0
        if ef and ef + FURTHER * more <= MAX_EF:
            ef += FURTHER * more
            plans.append(Plan(Way.WALK, count, ef, scale * (15 + ef * 0.1 * log2(spread.rows))))
        return min(plans, key=lambda plan: plan.cost_us)


def _compare_us(spread: Spread) -> float:
    """Of one query, of 384 numbers: rows are copied together first, or looked at where they are."""
    if spread.chosen == spread.rows:
        return 10 + 0.026 * spread.rows
    return min(25 + 0.07 * spread.chosen, 10 + 0.026 * spread.chosen + 0.006 * spread.rows)
