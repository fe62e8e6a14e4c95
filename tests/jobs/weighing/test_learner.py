"""Weights from what was chosen: which signals say something is found, and nothing else moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.weighing.examination import Examination
from jobs.weighing.learner import learned, shares
from jobs.weighing.lists import Lists
from tests.jobs.onlookers import PRESENT, SIGNALS, World

AS_IT_IS = Examination(1.0)


def test_the_weights_are_those_of_what_people_want() -> None:
    """Where, as mostly, little of what is shown is wanted."""
    found = learned(World((2.0, 4.0, 0.0), shy=-7.0, taken=0.5).shown(8_000, 3), PRESENT, AS_IT_IS).weights
    assert found == pytest.approx({"taste": 1 / 3, "collaborative": 2 / 3, "popularity": 0.0}, abs=0.05)


def test_a_place_that_few_look_at_is_not_held_against_what_stands_there() -> None:
    """Popularity decides who stands above, so without the propensities it seems to be what people want."""
    popular = {"taste": 0.1, "collaborative": 0.1, "popularity": 0.8}
    lists = World((2.0, 2.0, 0.0), eta=1.5).shown(6_000, 4, weights=popular)
    naive = learned(lists, popular, Examination(0.0)).weights["popularity"]
    assert learned(lists, popular, Examination(1.5)).weights["popularity"] < 0.5 * naive


def test_they_are_better_for_other_people() -> None:
    world = World()
    found = learned(world.shown(2_000, 5), PRESENT, AS_IT_IS).weights
    assert world.worth(found, 6) > world.worth(PRESENT, 6) + 0.02


def test_of_nothing_the_present_weights_follow() -> None:
    lists = World().shown(50, 1)
    nothing = replace(lists, chosen=np.zeros_like(lists.chosen))
    found = learned(nothing, PRESENT, AS_IT_IS)
    assert found.weights == pytest.approx(shares(PRESENT))
    assert found.silent == SIGNALS


def test_of_little_they_stay_near_the_present_ones() -> None:
    few, many = (learned(World().shown(people, 2), PRESENT, AS_IT_IS).weights for people in (20, 4_000))
    assert abs(few["collaborative"] - 0.3) < abs(many["collaborative"] - 0.3)


def test_a_signal_that_says_the_same_of_all_keeps_its_share() -> None:
    lists = World().shown(1_000, 3)
    values = lists.values.copy()
    values[:, 0] = lists.answer % 7
    found = learned(replace(lists, values=values), PRESENT, AS_IT_IS)
    assert found.silent == ("taste",)
    assert found.weights["taste"] == pytest.approx(0.6)


@st.composite
def anything(draw: st.DrawFn) -> Lists:
    answers = draw(st.integers(1, 8))
    size = draw(st.integers(1, 6))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = answers * size
    values = random.choice([0.0, 0.25, 0.5, 1.0, -1.0, 1e-12, 1e3], size=(n, len(SIGNALS)))
    return Lists(
        SIGNALS,
        values,
        random.uniform(size=n) < draw(st.floats(0, 1)),
        np.tile(np.arange(1, size + 1), answers),
        np.repeat(np.arange(answers), size),
        np.arange(answers) // 2,
    )


@given(anything(), st.lists(st.floats(0.01, 100), min_size=3, max_size=3), st.floats(0, 2))
def test_whatever_is_shown_they_are_weights(lists: Lists, present: list[float], eta: float) -> None:
    before = dict(zip(SIGNALS, present, strict=True))
    found = learned(lists, before, Examination(eta)).weights
    assert list(found) == list(SIGNALS)
    assert all(np.isfinite(weight) and weight >= 0 for weight in found.values())
    assert sum(found.values()) == pytest.approx(1)


@given(st.floats(0.01, 1000))
def test_only_the_proportions_of_the_present_weights_matter(scale: float) -> None:
    lists = World().shown(100, 8)
    scaled = {signal: scale * weight for signal, weight in PRESENT.items()}
    one, other = (learned(lists, weights, AS_IT_IS).weights for weights in (PRESENT, scaled))
    assert one == pytest.approx(other, abs=1e-6)
