"""The events of a session that are searched with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ranker.finding.session import HALF_LIFE_S, SEARCHED, WEIGHTS, SessionEvent, searched
from tests.ranker.fakes import embedding

events = st.lists(
    st.builds(
        SessionEvent,
        st.sampled_from(sorted(WEIGHTS)),
        st.text("abc", min_size=1, max_size=2),
        st.none() | st.builds(embedding, st.integers(0, 3), st.integers(0, 1)),
        st.floats(0, 3600),
    ),
    max_size=20,
)


@given(events, st.randoms())
def test_the_order_of_the_events_does_not_matter(given_events: list[SessionEvent], random: object) -> None:
    shuffled = list(given_events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # of Hypothesis
    assert searched(shuffled) == searched(given_events)


@given(events)
def test_the_strongest_few_are_searched_with_and_each_item_once(given_events: list[SessionEvent]) -> None:
    chosen = searched(given_events)
    assert len(chosen) <= SEARCHED
    items = [event.item_id for event in chosen if event.embedding is None]
    assert len(set(items)) == len(items)
    assert all(event.weight for event in chosen)


def test_of_two_at_once_that_weigh_alike_the_one_that_pushes_away_holds() -> None:
    at_once = [SessionEvent("cart", "a"), SessionEvent("dislike", "a"), SessionEvent("save", "a")]
    assert [event.kind for event in searched(at_once)] == ["dislike"]
    assert [event.kind for event in searched(at_once[::-1])] == ["dislike"]


def test_an_event_counts_half_after_a_while() -> None:
    assert SessionEvent("like", "a").weight == 2.0
    assert SessionEvent("like", "a", age_s=HALF_LIFE_S).weight == pytest.approx(1.0)


def test_the_last_word_holds() -> None:
    liked_then_disliked = [SessionEvent("like", "a", age_s=60.0), SessionEvent("dislike", "a", age_s=5.0)]
    assert [event.kind for event in searched(liked_then_disliked)] == ["dislike"]
    assert searched([SessionEvent("impression", "b")]) == []
