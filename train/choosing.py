"""Settings of the loop, chosen on photos that are learned from and on no others.

The items are dealt into FOLDS parts by a hash of their names. A recipe learns from all parts but one, is marked on that
one after each round, and so in turn; its curve is the mean over the parts. A part has fewer photos to find than there
are at the end, which flatters fidelity, so each curve is put as much lower as it begins too high: the network as it was
has what it has by the exam that the loop stops by.

Settings are gone through one after the other: each value is tried with what has been chosen so far, and the best stays.
Best is the most precise of the faithful rounds. Everything follows from the photos, the recipe to begin with and its
seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from jobs.head.fitting import FAITHFUL, held_out
from jobs.head.groups import Flags
from train.photos import Photos
from train.served import exam
from train.tail import Tail
from train.tuning import Lesson, Mark, Recipe, marked, tune

FOLDS, ROUNDS = 2, 6
VALUES: Mapping[str, Sequence[float]] = {
    "rate": (1e-4, 2e-4, 4e-4, 8e-4),
    "kept": (1.0, 3.0, 10.0),
    "temperature": (0.05, 0.1, 0.2),
    "groups": (8, 16),
}
"""In the order in which they are chosen."""
STEPS = (sum(len(values) for values in VALUES.values()) - len(VALUES) + 1) * FOLDS * (ROUNDS + 1)
"""Of `trials`, each a round of a fold; a few more where the recipe begins with other values."""


@dataclass(frozen=True)
class Trial:
    """`curve`: after each round, the mean over the parts; fidelity as if found among all."""

    recipe: Recipe
    curve: Sequence[Mark]

    @property
    def mark(self) -> Mark:
        """The most precise of the faithful rounds; the first if none is."""
        faithful = [mark for mark in self.curve if mark.fidelity >= FAITHFUL]
        return max(faithful or self.curve[:1], key=lambda mark: mark.precision)


def folds_of(lesson: Lesson, photos: Photos, mine: Flags) -> Iterator[Lesson]:
    """The parts of the photos that are `mine`, (n,): each to be marked by, against what is learned from then."""
    left = mine.copy()
    for number in range(FOLDS):
        part = left & held_out(photos.items, 1 / (FOLDS - number), f"fold {number}")
        left &= ~part
        others = mine & ~part
        yield replace(lesson, allowed=others, exam=exam(photos, lesson.raw, part, others))


def trials(
    tail: Tail,
    whole: Lesson,
    folds: Sequence[Lesson],
    first: Recipe,
    on_round: Callable[[], None],
    *,
    values: Mapping[str, Sequence[float]] = VALUES,
) -> Iterator[Trial]:
    """Leaves `tail` as it was. `whole`: by whose exam the network is marked at the end. `on_round` is called after each
    of the STEPS."""
    fidelity = marked(tail, whole, 0).fidelity
    found: dict[Recipe, Trial] = {}
    chosen = replace(first, rounds=ROUNDS, patience=ROUNDS)
    for name, several in values.items():
        tried = [replace(chosen, **{name: type(getattr(first, name))(value)}) for value in several]
        for recipe in tried:
            if recipe not in found:
                found[recipe] = Trial(recipe, lowered(_curve(tail, folds, recipe, on_round), fidelity))
                yield found[recipe]
        chosen = best([found[recipe] for recipe in tried]).recipe


def best(tried: Sequence[Trial]) -> Trial:
    """Of one or more; the first of equals. Where the network is not faithful as it was, nothing is better than that."""
    return max(tried, key=lambda trial: (trial.mark.round > 0, trial.mark.precision))


def lowered(curve: Sequence[Mark], fidelity: float) -> list[Mark]:
    """Of one or more marks: as much lower, or higher, that the first has that fidelity."""
    return [replace(mark, fidelity=mark.fidelity - curve[0].fidelity + fidelity) for mark in curve]


def _curve(tail: Tail, folds: Sequence[Lesson], recipe: Recipe, on_round: Callable[[], None]) -> list[Mark]:
    first, curves = tail.values(), []
    for lesson in folds:
        marks: list[Mark] = []

        def told(mark: Mark, marks: list[Mark] = marks) -> None:
            marks.append(mark)
            on_round()

        tune(tail, lesson, recipe, told)
        tail.set(first)
        curves.append([(mark.precision, mark.fidelity) for mark in marks])
    return [Mark(number, *map(float, np.mean(each, axis=0))) for number, each in enumerate(zip(*curves, strict=True))]
