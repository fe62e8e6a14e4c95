"""What people did, in the order of time, and how it is split into what is known and what is to be foretold. Pure.

A split hands out two logs, and whoever learns is given the first one alone: that is what keeps the future out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

SHARE = 0.8
"""Of the events, the earliest ones, that are known."""

LIKE, LOOK = 2.0, 0.5
"""Clicks that a like and a look say, as the profile service weighs them."""


@dataclass(frozen=True)
class Log:
    """Events in the order of `days`; of equal ones the order they came in.

    people, items  (n,) numbers below `people_count` and `items_count`
    liked          (n,) bool; what was not liked was looked at
    days           (n,) float64, not decreasing
    """

    people: Ints
    items: Ints
    liked: Bools
    days: Floats
    people_count: int
    items_count: int

    def where(self, chosen: Bools) -> Log:
        """Some of the events, (n,) bool; everybody and everything keeps its number."""
        return Log(
            self.people[chosen],
            self.items[chosen],
            self.liked[chosen],
            self.days[chosen],
            self.people_count,
            self.items_count,
        )

    @property
    def clicks(self) -> Floats:
        """(n,): what each event says."""
        return np.where(self.liked, LIKE, LOOK)

    def likes(self) -> Floats:
        """(people, items): 1 where somebody liked something."""
        found = np.zeros((self.people_count, self.items_count))
        found[self.people[self.liked], self.items[self.liked]] = 1.0
        return found

    def seen(self) -> Bools:
        """(people, items): whatever they did with it."""
        found = np.zeros((self.people_count, self.items_count), dtype=np.bool_)
        found[self.people, self.items] = True
        return found


@dataclass(frozen=True)
class Split:
    """`known` is learned from, `later` is to be foretold."""

    known: Log
    later: Log

    def wanted(self) -> Bools:
        """(people, items): what was liked later and had not been seen before."""
        return (self.later.likes() > 0) & ~self.known.seen()

    def people(self) -> Ints:
        """Who liked something before and something new later."""
        return np.flatnonzero(self.wanted().any(axis=1) & (self.known.likes() > 0).any(axis=1))

    def newcomers(self) -> Ints:
        """Who liked nothing before and something later."""
        return np.flatnonzero(self.wanted().any(axis=1) & ~(self.known.likes() > 0).any(axis=1))


def by_time(log: Log, share: float = SHARE) -> Split:
    """One moment for all: what came before it is known."""
    known = np.arange(len(log.days)) < int(len(log.days) * share)
    return Split(log.where(known), log.where(~known))


def by_person(log: Log, share: float = SHARE) -> Split:
    """A moment for each: the first events of everybody are known, so that what others did later is, too."""
    order = np.argsort(log.people, kind="stable")
    people = log.people[order]
    starts, ends = (np.searchsorted(people, people, side) for side in ("left", "right"))
    known = np.empty(len(order), dtype=np.bool_)
    known[order] = np.arange(len(order)) - starts < ((ends - starts) * share).astype(np.intp)
    return Split(log.where(known), log.where(~known))
