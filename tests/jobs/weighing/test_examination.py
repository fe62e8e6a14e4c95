"""How much less is looked at further down, found beside what is wanted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.weighing.examination import LEAST_EXAMINED, LOOSE, MOST, STATED, STATED_RANGE, Examination, estimated
from tests.jobs.onlookers import World

PEOPLE = 4_000


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0, 1.5])
@pytest.mark.parametrize("wants", [(2.0, 4.0, 0.0), (3.0, 0.0, 3.0)])
def test_it_is_found_whatever_people_want(eta: float, wants: tuple[float, ...]) -> None:
    found = estimated(World(wants, eta=eta, taken=0.5).shown(PEOPLE, 7))
    assert found.error is not None
    assert found.eta == pytest.approx(eta, abs=max(4 * found.error, 0.05))


def test_an_experiment_tells_more_of_it_than_one_set_of_weights() -> None:
    one, many = (estimated(World(taken=taken).shown(PEOPLE, 5)) for taken in (0.0, 1.0))
    assert one.error is not None
    assert many.error is not None
    assert many.error < one.error


def test_of_too_little_the_stated_model_holds() -> None:
    assert estimated(World().shown(20, 1)) == Examination(STATED, None)


def test_without_an_outcome_and_of_one_place_the_stated_model_holds() -> None:
    lists = World().shown(100, 1)
    assert estimated(replace(lists, chosen=np.zeros_like(lists.chosen))).error is None
    assert estimated(replace(lists, ranks=np.ones_like(lists.ranks))).error is None
    assert estimated(lists.of(np.zeros(100, bool))).error is None


def test_what_is_not_known_may_be_anything_from_a_page_seen_at_once_to_a_list() -> None:
    least, most = Examination().bounds
    assert (least.eta, most.eta) == STATED_RANGE == (0.0, 1.0)
    assert [each.eta for each in Examination(1.5).bounds] == [0.0, 1.5]


@given(st.floats(0, MOST), st.one_of(st.none(), st.floats(0, LOOSE)))
def test_the_bounds_are_about_it(eta: float, error: float | None) -> None:
    least, most = Examination(eta, error).bounds
    assert 0 <= least.eta <= eta <= most.eta <= MOST


@given(st.floats(0, 3), st.lists(st.integers(1, 1000), min_size=1))
def test_nobody_looks_at_a_later_place_more(eta: float, ranks: list[int]) -> None:
    looked = Examination(eta).of(np.array(sorted(ranks)))
    assert (np.diff(looked) <= 0).all()
    assert looked.max() <= 1
    assert looked.min() >= LEAST_EXAMINED
