"""Whether other weights are better, beyond chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.weighing.examination import Examination
from jobs.weighing.judging import Verdict, worths
from jobs.weighing.judging import judged as judged_by
from jobs.weighing.lists import Lists
from tests.jobs.onlookers import PRESENT, World

TRUE = {"taste": 1 / 3, "collaborative": 2 / 3, "popularity": 0.0}
AS_IT_IS = Examination(1.0)


def judged(
    lists: Lists, present: Mapping[str, float], other: Mapping[str, float], looked: Examination, seed: int
) -> Verdict | None:
    return judged_by([worths(lists, present, other, looked)], seed)


def test_better_weights_are_better_beyond_the_interval() -> None:
    verdict = judged(World().shown(2_000, 1), PRESENT, TRUE, AS_IT_IS, 1)
    assert verdict is not None
    assert verdict.is_better
    assert verdict.low < verdict.other - verdict.present < verdict.high


def test_worse_weights_are_not() -> None:
    verdict = judged(World().shown(2_000, 1), TRUE, PRESENT, AS_IT_IS, 1)
    assert verdict is not None
    assert verdict.high < 0
    assert not verdict.is_better


def test_equal_weights_are_not() -> None:
    """Half of the intervals of two sets that are as good as each other lie above, if they are that narrow."""
    verdict = judged(World().shown(300, 1), PRESENT, {k: 2 * v for k, v in PRESENT.items()}, AS_IT_IS, 1)
    assert verdict is not None
    assert (verdict.low, verdict.high) == pytest.approx((0, 0))
    assert not verdict.is_better


def test_without_propensities_what_stood_above_seems_better() -> None:
    lists = World((1.0, 1.0, 1.0), eta=1.5).shown(4_000, 2)
    even = dict.fromkeys(PRESENT, 1 / 3)
    naive, fair = (judged(lists, PRESENT, even, Examination(eta), 1) for eta in (0.0, 1.5))
    assert naive is not None
    assert fair is not None
    assert naive.other - naive.present < 0 < fair.other - fair.present


def test_of_nothing_nothing_is_told() -> None:
    lists = World().shown(10, 1)
    assert judged(replace(lists, chosen=np.zeros_like(lists.chosen)), PRESENT, TRUE, AS_IT_IS, 1) is None


@given(st.integers(0, 50), st.integers(1, 30), st.floats(0, 2))
def test_a_worth_is_a_share_and_the_same_seed_tells_the_same(seed: int, people: int, eta: float) -> None:
    lists = World(shy=-1.0).shown(people, seed)
    first, second = (judged(lists, PRESENT, TRUE, Examination(eta), seed) for _ in range(2))
    assert first == second
    if first is not None:
        assert 0 <= first.present <= 1
        assert 0 <= first.other <= 1
        assert first.low <= first.high


def test_parts_of_people_judge_as_all_of_them() -> None:
    lists = World().shown(300, 3)
    first = np.arange(300) < 100
    parts = [worths(lists.of(those), PRESENT, TRUE, AS_IT_IS) for those in (first, ~first)]
    assert judged_by(parts, 1) == judged(lists, PRESENT, TRUE, AS_IT_IS, 1)
