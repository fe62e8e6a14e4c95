"""Counterfactuals: the smallest change of the weight of one signal that moves an item over the edge of the top N.

With the share t of signal s, the others keeping their proportions, a score is a straight line in t:

    score(x, t) = t * v_s(x)  +  (1 - t) * o_s(x)  +  rules(x)

v_s the value of the signal before its weight, o_s what the others say together at a share of 1. So two items change
places where their lines meet, at most once, and all places are known in closed form. What speaks loudest within a
signal does not depend on t. Only the items of the ranking are looked at, in the order of their scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ranker.ranking import Ranking

Float64 = NDArray[np.float64]

STEP = 1e-9
"""A change goes so much further than where two lines meet: there they are equal, and beyond one is above."""


@dataclass(frozen=True)
class Change:
    """Of one weight, its share from `weight` to `weight_needed`, both 0 to 1, after which the item `leaves` the top N,
    or else comes in, and `other_item_id` does the opposite."""

    signal: str
    weight: float
    weight_needed: float
    leaves: bool
    other_item_id: str


def counterfactual(ranking: Ranking, used: Mapping[str, float], item_id: str, n: int) -> list[Change]:
    """For each signal that can do it alone its smallest change, the smallest first. `used`: the share of each signal.
    Raises NotFound for an item that was not ranked. Empty when all items are in the top N or nothing helps."""
    row = ranking.row(item_id)
    if len(ranking) <= n:
        return []
    contributions = ranking.weights * ranking.values
    signals = np.array([column.signal for column in ranking.columns])
    rules = contributions[:, ~np.isin(signals, list(used))].sum(axis=1)
    ids = np.array(ranking.ids)
    changes = []
    for signal, share in used.items():
        if 0 < share < 1:
            said = contributions[:, signals == signal].sum(axis=1)
            others = contributions[:, np.isin(signals, list(used))].sum(axis=1) - said
            line = _Lines(said / share - others / (1 - share), others / (1 - share) + rules)
            change = _smallest(ids, line, row, n, signal=signal, share=share)
            if change is not None:
                changes.append(change)
    return sorted(changes, key=lambda change: (abs(change.weight_needed - change.weight), change.signal))


@dataclass(frozen=True)
class _Lines:
    """Of each item: score(t) = slope * t + start."""

    slope: Float64
    start: Float64

    def above(self, share: float, row: int, ids: NDArray[np.str_]) -> NDArray[np.bool_]:
        """Which items stand above this one at that share."""
        scores = self.slope * share + self.start
        above: NDArray[np.bool_] = (scores > scores[row]) | ((scores == scores[row]) & (ids < ids[row]))
        return above

    def top(self, share: float, n: int, ids: NDArray[np.str_]) -> list[int]:
        """The rows of the top n at that share, best first."""
        rows: list[int] = np.lexsort((ids, -(self.slope * share + self.start)))[:n].tolist()
        return rows

    def meetings(self, row: int) -> Float64:
        """The shares at which another item's line meets that of this one, in any order."""
        slopes = self.slope - self.slope[row]
        met = np.flatnonzero(slopes)
        return np.asarray((self.start[row] - self.start[met]) / slopes[met])


def _smallest(ids: NDArray[np.str_], lines: _Lines, row: int, n: int, *, signal: str, share: float) -> Change | None:
    leaves = row in lines.top(share, n, ids)
    found = []
    for towards in (1.0, -1.0):
        at = lines.meetings(row)
        at = np.clip(np.unique(at[(at - share) * towards >= 0]) + towards * STEP, 0.0, 1.0)
        for needed in at[:: int(towards)].tolist():
            if (int(lines.above(needed, row, ids).sum()) >= n) == leaves:
                other = str(ids[_other(lines.top(share, n, ids), lines.top(needed, n, ids), leaves)])
                found.append(Change(signal, share, needed, leaves, other))
                break
    return min(found, key=lambda change: abs(change.weight_needed - share)) if found else None


def _other(before: list[int], after: list[int], leaves: bool) -> int:
    """Who is in the top N instead, or who was. Others may have come and gone on the way: it is the one at the edge."""
    came, went = (after, before) if leaves else (before, after)
    return [row for row in came if row not in went][-1]
