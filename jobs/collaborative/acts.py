"""What everybody did, as arrays. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.kmeans import Float32

Int32 = NDArray[np.int32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Acts:
    """One entry for each act: who and what by number, how much it says in clicks (negative: disliked), when.

    people, items  (n,) int32, below `people_count` and `items_count`
    clicks         (n,) float32, finite, not zero
    times          (n,) float64, in any unit; only their order counts
    """

    people: Int32
    items: Int32
    clicks: Float32
    times: Float64
    people_count: int
    items_count: int

    @property
    def turns(self) -> NDArray[np.intp]:
        """(n,): how many acts of the same person come after each; of equal times the one that stands later is later."""
        order = np.lexsort((np.arange(len(self.people)), self.times, self.people))
        people = self.people[order]
        ends = np.searchsorted(people, people, side="right")
        after = np.empty(len(order), dtype=np.intp)
        after[order] = ends - 1 - np.arange(len(order))
        return after


@dataclass(frozen=True)
class Named:
    """Acts, and who and what the numbers are."""

    acts: Acts
    people: Sequence[str]
    items: Sequence[str]


class Gathering:
    """Acts as they are read, 24 bytes each, and every id once."""

    def __init__(self) -> None:
        self._people: dict[str, int] = {}
        self._items: dict[str, int] = {}
        self._columns = (array("i"), array("i"), array("f"), array("d"))

    def __len__(self) -> int:
        return len(self._columns[0])

    @property
    def people(self) -> int:
        """How many different ones."""
        return len(self._people)

    def knows(self, person: str) -> bool:
        """Whether there is an act of theirs."""
        return person in self._people

    def add(self, person: str, item: str, clicks: float, time: float) -> None:
        """One act. `clicks`: finite, not zero."""
        people, items, weights, times = self._columns
        people.append(self._people.setdefault(person, len(self._people)))
        items.append(self._items.setdefault(item, len(self._items)))
        weights.append(clicks)
        times.append(time)

    def named(self) -> Named:
        """All of them, people and items numbered by their ids and acts in an order of their own, so that the same acts
        come out the same however they were paged."""
        people, who = _ordered(self._people, np.array(self._columns[0], dtype=np.int32))
        items, what = _ordered(self._items, np.array(self._columns[1], dtype=np.int32))
        clicks, times = np.array(self._columns[2], dtype=np.float32), np.array(self._columns[3], dtype=np.float64)
        order = np.lexsort((clicks, what, times, who))
        acts = Acts(who[order], what[order], clicks[order], times[order], len(people), len(items))
        return Named(acts, people, items)


def _ordered(numbers: dict[str, int], codes: Int32) -> tuple[list[str], Int32]:
    names = sorted(numbers)
    place = np.empty(len(names), dtype=np.int32)
    for at, name in enumerate(names):
        place[numbers[name]] = at
    return names, place[codes] if len(codes) else codes
