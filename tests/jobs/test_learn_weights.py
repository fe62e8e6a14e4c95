"""The job `weights` as a whole, of people and a scene that are told to it: what it learns of whom, and what it puts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pytest

from jobs.feedback.joining import AnswerShown, Place, Shown
from jobs.feedback.reading import Feedback, Person
from jobs.learn_weights import Outcome, Plan, WeightsJob
from jobs.pages import Patience
from jobs.scene_keeper import SceneKeeper, TooLittle
from jobs.weighing.crossing import dealt
from jobs.weighing.lists import Lists
from tests.jobs.onlookers import PRESENT, World
from visrec.connection import Connection
from visrec.v1 import ranker_pb2

NOWHERE = cast("Connection", None)
PEOPLE = 120
BEST = {"taste": 0.333, "collaborative": 0.657, "popularity": 0.01}


@dataclass(frozen=True)
class Told(Feedback):
    """Feedback that is known beforehand."""

    lists: Lists | None = None
    experiment: str = ""

    def people(self, on_events: Callable[[float], None]) -> Iterator[Person]:
        assert self.lists is not None
        for number in range(self.lists.people):
            answers = np.flatnonzero(self.lists.person == number)
            yield Person(f"p-{number}", [self._answer(self.lists, int(answer)) for answer in answers])

    def _answer(self, lists: Lists, answer: int) -> AnswerShown:
        places = [
            Place(
                Shown(
                    f"item-{row}", answer, f"answer-{answer}", int(lists.ranks[row]), "shop", values=self._row(int(row))
                ),
                frozenset(["click"] if lists.chosen[row] else []),
            )
            for row in np.flatnonzero(lists.answer == answer)
        ]
        return AnswerShown("shop", self.experiment, "", places)

    def _row(self, row: int) -> dict[str, float]:
        assert self.lists is not None
        return dict(zip(self.lists.signals, self.lists.values[row].tolist(), strict=True))


@dataclass(frozen=True)
class Scene(SceneKeeper):
    """One that is known beforehand."""

    weights: tuple[tuple[str, float], ...] = tuple(PRESENT.items())

    def read(self) -> tuple[ranker_pb2.Scene, str]:
        return ranker_pb2.Scene(name="shop", signal_weights=dict(self.weights)), "1"


def job(lists: Lists, plan: Plan, weights: dict[str, float] = PRESENT, experiment: str = "") -> WeightsJob:
    patience = Patience(0.0, lambda _: None, lambda: 0.0)
    feedback = Told(NOWHERE, "shop", patience, lists=lists, experiment=experiment)
    return WeightsJob(feedback, Scene(NOWHERE, "shop", tuple(weights.items())), plan)


def run(lists: Lists, plan: Plan | None = None, weights: dict[str, float] = PRESENT) -> Outcome:
    return job(lists, plan or Plan(), weights).run(lambda _what, _total: lambda _more: None)


@pytest.mark.parametrize("number", [0, 2])
def test_nothing_that_judges_is_in_what_it_judges(number: int) -> None:
    """Were a single one of the judges learned from, other choices of theirs would make other weights or another eta."""
    lists = World(shy=-3.0).shown(PEOPLE, 4)
    plan = Plan()
    theirs = (dealt(lists.people, plan.folds, plan.seed) == number)[lists.person][lists.answer]
    before = run(lists, plan)
    after = run(replace(lists, chosen=lists.chosen ^ (theirs & (lists.ranks > 5))), plan)
    assert before.parts[number].looked.error is not None
    assert before.parts[number].learned == after.parts[number].learned
    assert before.parts[number].looked == after.parts[number].looked
    assert before.verdicts != after.verdicts
    assert before.learned != after.learned


def test_everybody_judges_once() -> None:
    lists = World(shy=-3.0).shown(PEOPLE, 4)
    found = run(lists)
    assert sum(len(part.worths[0].wanted) for part in found.parts) == PEOPLE
    assert found.verdicts.found.people == len(np.unique(lists.person[lists.answer[lists.chosen]]))


def test_where_a_page_is_seen_at_once_nothing_is_put_that_is_worse() -> None:
    """What people want weighs already. By eta = 1 alone one of two runs would put what is far worse."""
    world, put = World(eta=0.0, shy=-6.0), 0
    everybody, stated = Plan(), Plan(eta=1.0)
    for seed in range(4):
        lists = world.shown(50, seed, weights=BEST)
        assert not run(lists, everybody, BEST).may_be_put(everybody)
        outcome = run(lists, stated, BEST)
        assert not outcome.may_be_put(stated)
        put += outcome.verdicts.found.is_better
    assert put


def test_an_experiment_may_begin_with_what_seems_better() -> None:
    lists = World(shy=-5.0).shown(60, 2)
    everybody, some = Plan(), Plan(experiment="spring")
    better = run(lists, everybody)
    worse = run(World(shy=-5.0).shown(60, 2, weights=BEST), everybody, BEST)
    assert not better.may_be_put(everybody)
    assert better.may_be_put(some)
    assert worse.verdicts.found.other <= worse.verdicts.found.present
    assert not worse.may_be_put(some)


def test_of_too_many_people_a_sample_is_learned_from() -> None:
    found = run(World(shy=-3.0).shown(PEOPLE, 4), Plan(most_people=60))
    assert (found.people, found.met) == (60, PEOPLE)
    assert sum(len(part.worths[0].wanted) for part in found.parts) == 60


def test_a_name_that_was_tried_before_is_not_tried_again() -> None:
    """Its answers would be counted with those of the new weights."""
    tried = job(World(shy=-3.0).shown(PEOPLE, 4), Plan(experiment="spring"), experiment="spring")
    phases = []

    def begin(what: str, _total: float | None) -> Callable[[float], None]:
        phases.append(what)
        return lambda _more: None

    with pytest.raises(TooLittle, match="take another name"):
        tried.run(begin)
    assert phases == ["events read"]
