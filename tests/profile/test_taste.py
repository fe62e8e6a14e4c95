"""Folding events to a taste: what holds for all of them, and what a taste is expected to do."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.profile.events.event import Event, EventType
from services.profile.events.memory import EMPTY, settle
from services.profile.taste import kept as kept_taste
from services.profile.taste.groups import Weighed, strongest
from services.profile.taste.interests import fold
from services.profile.taste.kept import KeptTaste
from services.profile.taste.liking import Source, Taste, TasteRules
from services.profile.taste.prior import Origin, Prior
from services.profile.wire.kept import FORMS
from services.spaces import canonical
from tests.profile.builders import DAY_MS, MIDNIGHT_MS, OTHER_SPACE, SPACE, event, near, score
from tests.profile.strategies import STREAMS

RULES = TasteRules()

ROUNDING = 1e-3
"""Of a unit block of float16 numbers, as `services.spaces` states it."""


def likes(direction: int, count: int, **changes: Any) -> list[Event]:
    """Events on different items that are much alike."""
    return [
        event(item=f"{direction}-{n}", vector=near(direction, 0.1, seed=10 * direction + n), **changes)
        for n in range(count)
    ]


def bits(taste: Taste) -> bytes:
    return FORMS.write(KeptTaste("", "", taste))


def closest(taste: Taste, direction: int) -> float:
    """The best score of any interest for that direction."""
    return max((score(interest.vector, near(direction)) for interest in taste.interests), default=-1.0)


@given(STREAMS)
def test_interests_are_unit_blocks_with_shares_that_sum_to_one(stream: list[Event]) -> None:
    taste = fold(EMPTY, stream, SPACE, RULES)
    for interest in taste.interests:
        vector = interest.vector.astype(np.float32)
        for _, at in SPACE.slices():
            assert np.linalg.norm(vector[at]) == pytest.approx(1, abs=ROUNDING)
    weights = [interest.weight for interest in taste.interests]
    assert not weights or sum(weights) == pytest.approx(1)
    assert all(weight > 0 for weight in weights)
    assert weights == sorted(weights, reverse=True)
    assert len(weights) <= RULES.max_interests


@given(STREAMS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(stream: list[Event], chance: random.Random) -> None:
    """To the last bit: only an event's own time counts."""
    shuffled = chance.sample(stream, len(stream))
    assert bits(fold(EMPTY, shuffled, SPACE, RULES)) == bits(fold(EMPTY, stream, SPACE, RULES))


@given(STREAMS, st.integers(0, 400))
def test_a_taste_does_not_change_by_waiting(stream: list[Event], days: int) -> None:
    """Decay by a and then by b is decay by a + b, for all events alike, so it cancels in shares and centres."""
    earlier = [replace(each, time_ms=each.time_ms - days * DAY_MS) for each in stream]
    assert bits(fold(EMPTY, earlier, SPACE, RULES)) == bits(fold(EMPTY, stream, SPACE, RULES))


def test_an_event_says_half_as_much_after_a_half_life() -> None:
    half_life_ms = int(RULES.half_life_days * DAY_MS)
    stream = [event(vector=near(0), time_ms=MIDNIGHT_MS - half_life_ms), event(vector=near(1), time_ms=MIDNIGHT_MS)]
    taste = fold(EMPTY, stream, SPACE, replace(RULES, session_boost=0.0))
    assert [interest.weight for interest in taste.interests] == pytest.approx([2 / 3, 1 / 3])
    assert closest(taste, 1) == score(taste.interests[0].vector, near(1))


def test_what_is_done_in_this_session_matters_more_and_looks_the_same() -> None:
    """Three times as much at first; a day later nobody can tell."""
    stream = [*likes(0, 3, time_ms=MIDNIGHT_MS - DAY_MS), *likes(1, 3)]
    without = fold(EMPTY, stream, SPACE, replace(RULES, session_boost=0.0))
    taste = fold(EMPTY, stream, SPACE, RULES)
    assert [each.vector.tobytes() for each in taste.interests] == [each.vector.tobytes() for each in without.interests]
    assert taste.interests[0].weight / taste.interests[1].weight == pytest.approx(
        (1 + RULES.session_boost) * without.interests[0].weight / without.interests[1].weight, rel=1e-3
    )


def test_two_separated_groups_are_two_interests_with_their_shares() -> None:
    taste = fold(EMPTY, likes(0, 6) + likes(1, 3), SPACE, RULES)
    assert [round(interest.weight, 3) for interest in taste.interests] == [0.667, 0.333]
    assert score(taste.interests[0].vector, near(0)) > 0.95
    assert score(taste.interests[1].vector, near(1)) > 0.95


def test_one_group_is_one_interest() -> None:
    assert len(fold(EMPTY, likes(2, 12), SPACE, RULES).interests) == 1


def test_one_like_moves_the_taste_towards_the_item() -> None:
    before = likes(0, 3)
    between = canonical(SPACE.normalise(near(0).astype(np.float32) + 0.5 * near(1).astype(np.float32)))
    after = fold(EMPTY, [*before, event(vector=between)], SPACE, RULES)
    assert closest(after, 1) > closest(fold(EMPTY, before, SPACE, RULES), 1)


