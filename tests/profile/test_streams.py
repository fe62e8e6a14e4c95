"""What a person is thought to like follows from what they did: not from when it came, how often, or from how many."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.profile.events import memory
from services.profile.events.event import EventType
from services.profile.events.event_store import Outcome
from services.profile.events.given_event import GivenEvent
from services.profile.filing.store import ProfileStore
from services.profile.filing.store_rules import StoreRules
from services.profile.popularity import decay as popularity
from services.profile.taste.liking import Interest, Taste
from services.profile.taste.taste_store import TasteQuery
from services.profile.taste.tidying import AGAIN_MS, MOST_ALIKE
from tests.profile.builders import DAY_MS, MIDNIGHT_MS, Parts, parts, person, shop
from tests.profile.conftest import MakeStore

ROOMY = StoreRules(per_minute=10_000)
TIGHT = StoreRules(window=8, block=4, per_minute=10_000)
"""A stream settles some blocks on its way."""

KEPT = (Outcome.LEARNED, Outcome.DUPLICATE)

KINDS = [each for each in EventType if each not in (EventType.IMPRESSION, EventType.UPLOAD)]


@st.composite
def streams(draw: st.DrawFn, most: int) -> list[GivenEvent]:
    """What one person did within a quarter, some of it at the same moment and to the same items."""
    count = draw(st.integers(1, most))
    return [
        GivenEvent(
            event_id=f"e-{number}",
            user_id="ada",
            type=draw(st.sampled_from(KINDS)),
            catalogue="shop",
            time_ms=MIDNIGHT_MS - draw(st.integers(0, 40)) * 2 * DAY_MS,
            item_id=draw(st.sampled_from(["red", "green", "blue"])) + f"-{draw(st.integers(0, 5))}",
        )
        for number in range(count)
    ]


@st.composite
def deliveries(draw: st.DrawFn, stream: Sequence[GivenEvent]) -> list[list[GivenEvent]]:
    """The stream as it arrives: in any order but for events of the same millisecond, whose order is that in which they
    come; some of it twice, in calls of any size."""
    left = draw(st.permutations(stream))
    for time_ms in {event.time_ms for event in stream}:
        places = [at for at, event in enumerate(left) if event.time_ms == time_ms]
        for at, event in zip(places, [each for each in stream if each.time_ms == time_ms], strict=True):
            left[at] = event
    for event in draw(st.lists(st.sampled_from(stream), max_size=6)):
        left.insert(draw(st.integers(left.index(event) + 1, len(left))), event)
    calls = []
    while left:
        size = draw(st.integers(1, len(left)))
        calls.append(left[:size])
        left = left[size:]
    return calls


@dataclass(frozen=True)
class Profile:
    """All that follows from what somebody did."""

    taste: Taste
    seen: tuple[str, ...]
    memory: bytes
    window: tuple[str, ...]


def profile(store: ProfileStore, made: Parts) -> Profile:
    view = made.tastes.one(TasteQuery("ada", "shop", include_seen=True))
    window = store.window("ada", "shop")
    return Profile(view.taste, tuple(sorted(view.seen)), window.memory, tuple(e.event_id for e in window.events))


def assert_same(one: Profile, other: Profile) -> None:
    vectors = [[each.vector.tobytes() for each in profile.taste.interests] for profile in (one, other)]
    assert vectors[0] == vectors[1]
    rest = [
        replace(each.taste, interests=tuple(_but_the_vector(i) for i in each.taste.interests)) for each in (one, other)
    ]
    assert rest[0] == rest[1]
    assert (one.seen, one.memory, one.window) == (other.seen, other.memory, other.window)


def _but_the_vector(interest: Interest) -> Interest:
    return replace(interest, vector=np.zeros(0, dtype=np.float16).tobytes())  # type: ignore[arg-type]


def told(store: ProfileStore, bounds: StoreRules, calls: Sequence[Sequence[GivenEvent]]) -> tuple[Profile, set[str]]:
    """The profile of a new person after these calls, and the ids of the events that were taken."""
    store.erase("ada")
    store.swap(b"", person())
    made = parts(store, shop(6), bounds=bounds)
    taken: set[str] = set()
    for call in calls:
        ends = made.recorder.record(call)
        taken |= {event.event_id for event, end in zip(call, ends, strict=True) if end in KEPT}
    return profile(store, made), taken


@pytest.mark.parametrize("bounds", [ROOMY])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_inside_the_window_any_order_and_any_repetition_gives_the_same(
    make_store: MakeStore, bounds: StoreRules, data: st.DataObject
) -> None:
    store = make_store(bounds)
    stream = data.draw(streams(25))
    in_time, everything = told(store, bounds, [[event] for event in stream])
    any_how, taken = told(store, bounds, data.draw(deliveries(stream)))
    assert everything == taken == {event.event_id for event in stream}
    assert_same(any_how, in_time)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_was_taken_gives_what_it_would_have_given_in_its_order(
    make_store: MakeStore, data: st.DataObject
) -> None:
    """Also when much of it was settled on the way: what is remembered in the long term is the same, bit for bit."""
    store = make_store(TIGHT)
    stream = data.draw(streams(60))
    any_how, taken = told(store, TIGHT, data.draw(deliveries(stream)))
    in_time, again = told(store, TIGHT, [[event for event in stream if event.event_id in taken]])
    assert taken == again
    assert_same(any_how, in_time)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(opinions=st.lists(st.sampled_from([EventType.LIKE, EventType.DISLIKE]), min_size=1, max_size=12), data=st.data())
def test_of_opinions_of_the_same_millisecond_the_one_that_was_told_last_holds(
    make_store: MakeStore, opinions: list[EventType], data: st.DataObject
) -> None:
    store = make_store(ROOMY)
    stream = [
        GivenEvent(f"e-{number}", "ada", opinion, "shop", MIDNIGHT_MS, "red-1")
        for number, opinion in enumerate(opinions)
    ]
    found, _ = told(store, ROOMY, data.draw(deliveries(stream)))
    assert bool(found.taste.interests) == (opinions[-1] is EventType.LIKE)


def at_ms(writer: int, step: int) -> int:
    """No two at the same time, so that they can be told again in their order, or so close that they were one."""
    return MIDNIGHT_MS - (64 * (3 - step) - writer) * 2 * AGAIN_MS


@pytest.mark.parametrize("bounds", [ROOMY, TIGHT])
def test_sixty_four_writers_on_one_person_lose_no_event(make_store: MakeStore, bounds: StoreRules) -> None:
    """Each writes in the order of time, all of them at once; what is taken is in the profile, exactly as in order."""
    store = make_store(bounds)
    store.swap(b"", person())
    made = parts(store, shop(6), bounds=bounds)
    calls = [
        [
            GivenEvent(f"e-{writer}-{step}", "ada", EventType.LIKE, "shop", at_ms(writer, step), item)
            for step, item in enumerate(["red-1", f"green-{writer % 6}", "blue-2"])
        ]
        for writer in range(64)
    ]

    def write(call: list[GivenEvent]) -> list[bool]:
        return [made.recorder.record([event])[0] in KEPT for event in call]

    with ThreadPoolExecutor(64) as pool:
        kept = list(pool.map(write, calls))
    taken = {
        event.event_id
        for call, ends in zip(calls, kept, strict=True)
        for event, end in zip(call, ends, strict=True)
        if end
    }
    # Of two who settle at once one does, and it may have seen less than the other: the next one settles the rest.
    made.settler.settle(made.settler.due("ada", "shop", len(store.window("ada", "shop").acts)))
    found = profile(store, made)
    counted = store.levels("shop", (), ["red-1"])
    assert memory.unpack(found.memory).events + len(found.window) == found.taste.events == len(taken)
    if bounds is ROOMY:
        assert len(taken) == 64 * 3
        assert counted[0] is not None
        assert popularity.value(counted[0], MIDNIGHT_MS, bounds.popular_hours) == pytest.approx(
            MOST_ALIKE * 2.0, rel=1e-2
        )
    in_time, again = told(store, bounds, [[event for call in calls for event in call if event.event_id in taken]])
    assert again == taken
    assert_same(found, in_time)


def test_what_is_kept_of_a_person_is_bounded_whatever_they_do(make_store: MakeStore) -> None:
    store = make_store(TIGHT)
    store.swap(b"", person())
    made = parts(store, shop(6), bounds=TIGHT)
    sizes, kept = [], 0
    for day in range(12):
        call = [
            GivenEvent(
                f"e-{day}-{n}", "ada", KINDS[n % len(KINDS)], "shop", MIDNIGHT_MS - (12 - day) * DAY_MS + n, item
            )
            for n in range(40)
            for item in [f"{('red', 'green', 'blue')[n % 3]}-{n % 6}"]
        ]
        assert set(made.recorder.record(call)) == {Outcome.LEARNED}
        window = store.window("ada", "shop")
        assert TIGHT.window <= len(window.acts) < TIGHT.window + TIGHT.block
        sizes.append(len(window.memory))
        kept = memory.unpack(window.memory).events + len(window.acts)
    assert max(sizes) < 4000
    assert kept == 12 * 40


def test_the_vectors_of_a_profile_are_what_they_were(make_store: MakeStore) -> None:
    """That `assert_same` can fail."""
    store = make_store(ROOMY)
    red = GivenEvent("e-1", "ada", EventType.LIKE, "shop", MIDNIGHT_MS, "red-1")
    one, _ = told(store, ROOMY, [[red]])
    other, _ = told(store, ROOMY, [[replace(red, item_id="red-2")]])
    assert not np.array_equal(one.taste.interests[0].vector, other.taste.interests[0].vector)
    with pytest.raises(AssertionError):
        assert_same(one, other)
