"""How long something took lately."""

from __future__ import annotations

from collections.abc import Callable

WEIGHT = 0.2
"""Of the newest measure in the moving average."""

LATELY_S = 0.25
"""What was measured longer ago says nothing of now."""


class Lately:
    """`clock`: seconds, monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._average_s = 0.0
        self._noted_s = float("-inf")

    def note(self, seconds: float) -> None:
        """It has just taken so long."""
        now = self._clock()
        known = now - self._noted_s < LATELY_S
        self._average_s = (1 - WEIGHT) * self._average_s + WEIGHT * seconds if known else seconds
        self._noted_s = now

    @property
    def seconds(self) -> float:
        """An exponential moving average; 0 when nothing was noted lately."""
        return self._average_s if self._clock() - self._noted_s < LATELY_S else 0.0