def test_a_like_of_something_new_is_an_interest_of_its_own() -> None:
    before = likes(0, 3)
    after = fold(EMPTY, [*before, event(item="new", vector=near(3))], SPACE, RULES)
    assert Source("new", EventType.LIKE) in after.interests[1].sources
    assert closest(after, 3) > 0.89


def test_a_centre_is_held_to_the_mean_the_less_the_more_speaks_for_it() -> None:
    few, many = (fold(EMPTY, likes(0, 8) + likes(1, count), SPACE, RULES) for count in (1, 8))
    free = fold(EMPTY, likes(0, 8) + likes(1, 1), SPACE, replace(RULES, shrink=0.0))
    assert score(few.interests[1].vector, near(0)) > score(many.interests[1].vector, near(0)) + 0.02
    assert score(few.interests[1].vector, near(0)) > score(free.interests[1].vector, near(0)) + 0.05


def test_what_little_speaks_for_is_left_out_beside_what_much_does() -> None:
    stray = event(EventType.VIEW, vector=near(2))
    assert len(fold(EMPTY, [*likes(0, 3), stray], SPACE, RULES).interests) == 1
    assert len(fold(EMPTY, [*likes(0, 1), stray], SPACE, RULES).interests) == 2


def test_what_is_supposed_joins_an_interest_that_it_is_like() -> None:
    prior = [Prior(near(0), 0.5, Origin.STATED, "lamps")]
    (interest,) = fold(EMPTY, likes(0, 4), SPACE, RULES, prior).interests
    assert (interest.origin, len(interest.sources)) == (Origin.EVENTS, 4)


def test_what_is_supposed_leads_alone_and_fades_as_events_come() -> None:
    prior = [Prior(near(3), 0.5, Origin.STATED, "lamps"), Prior(near(2), 0.2, Origin.SEGMENT)]
    nobody = fold(EMPTY, [], SPACE, RULES, prior)
    assert [each.origin for each in nobody.interests] == [Origin.STATED, Origin.SEGMENT]
    assert [each.sources for each in nobody.interests] == [(Source("", word="lamps"),), ()]
    assert nobody.events == 0
    weights = []
    for count in (1, 2, 8):
        taste = fold(EMPTY, likes(0, count), SPACE, RULES, prior)
        assert taste.interests[0].origin is Origin.EVENTS
        weights.append(sum(each.weight for each in taste.interests if each.origin is not Origin.EVENTS))
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] == 0


def test_a_purchase_weighs_more_than_a_view() -> None:
    taste = fold(
        EMPTY, [event(EventType.VIEW, vector=near(0)), event(EventType.PURCHASE, vector=near(1))], SPACE, RULES
    )
    assert score(taste.interests[0].vector, near(1)) > 0.99
    assert taste.interests[0].weight == pytest.approx(5 / 5.5)


def test_a_dislike_pushes_the_nearest_interest_away_and_lowers_its_share() -> None:
    before = fold(EMPTY, likes(0, 6) + likes(1, 6), SPACE, RULES)
    disliked = event(EventType.DISLIKE, vector=near(0, 0.4, seed=5))
    after = fold(EMPTY, [*likes(0, 6), *likes(1, 6), disliked], SPACE, RULES)
    assert disliked.vector is not None
    weaker, was = after.interests[1], before.interests[0]
    assert score(weaker.vector, disliked.vector) < score(was.vector, disliked.vector)
    assert weaker.weight < was.weight
    assert closest(after, 1) == pytest.approx(closest(before, 1), abs=0.02)


def test_enough_dislikes_end_an_interest() -> None:
    dislikes = [event(EventType.DISLIKE, item=f"bad-{n}", vector=near(0, 0.1, seed=n)) for n in range(6)]
    taste = fold(EMPTY, likes(0, 6) + likes(1, 2) + dislikes, SPACE, RULES)
    assert len(taste.interests) == 1
    assert closest(taste, 1) > 0.95


def test_a_dislike_takes_back_an_earlier_like_of_the_same_item() -> None:
    stream = [event(item="jacket", vector=near(0)), event(EventType.DISLIKE, item="jacket", vector=near(0))]
    assert fold(EMPTY, stream, SPACE, RULES).interests == ()


def test_dislikes_alone_make_no_interest_but_are_counted() -> None:
    taste = fold(EMPTY, [event(EventType.DISLIKE)], SPACE, RULES)
    assert (taste.interests, taste.events, taste.space) == ((), 1, SPACE.name)


def test_sources_are_the_items_that_count_most_with_what_was_done_to_them() -> None:
    stream = [
        event(EventType.VIEW, item="seen", vector=near(0)),
        event(EventType.CLICK, item="bought", vector=near(0)),
        event(EventType.PURCHASE, item="bought", vector=near(0)),
        event(EventType.UPLOAD, vector=near(0)),
    ]
    (interest,) = fold(EMPTY, stream, SPACE, RULES).interests
    assert interest.sources == (
        Source("bought", EventType.PURCHASE),
        Source("", EventType.UPLOAD),
        Source("seen", EventType.VIEW),
    )


