from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.head.fitting import Lesson
from jobs.head.gate import LEAST_FIDELITY, LEAST_UNITS, Verdict, interval, judge
from jobs.head.groups import Groups
from jobs.head.judging import Marks, View, unit


def verdict(gain: float, fidelity: float, queries: int = 200) -> Verdict:
    chance = np.random.default_rng(1)
    old, things = chance.random(queries), np.arange(queries)
    new = old + gain + chance.normal(0, 0.1, queries)
    return judge(Marks(old, np.full(queries, 0.8), things), Marks(new, np.full(queries, fidelity), things))


def test_what_is_better_and_faithful_passes() -> None:
    found = verdict(0.1, 0.7)
    assert found.passes
    assert not found.why_not
    assert found.low < 0.1 < found.high


def test_what_may_be_chance_does_not_pass() -> None:
    found = verdict(0.001, 0.9)
    assert not found.passes
    assert "not better beyond chance" in found.why_not


def test_what_forgets_how_things_look_does_not_pass() -> None:
    found = verdict(0.3, LEAST_FIDELITY - 0.01)
    assert not found.passes
    assert "fidelity is 0.590" in found.why_not


def equal_spaces(seed: int, things: int, variants: int, share: float) -> Verdict:
    """Two of one distribution, so that neither is better, by the exam of the job. Things of eight kinds, whose variants
    look nearly the same; a `share` of the things is held out."""
    chance = np.random.default_rng(seed)
    thing = np.repeat(np.arange(things), variants)
    kind, centres = chance.integers(0, 8, things)[thing], chance.normal(0, 0.5, (8, 16))
    old, new = (
        unit(
            (centres[kind] + chance.normal(size=(things, 16))[thing] + chance.normal(0, 0.1, (len(thing), 16))).astype(
                np.float16
            )
        )
        for _ in range(2)
    )
    groups = Groups.of((np.flatnonzero(kind == each) for each in range(8)), len(thing))
    held = (chance.random(things) < share)[thing]
    exam = Lesson(old, groups, thing).final(held, 1000)
    before, after = (exam.marks(View((side,), (1.0,))) for side in (old, new))
    return judge(before, after)


@pytest.mark.parametrize(
    ("things", "variants", "share", "runs"), [(60, 10, 0.5, 120), (160, 4, 0.25, 120), (200, 1, 0.2, 400)]
)
def test_of_two_equal_spaces_neither_is_better_but_by_chance(
    things: int, variants: int, share: float, runs: int
) -> None:
    """Of a hundred comparisons two or three may say so. By queries, or with the queries on the shelf, more do."""
    found = [equal_spaces(seed, things, variants, share) for seed in range(runs)]
    assert np.mean([each.things for each in found]) == pytest.approx(things * share, rel=0.1)
    assert np.mean([each.low > 0 for each in found]) <= 0.04
    assert np.mean([each.high < 0 for each in found]) <= 0.04


@given(st.lists(st.floats(-1, 1), min_size=LEAST_UNITS, max_size=40), st.integers(2, 5))
def test_the_same_said_several_times_is_no_more_certain(gains: list[float], times: int) -> None:
    once = interval(np.array(gains))
    again = interval(np.repeat(gains, times), np.repeat(np.arange(len(gains)), times))
    assert again == pytest.approx(once, abs=1e-9)
    assert once[0] <= np.mean(gains) <= once[1]


def test_an_interval_is_that_of_the_table() -> None:
    """Ten numbers by hand: t of nine degrees of freedom is 2.262."""
    gains = np.arange(10) / 10
    margin = 2.262157 * gains.std(ddof=1) / np.sqrt(10)
    assert interval(gains) == pytest.approx((0.45 - margin, 0.45 + margin), abs=1e-4)


def test_of_very_few_nothing_is_known() -> None:
    assert interval(np.ones(50), np.arange(50) % (LEAST_UNITS - 1)) == (-np.inf, np.inf)
