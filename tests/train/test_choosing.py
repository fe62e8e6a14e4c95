"""Settings chosen by folds of what is learned from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jobs.head.groups import Flags
from services.embedder.architecture import LITE0
from services.embedder.weights import Weights
from tests.train.lessons import KINDS, PHOTOS, kinds, made_up
from train.choosing import FOLDS, ROUNDS, Trial, best, folds_of, lowered, trials
from train.photos import Photos
from train.tail import Tail
from train.tuning import Lesson, Mark, Recipe

RECIPE = Recipe(groups=4, members=6)


@pytest.fixture
def mine() -> Flags:
    """The last eight are judged by."""
    return np.arange(PHOTOS) < PHOTOS - 8


@pytest.fixture
def lesson(weights: Weights, random: np.random.Generator) -> Lesson:
    return made_up(weights, random, kinds())


@pytest.fixture
def folds(lesson: Lesson, mine: Flags) -> list[Lesson]:
    names = [str(number) for number in range(PHOTOS)]
    members = [range(kind, PHOTOS, KINDS) for kind in range(KINDS)]
    photos = Photos(Path(), names, names, members, ~mine)
    return list(folds_of(lesson, photos, mine))


def test_every_photo_is_asked_once_and_then_not_learned_from(folds: list[Lesson], mine: Flags) -> None:
    """And what is judged by in the end is neither asked, learned from nor found."""
    asked = np.concatenate([fold.exam.queries for fold in folds])
    assert len(folds) == FOLDS
    assert sorted(asked) == np.flatnonzero(mine).tolist()
    for fold in folds:
        assert not fold.allowed[fold.exam.queries].any()
        assert not (fold.allowed & ~mine).any()
        assert not (fold.exam.shelf & ~mine).any()


def test_each_setting_is_tried_with_what_was_chosen_before(
    lesson: Lesson, folds: list[Lesson], weights: Weights
) -> None:
    tail, told = Tail.of(weights, LITE0, 1), []
    before = tail.weights()
    values = {"rate": (1e-4, 3e-4), "kept": (1.0, 3.0)}
    tried = list(trials(tail, lesson, folds, RECIPE, lambda: told.append(1), values=values))
    chosen = best(tried[:2]).recipe
    assert [trial.recipe.rate for trial in tried] == [1e-4, 3e-4, chosen.rate]
    assert [trial.recipe.kept for trial in tried] == [3.0, 3.0, 1.0]
    assert all(len(trial.curve) == ROUNDS + 1 for trial in tried)
    assert len(told) == 3 * FOLDS * (ROUNDS + 1)
    for name, array in tail.weights().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_curve_begins_with_the_fidelity_that_the_network_has_among_all() -> None:
    """So what is faithful among few, which is easier, is not taken for faithful."""
    found = lowered([Mark(0, 0.6, 0.82), Mark(1, 0.7, 0.73)], 0.8)
    assert [mark.precision for mark in found] == [0.6, 0.7]
    assert [mark.fidelity for mark in found] == pytest.approx([0.8, 0.71])
    assert Trial(RECIPE, found).mark.round == 0


def test_an_unfaithful_setting_is_never_chosen() -> None:
    first, faithful, forgetful = Mark(0, 0.6, 0.8), Mark(1, 0.7, 0.75), Mark(2, 0.9, 0.5)
    trial = Trial(RECIPE, [first, faithful, forgetful])
    assert trial.mark == faithful
    worse = Trial(replace(RECIPE, rate=1e-2), [first, forgetful])
    assert worse.mark == first
    assert best([worse, trial]) is trial
