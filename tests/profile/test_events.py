"""Events: their packed form and what each type says."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given

from services.errors import Internal
from services.profile.events import packed_event
from services.profile.events.event import WEIGHTS, Event, EventType
from tests.profile.builders import MIDNIGHT_MS, SPACE, event, near
from tests.profile.strategies import ANY_EVENTS
from visrec.v1 import profile_pb2


@given(ANY_EVENTS)
def test_a_packed_event_comes_back_equal(some: Event) -> None:
    assert_equal(packed_event.unpack(packed_event.pack(some)), some)


def assert_equal(one: Event, other: Event) -> None:
    assert {**vars(one), "vectors": None} == {**vars(other), "vectors": None}
    assert list(one.vectors) == list(other.vectors)
    assert all(np.array_equal(one.vectors[space], other.vectors[space]) for space in one.vectors)


def test_scripts_find_the_type_and_whether_it_is_pending_in_the_second_and_third_byte() -> None:
    upload, waits = packed_event.pack(event(EventType.UPLOAD)), packed_event.pack(event(pending=True))
    assert (upload[1], upload[2] & packed_event.PENDING) == (EventType.UPLOAD, 0)
    assert (waits[1], waits[2] & packed_event.PENDING) == (EventType.LIKE, packed_event.PENDING)


def test_an_event_of_the_first_format_is_read() -> None:
    """As the first version wrote it: fixed head, words, one vector."""
    vector = near(1)
    words = ["e-1", "coat", "fashion", SPACE.name, "r-1", ""]
    head = struct.pack("<BBqHHHHHI", 1, EventType.SAVE, MIDNIGHT_MS, *map(len, words))
    expected = Event(
        "e-1",
        EventType.SAVE,
        MIDNIGHT_MS,
        "coat",
        "fashion",
        vectors={SPACE.name: vector},
        recommendation_id="r-1",
    )
    assert_equal(packed_event.unpack(head + "".join(words).encode() + vector.tobytes()), expected)


def test_an_unknown_format_is_not_guessed_at() -> None:
    with pytest.raises(Internal, match="format"):
        packed_event.unpack(b"\x7f" + packed_event.pack(event())[1:])


def test_types_are_those_of_the_contract() -> None:
    ours = {f"EVENT_TYPE_{each.name}": each.value for each in EventType}
    assert ours == {name: number for name, number in profile_pb2.EventType.items() if number}


def test_more_effort_says_more() -> None:
    kinds = [EventType.VIEW, EventType.CLICK, EventType.LIKE, EventType.SAVE, EventType.PURCHASE]
    weights = [WEIGHTS[kind] for kind in kinds]
    assert weights == sorted(weights)
    assert WEIGHTS[EventType.CART] == WEIGHTS[EventType.SAVE]
    assert WEIGHTS[EventType.DISLIKE] < -WEIGHTS[EventType.LIKE]


@pytest.mark.parametrize("kind", EventType)
def test_only_positive_events_on_items_are_popular_and_impressions_are_not_seen(kind: EventType) -> None:
    about_photo = kind is EventType.UPLOAD
    assert event(kind).is_popular == (WEIGHTS[kind] > 0 and not about_photo)
    assert event(kind).is_seen == (kind is not EventType.IMPRESSION and not about_photo)
