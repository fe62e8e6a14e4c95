"""Lists: the answers of a scene as arrays, which is what weights are learned from.

Only what may be weighed against each other is in a list: the signals of the scene, each with its value before the
weight. A signal that an answer did without has 0 for all of its items, so it decides nothing there, as it did not
then. Where there is no segment, what is popular stands for what is popular in it, as in the ranker: the column of
`segment` is then that of `popularity`. Rules of the business are no signal and are left out; so are answers by
reciprocal rank, whose values are places.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.feedback.joining import AnswerShown, Place
from jobs.feedback.reading import Person

Float64 = NDArray[np.float64]
Ints = NDArray[np.int64]

SEGMENT, POPULARITY = "segment", "popularity"

LARGEST_OF_RANKS = 1 / 60
"""By reciprocal rank a signal says 1 / (60 + rank) of an item: never as much as this."""


@dataclass(frozen=True)
class Lists:
    """n places of l answers of p people, those of one answer one after the other.

    signals  s names, the columns of `values`
    values   (n, s), 0 where a signal was not in use
    chosen   (n,) bool: something came of it
    ranks    (n,) from 1
    answer   (n,) 0 to l - 1, ascending
    person   (l,) 0 to p - 1, ascending
    """

    signals: Sequence[str]
    values: Float64
    chosen: NDArray[np.bool_]
    ranks: Ints
    answer: Ints
    person: Ints

    @property
    def people(self) -> int:
        """p."""
        return int(self.person[-1]) + 1 if len(self.person) else 0

    @property
    def with_choice(self) -> int:
        """Answers of which something came, and not of all: what can be learned from."""
        chosen = np.bincount(self.answer, self.chosen, len(self.person))
        places = np.bincount(self.answer, minlength=len(self.person))
        return int(((chosen > 0) & (chosen < places)).sum())

    def of(self, people: NDArray[np.bool_]) -> Lists:
        """Those of some people, (p,) bool, numbered anew."""
        answers = people[self.person]
        places = answers[self.answer]
        return Lists(
            self.signals,
            self.values[places],
            self.chosen[places],
            self.ranks[places],
            (np.cumsum(answers) - 1)[self.answer[places]],
            (np.cumsum(people) - 1)[self.person[answers]],
        )


@dataclass(frozen=True)
class _Told:
    """What one person was shown: as in Lists, and the `sizes` of the answers."""

    values: Float64
    chosen: NDArray[np.bool_]
    ranks: Ints
    sizes: Sequence[int]


class Gathering:
    """Takes people one after the other and keeps `most` of them, whom a keyed hash decides and not when they come.
    `signals`: of the scene. `outcomes`: which count. `seed`: the key."""

    def __init__(
        self, signals: Sequence[str], scene: str, outcomes: frozenset[str], most: int = 10_000, seed: int = 1
    ) -> None:
        self._signals = tuple(signals)
        self._scene = scene
        self._outcomes = outcomes
        self._most = most
        self._key = str(seed).encode()
        self._kept: list[tuple[int, int, _Told]] = []
        self._met = 0
        self.experiments: set[str] = set()
        """Names of all that the scene has had, of as long as there are answers."""

    def add_all(self, people: Iterable[Person]) -> Lists:
        """All of them at the end."""
        for person in people:
            self.add(person)
        return self.lists()

    def add(self, person: Person) -> None:
        """What one person was shown by the scene."""
        those = [answer for answer in person.answers if answer.scene == self._scene]
        self.experiments |= {answer.experiment for answer in those if answer.experiment}
        those = [answer for answer in those if not _by_ranks(answer)]
        if not those:
            return
        self._met += 1
        digest = hashlib.blake2b(person.pseudonym.encode(), key=self._key, digest_size=8).digest()
        order = -int.from_bytes(digest, "big")
        if len(self._kept) < self._most:
            heapq.heappush(self._kept, (order, self._met, self._told(those)))
        elif order > self._kept[0][0]:
            heapq.heapreplace(self._kept, (order, self._met, self._told(those)))

    def lists(self) -> Lists:
        """All that was kept, people in the order in which they came."""
        told = [each for _, _, each in sorted(self._kept, key=lambda kept: kept[1])]
        sizes = [size for each in told for size in each.sizes]
        return Lists(
            self._signals,
            np.concatenate([np.zeros((0, len(self._signals))), *(each.values for each in told)]),
            np.concatenate([np.zeros(0, bool), *(each.chosen for each in told)]),
            np.concatenate([np.zeros(0, int), *(each.ranks for each in told)]),
            np.repeat(np.arange(len(sizes)), sizes),
            np.repeat(np.arange(len(told)), [len(each.sizes) for each in told]),
        )

    @property
    def met(self) -> int:
        """How many people there were, kept or not."""
        return self._met

    def _told(self, answers: Sequence[AnswerShown]) -> _Told:
        places = [place for answer in answers for place in answer.places]
        return _Told(
            np.concatenate([self._table(answer.places) for answer in answers]),
            np.array([bool(place.outcomes & self._outcomes) for place in places]),
            np.array([place.shown.rank for place in places]),
            [len(answer.places) for answer in answers],
        )

    def _table(self, places: Sequence[Place]) -> Float64:
        signals = self._signals
        table = np.array([[place.shown.values.get(signal, 0.0) for signal in signals] for place in places])
        has_segment = any(SEGMENT in place.shown.values for place in places)
        if SEGMENT in signals and POPULARITY in signals and not has_segment:
            table[:, signals.index(SEGMENT)] = table[:, signals.index(POPULARITY)]
        return table


def _by_ranks(answer: AnswerShown) -> bool:
    values = [abs(value) for place in answer.places for value in place.shown.values.values()]
    return bool(values) and max(values) < LARGEST_OF_RANKS
