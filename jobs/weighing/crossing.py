"""Crossing: everybody judges, and nobody judges what was learned from them.

People are dealt into parts; those of each judge weights that were learned from all the others, and so was how much is
looked at further down. What is judged is the way to learn: the weights that come of it in the end are learned from a
little more.

Judged is three times: by the eta that was found or stated, and by the least and the most that it may be. Learner and
judge share that number and would share its error, so only what is better by all three is said to be better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.weighing.examination import Examination, estimated
from jobs.weighing.judging import Verdict, Worths, judged, worths
from jobs.weighing.learner import Learned, learned
from jobs.weighing.lists import Ints, Lists


@dataclass(frozen=True)
class Way:
    """A way to learn. `prior`: see `learner`. `eta`: see `examination`; None: found in the data."""

    prior: float
    eta: float | None = None

    def learned(self, lists: Lists, present: Mapping[str, float]) -> tuple[Learned, Examination]:
        """Weights, and how much is looked at further down, of these people alone."""
        looked = estimated(lists) if self.eta is None else Examination(self.eta)
        return learned(lists, present, looked, self.prior), looked


@dataclass(frozen=True)
class Part:
    """Some of the people. `learned`, `looked`: of all the others. `worths`: by `looked`, its least and its most."""

    learned: Learned
    looked: Examination
    worths: tuple[Worths, Worths, Worths]


@dataclass(frozen=True)
class Verdicts:
    """By the eta that was found or stated, and by the `least` and the `most` that it may be."""

    found: Verdict
    least: Verdict
    most: Verdict

    @property
    def is_better(self) -> bool:
        """Beyond the interval, whichever it is."""
        return self.found.is_better and self.least.is_better and self.most.is_better


def dealt(people: int, parts: int, seed: int) -> Ints:
    """(people,) the part of each, 0 to parts - 1, as even as can be."""
    return np.random.default_rng(seed).permutation(people) % parts


def crossed(
    lists: Lists, present: Mapping[str, float], way: Way, part_of: Ints, on_part: Callable[[float], None]
) -> list[Part]:
    """`part_of`: (people,) from `dealt`. `on_part` is told of each that is done."""
    parts = []
    for number in range(int(part_of.max(initial=-1)) + 1):
        parts.append(_part(lists, present, way, part_of == number))
        on_part(1)
    return parts


def _part(lists: Lists, present: Mapping[str, float], way: Way, judges: NDArray[np.bool_]) -> Part:
    new, looked = way.learned(lists.of(~judges), present)
    theirs = lists.of(judges)
    found, least, most = (worths(theirs, present, new.weights, each) for each in (looked, *looked.bounds))
    return Part(new, looked, (found, least, most))


def verdicts(parts: Sequence[Part], seed: int) -> Verdicts | None:
    """By all people of all parts; None: nothing came of anything."""
    found, least, most = (judged([part.worths[turn] for part in parts], seed) for turn in range(3))
    if found is None or least is None or most is None:
        return None
    return Verdicts(found, least, most)