def test_a_like_after_a_dislike_of_the_same_item_holds() -> None:
    stream = [
        event(EventType.DISLIKE, item="jacket", vector=near(0), time_ms=MIDNIGHT_MS - DAY_MS),
        event(item="jacket", vector=near(0)),
    ]
    (interest,) = fold(EMPTY, stream, SPACE, RULES).interests
    assert interest.sources == (Source("jacket", EventType.LIKE),)


def test_what_was_disliked_long_ago_still_pushes_away() -> None:
    dislikes = [event(EventType.DISLIKE, item=f"bad-{n}", vector=near(0, 0.1, seed=n)) for n in range(4)]
    memory = settle(EMPTY, dislikes, {SPACE.name: SPACE}, RULES)
    with_it, without = (fold(each, likes(0, 7) + likes(1, 4), SPACE, RULES) for each in (memory, EMPTY))
    assert score(without.interests[0].vector, near(0)) > 0.95
    assert score(with_it.interests[0].vector, near(1)) > 0.95


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 5))
def test_a_dislike_never_brings_an_interest_nearer(seed: int, other: int, count: int) -> None:
    rules = replace(RULES, shrink=0.0)
    stream = [event(vector=near(0, 0.1, seed=seed + n)) for n in range(count)]
    disliked = near(0, 1.0, seed=other)
    (before,) = fold(EMPTY, stream, SPACE, rules).interests
    after = fold(EMPTY, [*stream, event(EventType.DISLIKE, vector=disliked)], SPACE, rules)
    for interest in after.interests:
        assert score(interest.vector, disliked) <= score(before.vector, disliked) + ROUNDING


def test_events_of_another_space_and_impressions_do_not_count() -> None:
    stray = event(space=OTHER_SPACE.name, vector=canonical(np.ones(6, dtype=np.float32)))
    told = likes(0, 2)
    assert bits(fold(EMPTY, [*told, stray, event(EventType.IMPRESSION)], SPACE, RULES)) == bits(
        fold(EMPTY, told, SPACE, RULES)
    )


def test_the_strongest_interests_are_kept() -> None:
    rules = TasteRules(max_interests=2)
    taste = fold(EMPTY, likes(0, 3) + likes(1, 2) + likes(2, 1), SPACE, rules)
    assert [round(interest.weight, 3) for interest in taste.interests] == [0.6, 0.4]


@given(STREAMS)
def test_a_kept_taste_comes_back_equal(stream: list[Event]) -> None:
    kept = KeptTaste("life:7", RULES.recipe, fold(EMPTY, stream, SPACE, RULES))
    sealed = kept_taste.unpack(kept_taste.pack(FORMS.seal(kept)))
    assert sealed is not None
    assert (sealed.stamp, sealed.recipe, sealed.space) == (kept.stamp, kept.recipe, kept.taste.space)
    back = replace(FORMS.read(sealed.content), stamp=sealed.stamp, recipe=sealed.recipe)
    assert (back.stamp, back.recipe) == (kept.stamp, kept.recipe)
    assert bits(back.taste) == bits(kept.taste)


def test_a_kept_taste_of_another_format_is_not_read() -> None:
    assert kept_taste.unpack(b"") is None
    assert kept_taste.unpack(b"\x7f123") is None


def test_other_rules_are_another_recipe() -> None:
    assert TasteRules().recipe == TasteRules().recipe
    assert TasteRules(max_interests=3).recipe != TasteRules().recipe


def test_a_dislike_turns_the_centre_and_not_the_share_alone() -> None:
    between = canonical(SPACE.normalise(near(0).astype(np.float32) + near(1).astype(np.float32)))
    bought = event(EventType.PURCHASE, vector=between)
    (interest,) = fold(EMPTY, [bought, event(EventType.DISLIKE, vector=near(1))], SPACE, RULES).interests
    assert score(interest.vector, near(1)) < score(between, near(1)) - 0.1
    assert score(interest.vector, near(0)) > score(between, near(0)) + 0.1


def test_an_item_looks_as_it_did_when_something_was_last_done_to_it() -> None:
    before = event(item="coat", vector=near(0), time_ms=MIDNIGHT_MS - DAY_MS)
    (interest,) = fold(EMPTY, [before, event(EventType.CLICK, "coat", vector=near(1))], SPACE, RULES).interests
    np.testing.assert_array_equal(interest.vector, near(1))


def test_a_source_weighs_what_was_done_to_it_at_all_times() -> None:
    coat, hat = Source("coat", EventType.LIKE), Source("hat", EventType.LIKE)
    clicked = Weighed(Source("coat", EventType.CLICK), 0.5)
    found = strongest([Weighed(coat, 1.0), Weighed(hat, 1.2), clicked], 5)
    assert found == [Weighed(coat, 1.5), Weighed(hat, 1.2)]
