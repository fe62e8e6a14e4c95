"""Measured values beside what they should reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Unit = Literal["share", "points", "times", "ratio"]

_DIGITS: dict[Unit, int] = {"share": 3, "points": 2, "times": 1, "ratio": 2}


@dataclass(frozen=True)
class Figure:
    """A value over so many queries: `what` was asked, and `how` it was answered (the block, the precision).

    `least` and `most` are its targets, if it has any. A share is between 0 and 1, points are hundredths of it; a ratio
    is of two shares.
    """

    what: str
    how: str
    value: float
    queries: int
    least: float | None = None
    most: float | None = None
    unit: Unit = "share"

    @property
    def good(self) -> bool:
        """Every target is reached."""
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def target(self) -> str:
        """Such as `content ≥ 0.640`; empty: none."""
        bounds = (("≥", self.least), ("≤", self.most))
        return ", ".join(f"{self.how} {sign} {self.shown(bound)}" for sign, bound in bounds if bound is not None)

    def shown(self, value: float) -> str:
        """In the figure's unit."""
        return f"{value:.{_DIGITS[self.unit]}f}"


@dataclass(frozen=True)
class Section:
    """Figures that belong into one table: a row for each `what`, a column for each `how`."""

    title: str
    figures: Sequence[Figure]
