"""What became of what was shown: which outcome belongs to which showing."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.feedback.joining import HOUR_MS, OUTCOMES, Act, Shown, joined

WINDOW = 24.0
T = 1_000_000_000_000


def shown(item: str, hours: float = 0, rank: int = 1, answer: str = "a") -> Shown:
    return Shown(item, T + int(hours * HOUR_MS), answer, rank, "shop")


def act(item: str, hours: float, answer: str = "", kind: str = "click") -> Act:
    return Act(item, T + int(hours * HOUR_MS), kind, answer)


def outcomes(showings: list[Shown], acts: list[Act]) -> list[list[set[str]]]:
    return [[set(place.outcomes) for place in each.places] for each in joined(showings, acts, WINDOW)]


def test_an_outcome_belongs_to_the_answer_that_it_names() -> None:
    twice = [shown("lamp", 0, answer="a"), shown("lamp", 1, answer="b")]
    assert outcomes(twice, [act("lamp", 2, "a")]) == [[{"click"}], [set()]]
    assert outcomes(twice, [act("lamp", 2, "b")]) == [[set()], [{"click"}]]


def test_without_a_name_it_belongs_to_the_latest_showing_before_it() -> None:
    twice = [shown("lamp", 0, answer="a"), shown("lamp", 5, answer="b")]
    assert outcomes(twice, [act("lamp", 2)]) == [[{"click"}], [set()]]
    assert outcomes(twice, [act("lamp", 6)]) == [[set()], [{"click"}]]


@pytest.mark.parametrize(("hours", "counts"), [(-0.1, False), (0, True), (24, True), (24.1, False)])
def test_it_comes_after_the_showing_and_within_the_window(hours: float, counts: bool) -> None:
    assert outcomes([shown("lamp")], [act("lamp", hours, "a")]) == [[{"click"} if counts else set()]]


def test_what_was_done_to_something_else_or_elsewhere_is_no_outcome() -> None:
    assert outcomes([shown("lamp")], [act("rug", 1), act("lamp", 1, "another answer")]) == [[set()]]


def test_places_stand_by_rank_and_answers_by_time() -> None:
    late = [shown("b", 1, 2, "late"), shown("a", 1, 1, "late"), shown("c", 0, 1, "early")]
    assert [[place.shown.item for place in each.places] for each in joined(late, [], WINDOW)] == [["c"], ["a", "b"]]


def test_answers_that_were_not_frozen_are_told_apart_by_their_time() -> None:
    showings = [shown("a", 0, 1, ""), shown("b", 0, 2, ""), shown("a", 1, 1, "")]
    assert [len(each.places) for each in joined(showings, [], WINDOW)] == [2, 1]


def test_showings_whose_place_is_not_told_are_left_out() -> None:
    assert joined([shown("a", rank=0)], [act("a", 1)], WINDOW) == []


@pytest.mark.parametrize("kept", [range(8, 11), (1, 2, 4, 5), (3,), (10, 1, 3)])
def test_an_answer_of_which_places_were_pushed_out_is_left_out(kept: Iterable[int]) -> None:
    """What was chosen of it stood there, so that the rest would seem to have been refused."""
    whole = [shown(f"item-{rank}", 1, rank, "whole") for rank in range(1, 11)]
    rest = [shown(f"item-{rank}", 0, rank, "pushed out") for rank in kept]
    assert [len(each.places) for each in joined([*whole, *rest], [act("item-1", 0.5, "pushed out")], WINDOW)] == [10]


def test_an_answer_recorded_twice_has_each_item_once_with_all_that_came_of_it() -> None:
    twice = [shown(item, hours, rank) for hours in (0, 2) for rank, item in enumerate("ab", start=1)]
    assert outcomes(twice, [act("a", 1, "a"), act("b", 3, "a", "save"), act("b", 3, "a")]) == [
        [{"click"}, {"save", "click"}]
    ]


def test_of_an_answer_that_is_too_young_something_may_still_come() -> None:
    """It takes what came of it along, which is no outcome of the one before."""
    both = [shown("lamp", 0, answer="old"), shown("lamp", 5, answer="young")]
    (found,) = joined(both, [act("lamp", 6)], WINDOW, T + 4 * HOUR_MS)
    assert found.places[0].shown.answer == "old"
    assert not found.outcomes


def test_an_answer_is_as_young_as_the_page_that_was_turned_to_last() -> None:
    pages = [shown("a", 0, 1), shown("b", 5, 2)]
    assert joined(pages, [], WINDOW, T + 4 * HOUR_MS) == []
    assert len(joined(pages, [], WINDOW, T + 5 * HOUR_MS)) == 1


SHOWINGS = st.lists(
    st.builds(
        Shown,
        st.sampled_from("abc"),
        st.integers(T, T + 100 * HOUR_MS),
        st.sampled_from(["", "x", "y"]),
        st.integers(1, 5),
    )
)
ACTS = st.lists(
    st.builds(
        Act,
        st.sampled_from("abc"),
        st.integers(T, T + 100 * HOUR_MS),
        st.sampled_from(OUTCOMES),
        st.sampled_from(["", "x", "y"]),
    )
)


@given(SHOWINGS, ACTS)
def test_each_place_was_shown_and_no_outcome_comes_from_nowhere(showings: list[Shown], acts: list[Act]) -> None:
    answers = joined(showings, acts, WINDOW)
    places = [place for each in answers for place in each.places]
    assert {id(place.shown) for place in places} <= set(map(id, showings))
    for each in answers:
        assert [place.shown.rank for place in each.places] == list(range(1, len(each.places) + 1))
        assert len({place.shown.item for place in each.places}) == len(each.places)
    done = {(each.item, each.kind) for each in acts}
    found = [(place.shown.item, kind) for place in places for kind in place.outcomes]
    assert set(found) <= done
    assert len(found) <= len(acts)


@given(SHOWINGS, ACTS, st.floats(0, 100), st.floats(0, 100))
def test_a_longer_window_loses_no_outcome(showings: list[Shown], acts: list[Act], one: float, other: float) -> None:
    short, long = sorted((one, other))

    def found(window: float) -> int:
        return sum(len(place.outcomes) for each in joined(showings, acts, window) for place in each.places)

    assert found(short) <= found(long)
