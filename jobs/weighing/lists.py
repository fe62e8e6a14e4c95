"""Lists: the answers of a scene as arrays, which is what weights are learned from.

Only what may be weighed against each other is in a list: the signals of the scene, each with its value before the
weight. A signal that an answer did without has 0 for all of its items, so it decides nothing there, as it did not
then. Where there is no segment, what is popular stands for what is popular in it, as in the ranker: the column of
`segment` is then that of `popularity`. Rules of the business are no signal and are left out; so are answers by
reciprocal rank, whose values are places.
"""

from __future__ import annotations

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


class Gathering:
    """Takes people one after the other. `signals`: of the scene. `outcomes`: which count."""

    def __init__(self, signals: Sequence[str], scene: str, outcomes: frozenset[str]) -> None:
        self._signals = tuple(signals)
        self._scene = scene
        self._outcomes = outcomes
        self._values: list[Float64] = []
        self._chosen: list[NDArray[np.bool_]] = []
        self._ranks: list[Ints] = []
        self._sizes: list[int] = []
        self._person: list[int] = []
        self.people = 0

    def add_all(self, people: Iterable[Person]) -> Lists:
        """All of them at the end."""
        for person in people:
            self.add(person)
        return self.lists()

    def add(self, person: Person) -> None:
        """What one person was shown by the scene."""
        those = [answer for answer in person.answers if answer.scene == self._scene and not _by_ranks(answer)]
        for answer in those:
            self._values.append(self._table(answer.places))
            self._chosen.append(np.array([bool(place.outcomes & self._outcomes) for place in answer.places]))
            self._ranks.append(np.array([place.shown.rank for place in answer.places]))
            self._sizes.append(len(answer.places))
            self._person.append(self.people)
        self.people += bool(those)

    def lists(self) -> Lists:
        """All that was added."""
        answers = np.arange(len(self._sizes))
        return Lists(
            self._signals,
            np.concatenate([np.zeros((0, len(self._signals))), *self._values]),
            np.concatenate([np.zeros(0, bool), *self._chosen]),
            np.concatenate([np.zeros(0, int), *self._ranks]),
            np.repeat(answers, self._sizes),
            np.array(self._person, dtype=np.int64),
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
