"""Events: their packed form and what each type says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from services.errors import Internal
from services.profile import events
from services.profile.events import WEIGHTS, Event, EventType
from tests.profile.builders import event
from tests.profile.strategies import ANY_EVENTS
from visrec.v1 import profile_pb2


@given(ANY_EVENTS)
def test_a_packed_event_comes_back_equal(some: Event) -> None:
    back = events.unpack(events.pack(some))
    assert {**vars(back), "vector": None} == {**vars(some), "vector": None}
    assert (back.vector is None) == (some.vector is None)
    if some.vector is not None:
        assert np.array_equal(np.asarray(back.vector), some.vector)


def test_the_second_byte_of_a_packed_event_is_its_type() -> None:
    """The script that forgets uploads looks there."""
    assert events.pack(event(EventType.UPLOAD))[1] == EventType.UPLOAD


def test_an_unknown_format_is_not_guessed_at() -> None:
    with pytest.raises(Internal, match="format"):
        events.unpack(b"\x7f" + events.pack(event())[1:])


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
