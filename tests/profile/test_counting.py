"""What every store counts, and what it does not: acts in many domains, ids of every kind, what is only shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.profile.events.event import WEIGHTS, Event, EventType
from services.profile.events.event_store import Filled, Outcome
from services.profile.filing.store import ProfileStore
from services.profile.people.people_store import Forget
from services.profile.people.person import Consent
from services.profile.popularity import decay as popularity
from services.profile.taste.taste_store import Kept
from services.profile.taste.tidying import AGAIN_MS, MOST_ALIKE
from tests.profile.builders import (
    ALL_GIVEN,
    DAY_MS,
    GIVEN,
    MIDNIGHT_MS,
    MINUTE_MS,
    REFUSED,
    SPACE,
    event,
    near,
    person,
)
from tests.profile.conftest import SMALL, MakeStore
from tests.profile.test_event_store import outcomes, put, write
from tests.profile.test_vector_store import LAMPS, SEGMENTS

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


@pytest.mark.parametrize("consent", [ALL_GIVEN, Consent()])
def test_one_person_makes_nothing_popular(make_store: MakeStore, consent: Consent) -> None:
    store = make_store(replace(SMALL, window=1000, popular=1000, popular_hours=1e6, remembered=1000))
    put(store, consent=consent)
    for hour in range(5):
        bought = event(EventType.PURCHASE, "coat", time_ms=MIDNIGHT_MS + hour * 60 * MINUTE_MS)
        write(store, bought, at_ms=bought.time_ms)
    call = [event(EventType.PURCHASE, "lamp", time_ms=MIDNIGHT_MS - n * DAY_MS) for n in range(5)]
    others = [event(EventType.PURCHASE, f"item-{n}", time_ms=MIDNIGHT_MS + n * MINUTE_MS) for n in range(40)]
    write(store, *(call if consent is ALL_GIVEN else []), *others, event(EventType.LIKE, "coat"))
    assert popularity.value(store.levels("shop", (), ["coat"])[0], MIDNIGHT_MS, 1e6) == pytest.approx(
        MOST_ALIKE * WEIGHTS[EventType.PURCHASE] + WEIGHTS[EventType.LIKE], rel=1e-3
    )
    lamp = MOST_ALIKE * WEIGHTS[EventType.PURCHASE] if consent is ALL_GIVEN else 0
    assert popularity.value(store.levels("shop", (), ["lamp"])[0], MIDNIGHT_MS, 1e6) == pytest.approx(lamp, rel=1e-3)
    tomorrow_ms = MIDNIGHT_MS + DAY_MS
    write(store, event(EventType.PURCHASE, "coat", time_ms=tomorrow_ms), at_ms=tomorrow_ms)
    put(store, "bea")
    write(store, event(EventType.PURCHASE, "coat"), user="bea")
    assert popularity.value(store.levels("shop", (), ["coat"])[0], MIDNIGHT_MS, 1e6) == pytest.approx(
        (MOST_ALIKE + 2) * WEIGHTS[EventType.PURCHASE] + WEIGHTS[EventType.LIKE], rel=1e-3
    )


def test_what_was_counted_of_somebody_goes_with_their_consent_and_with_the_catalogue(make_store: MakeStore) -> None:
    store = make_store(replace(SMALL, window=100))
    put(store)
    minutes = iter(range(100))

    def counted() -> bool:
        before = score(store, "coat") if store.popular("shop", (), 1) else 0.0
        write(store, event(EventType.PURCHASE, "coat", time_ms=MIDNIGHT_MS - next(minutes) * MINUTE_MS))
        return score(store, "coat") > before

    assert [counted() for _ in range(4)] == [True] * MOST_ALIKE + [False]
    for state in (REFUSED, GIVEN):
        loaded = store.load("ada")
        assert loaded.person is not None
        changed = replace(loaded.person, consent=replace(ALL_GIVEN, personalisation=state))
        assert store.swap(loaded.version, changed, Forget.EVERYTHING)
    assert [counted() for _ in range(4)] == [True] * MOST_ALIKE + [False]
    assert store.forget("shop", 10, "").people == 1
    assert counted()


CLICK = EventType.CLICK


@pytest.mark.parametrize("consent", [ALL_GIVEN, Consent()])
class TestTheSameAgain:
    """A double click, a reload, a retry under another id: the same person does the same to the same item."""

    def test_it_counts_once(self, store: ProfileStore, consent: Consent) -> None:
        put(store, consent=consent)
        twice = [event(CLICK, "coat"), event(CLICK, "coat")]
        good = Outcome.LEARNED if consent == ALL_GIVEN else Outcome.COUNTED
        assert outcomes(store, *twice) == [good, good]
        assert outcomes(store, event(CLICK, "coat", MIDNIGHT_MS + 900), at_ms=MIDNIGHT_MS + 900) == [good]
        assert score(store, "coat") == score(store, "coat", "fashion") == pytest.approx(1)

    def test_something_else_counts(self, store: ProfileStore, consent: Consent) -> None:
        put(store, consent=consent)
        put(store, "bob", consent)
        write(store, event(CLICK, "coat"), event(EventType.CART, "coat"), event(CLICK, "hat"))
        write(store, event(CLICK, "coat"), user="bob")
        assert score(store, "coat") == pytest.approx(1 + WEIGHTS[EventType.CART] + 1)
        assert score(store, "hat") == pytest.approx(1)

    def test_later_it_counts_again(self, store: ProfileStore, consent: Consent) -> None:
        put(store, consent=consent)
        later_ms = MIDNIGHT_MS + AGAIN_MS + 1
        write(store, event(CLICK, "coat"))
        write(store, event(CLICK, "coat", later_ms), at_ms=later_ms)
        assert score(store, "coat") == pytest.approx(2, rel=1e-3)

    def test_what_tells_it_takes_no_place_of_ids(self, make_store: MakeStore, consent: Consent) -> None:
        store = make_store(SMALL)
        put(store, consent=consent)
        stream = [event(CLICK, f"item-{n}") for n in range(SMALL.remembered)]
        write(store, *stream)
        assert outcomes(store, *stream) == [Outcome.DUPLICATE] * SMALL.remembered


def test_a_late_event_beside_one_that_came_before_it_is_the_same_again(store: ProfileStore) -> None:
    put(store)
    write(store, event(CLICK, "coat"), event(CLICK, "coat", MIDNIGHT_MS - 5000))
    write(store, event(CLICK, "coat", MIDNIGHT_MS - DAY_MS))
    assert score(store, "coat") == pytest.approx(1 + 0.5)  # the half-life is a day


def test_without_room_for_seen_items_it_is_told_all_the_same(make_store: MakeStore) -> None:
    store = make_store(replace(SMALL, seen=0))
    put(store)
    write(store, event(CLICK, "coat"), event(CLICK, "coat"))
    assert score(store, "coat") == pytest.approx(1)


def waiting(item: str, at_ms: int) -> Event:
    return event(CLICK, item, at_ms, pending=True, vectors={}, domain="")


def found(store: ProfileStore) -> None:
    """What was waited for is there."""
    window = store.window("ada", "shop")
    acts = [act for act in window.acts if act.event.pending]
    known = [
        Filled(act, replace(act.event, pending=False, domain="fashion", vectors={SPACE.name: near(0)})) for act in acts
    ]
    assert store.fill("ada", "shop", window.stamp, known) == len(acts)


def test_what_waited_counts_once_however_it_was_repeated(store: ProfileStore) -> None:
    put(store)
    write(store, waiting("coat", MIDNIGHT_MS - 2), waiting("coat", MIDNIGHT_MS - 1), waiting("hat", MIDNIGHT_MS))
    write(store, event(CLICK, "hat", MIDNIGHT_MS - 1))
    assert [score(store, "coat"), score(store, "hat")] == [0, pytest.approx(1)]
    found(store)
    assert [score(store, "coat"), score(store, "hat")] == [pytest.approx(1), pytest.approx(1)]


def test_what_waited_counts_among_the_people_of_a_segment(store: ProfileStore) -> None:
    put(store), put(store, "bob")
    store.put_segments("shop", SEGMENTS)
    write(store, event(item="before"))
    store.keep_taste("ada", "shop", store.window("ada", "shop").stamp, Kept(b"a taste", segment=LAMPS))
    write(store, waiting("coat", MIDNIGHT_MS), event(item="hat"))
    assert [item for item, _ in store.popular("shop", (), 9, "lamps")] == ["hat"]
    found(store)
    assert {item for item, _ in store.popular("shop", ("fashion",), 9, "lamps")} == {"hat", "coat"}


def test_what_waited_counts_for_no_segment_without_the_consent_to_it(store: ProfileStore) -> None:
    put(store)
    store.put_segments("shop", SEGMENTS)
    write(store, event(item="before"))
    store.keep_taste("ada", "shop", store.window("ada", "shop").stamp, Kept(b"a taste", segment=LAMPS))
    write(store, waiting("coat", MIDNIGHT_MS))
    assert store.swap(store.load("ada").version, person(consent=Consent(GIVEN, GIVEN, REFUSED)))
    found(store)
    assert not store.popular("shop", (), 9, "lamps")
    assert score(store, "coat") == pytest.approx(1)
