"""What came of a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Written:
    """How many vectors were put, and how many were refused because whose they are is gone."""

    put: int = 0
    gone: int = 0

    def plus(self, other: Written) -> Written:
        """Both together."""
        return Written(self.put + other.put, self.gone + other.gone)


@dataclass(frozen=True)
class Outcome:
    """What was read and put.

    explained  share of what held-out rows differ by from the mean that looks tell; None: none, new items have no rows
    space      where the alias is now
    previous   where it was; empty: nowhere
    went_on    whether rows are those that an earlier run has learned
    """

    acts: int
    items: Written
    people: Written
    cold: Written
    explained: float | None
    space: str
    previous: str
    went_on: bool = False
