"""The loop, on maps that are made up: groups differ by a few channels among much else."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.head.groups import Groups
from services.embedder.architecture import LITE0
from services.embedder.weights import Weights
from tests.train.lessons import PHOTOS, kinds, made_up
from train.tail import Tail
from train.tuning import Lesson, Mark, Recipe, batches, better, tune

RECIPE = Recipe(rounds=3, groups=4, members=6, rate=3e-4)


@pytest.fixture
def groups() -> Groups:
    return kinds()


@pytest.fixture
def lesson(weights: Weights, random: np.random.Generator, groups: Groups) -> Lesson:
    return made_up(weights, random, groups)


def test_it_ends_in_the_best_of_its_states(weights: Weights, lesson: Lesson) -> None:
    marks: list[Mark] = []
    tail = Tail.of(weights, LITE0, 1)
    chosen = tune(tail, lesson, RECIPE, marks.append)
    assert chosen in marks
    assert [mark.round for mark in marks] == list(range(len(marks)))
    assert not any(better(mark, chosen) for mark in marks)


def test_the_same_photos_and_seed_give_the_same_layers(weights: Weights, lesson: Lesson) -> None:
    one, other = Tail.of(weights, LITE0, 1), Tail.of(weights, LITE0, 1)
    for tail in (one, other):
        tune(tail, lesson, Recipe(rounds=1, groups=4, members=6), lambda _: None)
    for name, array in one.weights().items():
        np.testing.assert_array_equal(array, other.weights()[name])


def test_the_checkpoint_itself_is_not_changed(weights: Weights, lesson: Lesson) -> None:
    before = np.array(weights["_conv_head.weight"])
    tune(Tail.of(weights, LITE0, 1), lesson, Recipe(rounds=1, groups=4, members=6), lambda _: None)
    np.testing.assert_array_equal(weights["_conv_head.weight"], before)


def test_what_is_held_out_is_in_no_batch(groups: Groups) -> None:
    allowed = np.arange(PHOTOS) < 30
    found = list(batches(groups.among(allowed), RECIPE, np.random.default_rng(1)))
    assert found
    for rows, related in found:
        assert rows.max() < 30
        assert len(np.unique(rows)) == len(rows)
        np.testing.assert_array_equal(related, groups.among(allowed).related(rows)[:, rows])


def test_an_unfaithful_state_is_never_better() -> None:
    assert better(Mark(1, 0.7, 0.8), Mark(0, 0.6, 0.9))
    assert not better(Mark(1, 0.9, 0.5), Mark(0, 0.6, 0.9))
