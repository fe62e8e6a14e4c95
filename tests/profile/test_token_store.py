"""Tokens of pages: a random word for a place that names people, good for the same request."""

from __future__ import annotations

import re

import pytest

from services.errors import InvalidInput
from services.profile.filing.store import ProfileStore
from services.profile.filing.token_store import PAGES, closed, opened

TOKEN = re.compile(r"[0-9a-f]{32}(-[0-9]+)?")


def test_a_token_leads_back_to_its_place_and_says_nothing_of_it(store: ProfileStore) -> None:
    first = closed(store, "request", "visrec:person:{a}", "")
    second = closed(store, "request", "visrec:person:{b}", first)
    assert TOKEN.fullmatch(first)
    assert TOKEN.fullmatch(second)
    assert [opened(store, "request", each) for each in (first, second, first)] == [
        "visrec:person:{a}",
        "visrec:person:{b}",
        "visrec:person:{a}",
    ]


def test_the_first_page_has_no_token_and_the_last_none_for_the_next(store: ProfileStore) -> None:
    assert opened(store, "request", "") == closed(store, "request", "", "") == ""


def test_no_two_walks_have_anything_in_common(store: ProfileStore) -> None:
    one, other = (closed(store, "request", "place", "") for _ in range(2))
    assert one.partition("-")[0] != other.partition("-")[0]


def test_a_page_may_be_asked_for_again(store: ProfileStore) -> None:
    first = closed(store, "request", "a", "")
    closed(store, "request", "b", first)
    again = closed(store, "request", "b2", first)
    assert opened(store, "request", again) == "b2"


@pytest.mark.parametrize("token", ["nonsense", "0" * 32, f"{'0' * 32}-0", f"{'0' * 32}-0\n", "-", "é"])
def test_what_was_never_given_is_no_token(store: ProfileStore, token: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        opened(store, "request", token)
    assert refused.value.field == "page_token"


def test_a_token_is_of_the_request_that_it_was_given_to(store: ProfileStore) -> None:
    token = closed(store, "request", "place", "")
    with pytest.raises(InvalidInput, match="this request"):
        opened(store, "another", token)


def test_redis_keeps_the_latest_places_of_a_walk(store: ProfileStore) -> None:
    tokens = [closed(store, "request", "0", "")]
    for number in range(1, 2 * PAGES):
        tokens.append(closed(store, "request", str(number), tokens[-1]))
    assert [opened(store, "request", each) for each in tokens[-PAGES:]] == [str(n) for n in range(PAGES, 2 * PAGES)]
