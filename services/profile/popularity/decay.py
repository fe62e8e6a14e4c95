"""What is popular now: sums that decay with time and are never rewritten.

Forward decay (Cormode, Shkapenyuk, Srivastava and Xu, "Forward Decay", ICDE 2009): an event of weight w at time t adds
w * 2^(t / half-life) to its item, from a fixed landmark, and the value now is that sum times 2^(-now / half-life). The
order of two items does not depend on now, so a sorted set keeps it.

The paper rescales the sums before they overflow. Here the *logarithm* of each sum is kept, its level, which never does:
from the landmark 1970 it is about 1,450 with a half-life of a fortnight and 500,000 with one of an hour, which a double
holds to 1e-10, so values are exact to better than 1e-9.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

HOUR_MS = 3_600_000

FORGOTTEN_AFTER = 64
"""Half-lives after which a list nobody added to is dropped: its values are below 1e-19 of what they were."""


def gain(weight: float, time_ms: int, half_life_hours: float) -> float:
    """log2 of what an event of `weight` > 0 adds to its item's sum."""
    return math.log2(weight) + time_ms / (half_life_hours * HOUR_MS)


def add(level: float | None, gained: float) -> float:
    """log2(2^level + 2^gained): the item's new level. None: it had no events. Commutative and associative."""
    if level is None:
        return gained
    high, low = max(level, gained), min(level, gained)
    return high + math.log2(1.0 + 2.0 ** (low - high))


def total(levels: Iterable[float | None]) -> float | None:
    """The level of an item by those it has in several lists, each event being in one of them; None without events."""
    level: float | None = None
    for each in levels:
        level = level if each is None else add(level, each)
    return level


def value(level: float | None, now_ms: int, half_life_hours: float) -> float:
    """The decayed sum at `now_ms`: sum of weight * 2^(-age / half-life). 0 without events."""
    if level is None:
        return 0.0
    return float(2.0 ** min(level - now_ms / (half_life_hours * HOUR_MS), 1000.0))
