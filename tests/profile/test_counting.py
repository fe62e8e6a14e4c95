"""What every store counts, and what it does not: acts in many domains, ids of every kind, what is only shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.profile import popularity
from services.profile.event_store import Outcome
from services.profile.events import WEIGHTS, EventType
from services.profile.person import Consent
from services.profile.store import ProfileStore
from tests.profile.builders import DAY_MS, MIDNIGHT_MS, MINUTE_MS, event
from tests.profile.conftest import SMALL, MakeStore
from tests.profile.test_event_store import outcomes, put, write

HOURS = SMALL.popular_hours


def score(store: ProfileStore, item: str, *domains: str) -> float:
    """As of midnight."""
    (level,) = store.levels("shop", domains, [item])
    return popularity.value(level, MIDNIGHT_MS, HOURS)


def test_one_call_may_be_about_as_many_domains_as_events(make_store: MakeStore) -> None:
    store = make_store(replace(SMALL, window=1000, popular=1000))
    put(store)
    stream = [event(item=f"item-{n}", domain=f"domain-{n}", time_ms=MIDNIGHT_MS - n * MINUTE_MS) for n in range(300)]
    assert outcomes(store, *stream) == [Outcome.LEARNED] * 300
    assert score(store, "item-299", "domain-299") == pytest.approx(score(store, "item-299")) != 0


def test_who_is_shown_much_and_does_little_is_no_robot(make_store: MakeStore) -> None:
    store = make_store(replace(SMALL, per_minute=10, remembered=1000))
    put(store, "bob", Consent())
    shown = [event(EventType.IMPRESSION) for _ in range(20)]
    assert outcomes(store, *shown, event(), user="bob") == [Outcome.COUNTED] * 21


def test_an_id_stands_for_one_event_whatever_its_kind(store: ProfileStore) -> None:
    put(store)
    shown, act = event(EventType.IMPRESSION), event()
    write(store, shown, act)
    later_ms = MIDNIGHT_MS + 8 * DAY_MS  # only events that are kept are known by now
    again = [event(event_id=shown.event_id), event(EventType.IMPRESSION, event_id=act.event_id)]
    assert outcomes(store, *again, at_ms=later_ms) == [Outcome.DUPLICATE] * 2


def test_an_item_that_moved_has_the_events_of_both_its_domains(store: ProfileStore) -> None:
    put(store)
    write(store, event(EventType.PURCHASE, "coat", domain="art"), event(EventType.VIEW, "coat", domain="fashion"))
    both = WEIGHTS[EventType.PURCHASE] + WEIGHTS[EventType.VIEW]
    for domains in (("art", "fashion"), ("fashion", "art"), ("art", "fashion", "art")):
        ((_, level),) = store.popular("shop", domains, 10)
        assert popularity.value(level, MIDNIGHT_MS, HOURS) == pytest.approx(both)
        assert score(store, "coat", *domains) == pytest.approx(both)
