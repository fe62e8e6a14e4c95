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

CLEAR = 1e-12
"""A change goes on beyond where two lines meet until one score is so much above the other: no rounding turns that
round."""

PARALLEL = 1e-9
"""Lines that are nearer to parallel meet nowhere: the difference of their slopes is one of rounding."""


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
    now = _by_score(ranking)[:n]
    changes = []
    for signal, share in used.items():
        if 0 < share < 1:
            said = contributions[:, signals == signal].sum(axis=1)
            others = contributions[:, np.isin(signals, list(used))].sum(axis=1) - said
            line = _Lines(said / share - others / (1 - share), others / (1 - share) + rules)
            change = _smallest(ids, line, row, now, signal=signal, share=share)
            if change is not None:
                changes.append(change)
    return sorted(changes, key=lambda change: (abs(change.weight_needed - change.weight), change.signal))


def is_by_score(ranking: Ranking) -> bool:
    """Whether it stands in the order of its scores. With diversity it need not; what would change among the scores is
    then not what would change among those that are shown."""
    return _by_score(ranking) == list(range(len(ranking)))


def _by_score(ranking: Ranking) -> list[int]:
    rows: list[int] = np.lexsort((np.array(ranking.ids), -ranking.scores)).tolist()
    return rows


@dataclass(frozen=True)
class _Lines:
    """Of each item: score(t) = slope * t + start."""

    slope: Float64
    start: Float64

    def top(self, share: float, n: int, ids: NDArray[np.str_]) -> list[int]:
        """The rows of the top n at that share, best first."""
        rows: list[int] = np.lexsort((ids, -(self.slope * share + self.start)))[:n].tolist()
        return rows

    def crossings(self, row: int, share: float, towards: float) -> list[float]:
        """The shares, nearest first, at which another item is clear of this one on the other side than before, seen
        from `share` upwards (1.0) or downwards (-1.0)."""
        slopes = self.slope - self.slope[row]
        met = np.flatnonzero(np.abs(slopes) > PARALLEL)
        at = (self.start[row] - self.start[met]) / slopes[met]
        beyond = at + towards * CLEAR / np.abs(slopes[met])
        ahead = ((beyond - share) * towards > 0) & (beyond >= 0) & (beyond <= 1)
        nearest: list[float] = np.sort(beyond[ahead] * towards).tolist()
        return [place * towards for place in nearest]

    def is_out(self, row: int, share: float, n: int) -> bool:
        """Whether n others are clearly above it."""
        scores = self.slope * share + self.start
        return int((scores > scores[row] + CLEAR / 2).sum()) >= n

    def is_in(self, row: int, share: float, n: int) -> bool:
        """Whether fewer than n others are above it, or may be."""
        scores = self.slope * share + self.start
        return int((scores > scores[row] - CLEAR / 2).sum()) <= n  # it is one of them


def _smallest(
    ids: NDArray[np.str_], lines: _Lines, row: int, now: list[int], *, signal: str, share: float
) -> Change | None:
    leaves = row in now
    n = len(now)
    has_moved = lines.is_out if leaves else lines.is_in
    found = []
    for towards in (1.0, -1.0):
        needed = next((at for at in lines.crossings(row, share, towards) if has_moved(row, at, n)), None)
        if needed is not None:
            other = str(ids[_other(now, lines.top(needed, n, ids), leaves)])
            found.append(Change(signal, share, needed, leaves, other))
    return min(found, key=lambda change: abs(change.weight_needed - share)) if found else None


def _other(before: list[int], after: list[int], leaves: bool) -> int:
    """Who is in the top N instead, or who was. Others may have come and gone on the way: it is the one at the edge."""
    came, went = (after, before) if leaves else (before, after)
    return [row for row in came if row not in went][-1]
