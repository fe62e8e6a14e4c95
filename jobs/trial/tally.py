"""Tally: people of an experiment, each with their variant, how many answers they had and what came of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from jobs.feedback.joining import AnswerShown
from jobs.feedback.reading import Person
from jobs.trial.comparing import Float64

CHOSEN, PLACES, BOUGHT = "of which something came", "outcomes", "purchases"
FIGURES = (CHOSEN, PLACES, BOUGHT)
"""For each answer: 1 when anything came of it; of how many of its places something came; how many were bought. The
first one decides; the others tell more."""


@dataclass
class Group:
    """People of one variant. `outcomes`: of each figure, in the order of `answers`."""

    answers: list[int] = field(default_factory=list)
    outcomes: dict[str, list[int]] = field(default_factory=lambda: {figure: [] for figure in FIGURES})

    @property
    def people(self) -> int:
        """How many."""
        return len(self.answers)

    def of(self, figure: str) -> tuple[Float64, Float64]:
        """(p,) outcomes and (p,) answers."""
        return np.array(self.outcomes[figure], dtype=np.float64), np.array(self.answers, dtype=np.float64)

    def add(self, answers: list[AnswerShown]) -> None:
        """One more, with what they were shown."""
        self.answers.append(len(answers))
        found = {
            CHOSEN: sum(bool(answer.outcomes) for answer in answers),
            PLACES: sum(bool(place.outcomes) for answer in answers for place in answer.places),
            BOUGHT: sum("purchase" in place.outcomes for answer in answers for place in answer.places),
        }
        for figure, count in found.items():
            self.outcomes[figure].append(count)


@dataclass(frozen=True)
class Tally:
    """`groups` by variant. `changed`: people who had more than one, and so are in none: the shares were changed while
    it ran, and what they did belongs to neither."""

    groups: Mapping[str, Group]
    changed: int


def tallied(people: Iterable[Person], scene: str, experiment: str) -> Tally:
    """Of those who took part in the scene's experiment: another scene may try something under the same name."""
    groups: dict[str, Group] = {}
    changed = 0
    for person in people:
        theirs = [answer for answer in person.answers if (answer.scene, answer.experiment) == (scene, experiment)]
        variants = {answer.variant for answer in theirs}
        if len(variants) > 1:
            changed += 1
        elif variants:
            groups.setdefault(variants.pop(), Group()).add(theirs)
    return Tally(groups, changed)
