"""One suite for every store: in memory, in Redis, in a Redis Cluster."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.errors import InvalidInput
from services.profile.events.event import Event, EventType
from services.profile.events.event_store import Batch, Outcome, Window
from services.profile.events.record import MAX_EVENTS
from services.profile.filing.store import ProfileStore
from services.profile.filing.store_redis import RedisProfileStore
from services.profile.filing.store_rules import StoreRules
from services.profile.people.people_redis import PLACES
from services.profile.people.people_store import Answered, Erased, Forget, Page
from services.profile.people.person import Consent, Person
from services.profile.popularity import decay as popularity
from services.profile.taste.taste_store import Glance, Kept, TasteQuery
from services.profile.taste.tidying import AGAIN_MS
from tests.profile.builders import (
    ALL_GIVEN,
    DAY_MS,
    GIVEN,
    MIDNIGHT_MS,
    MINUTE_MS,
    REFUSED,
    SPACE,
    event,
    person,
)
from tests.profile.conftest import SMALL, MakeStore

SOME_TASTE = Kept(b"a folded taste")

JSON = st.tuples(
    st.integers() | st.floats() | st.none(),
    st.integers() | st.floats() | st.text(),
    st.lists(st.text() | st.just("visrec:profile:secret")),
)
"""What looks like a place in a walk."""


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def put(store: ProfileStore, user_id: str = "ada", consent: Consent = ALL_GIVEN) -> Person:
    someone = person(user_id, consent)
    assert store.swap(store.load(user_id).version, someone)
    return someone


def record(
    store: ProfileStore, *events: Event, user: str = "ada", catalogue: str = "shop", now_ms: int = MIDNIGHT_MS
) -> list[Outcome]:
    return store.record([Batch(user, catalogue, events)], now_ms)[0].outcomes


def outcomes(store: ProfileStore, batches: list[Batch], at_ms: int) -> list[list[Outcome]]:
    return [each.outcomes for each in store.record(batches, at_ms)]


def bare(found: Glance | None) -> Glance:
    """Without the pseudonym, which is there by chance."""
    assert found is not None
    assert found.alias
    return found._replace(alias="")


def glance(store: ProfileStore, user: str = "ada", catalogue: str = "shop") -> Glance:
    (found,) = store.glance([TasteQuery(user, catalogue, include_seen=True)])
    assert found is not None
    return found


def window_ids(store: ProfileStore) -> set[str]:
    return {each.event_id for each in store.window("ada", "shop").events}


def minutes(count: int, **changes: Any) -> list[Event]:
    """Events a minute apart, oldest first."""
    return [event(item=f"item-{n}", time_ms=MIDNIGHT_MS + n * MINUTE_MS, **changes) for n in range(count)]


class TestPeople:
    def test_nobody_is_there_before_they_are_put(self, store: ProfileStore) -> None:
        assert store.load("ada").person is None
        assert store.glance([TasteQuery("ada", "shop")]) == [None]
        assert store.window("ada", "shop") == Window("")
        assert store.erase("ada") is None

    def test_who_was_put_is_loaded(self, store: ProfileStore) -> None:
        someone = put(store)
        assert store.load("ada").person == someone

    def test_a_swap_with_an_outdated_version_does_nothing(self, store: ProfileStore) -> None:
        outdated = store.load("ada").version
        someone = put(store)
        assert not store.swap(outdated, replace(someone, updated_ms=MIDNIGHT_MS + 1))
        assert store.load("ada").person == someone

    def test_an_answer_is_remembered_under_its_request(self, store: ProfileStore) -> None:
        answered = Answered(b"\x00 payload\xff", person(), created=True, until_ms=MIDNIGHT_MS + DAY_MS)
        assert store.swap(b"", person(), request_id="first", answered=answered)
        assert store.load("ada", "first").answered == answered
        assert store.load("ada", "second").answered is None
        assert store.load("bob", "first").answered is None

    def test_an_answer_is_forgotten_by_the_next_one_after_its_time(self, store: ProfileStore) -> None:
        early = Answered(b"1", person(), created=True, until_ms=MIDNIGHT_MS + 1)
        store.swap(b"", person(), request_id="early", answered=early)
        later = person(at_ms=MIDNIGHT_MS + 2)
        store.swap(
            store.load("ada").version,
            later,
            request_id="late",
            answered=Answered(b"2", later, created=False, until_ms=MIDNIGHT_MS + DAY_MS),
        )
        assert store.load("ada", "early").answered is None
        assert store.load("ada", "late").answered is not None

    def test_a_walk_finds_everybody_once_in_pages_of_at_most_the_size(self, store: ProfileStore) -> None:
        names = {f"person-{number}" for number in range(57)}
        for name in names:
            put(store, name)
            record(store, event(), user=name)
        pages = walk(store, 10)
        assert all(len(page.people) <= 10 for page in pages)
        found = [each.user_id for page in pages for each in page.people]
        assert sorted(found) == sorted(names)

    @pytest.mark.parametrize("token", ["x", "!!!!", "e30=", "bnVsbA==", "WzEsMl0="])
    def test_a_token_that_is_none_is_refused(self, store: ProfileStore, token: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            store.people(10, token)
        assert caught.value.field == "page_token"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text() | JSON.map(encoded))
def test_any_token_gives_a_page_or_is_refused_by_name(redis_store: RedisProfileStore, text: str) -> None:
    refused = "page_token"
    try:
        redis_store.people(10, text)
    except InvalidInput as problem:
        refused = problem.field
    assert refused == "page_token"


def test_a_token_is_good_only_as_it_was_given(redis_store: RedisProfileStore) -> None:
    """It holds names of keys, and only those that the walk itself found are read."""
    for number in range(30):
        put(redis_store, f"person-{number}")
    token = redis_store.people(10, "").token
    sealed = base64.urlsafe_b64decode(token)
    with pytest.raises(InvalidInput):
        redis_store.people(10, base64.urlsafe_b64encode(sealed.replace(b"[0,", b"[1,")).decode())
    assert redis_store.people(10, token).people


def walk(store: ProfileStore, size: int) -> list[Page]:
    pages = [store.people(size, "")]
    while pages[-1].token:
        pages.append(store.people(size, pages[-1].token))
    return pages


class TestEvents:
    def test_an_event_of_somebody_unknown_is_not_recorded(self, store: ProfileStore) -> None:
        assert record(store, event(item="coat")) == [Outcome.UNKNOWN_USER]
        assert store.popular("shop", (), 10) == []

    def test_events_come_back_as_they_were_written(self, store: ProfileStore) -> None:
        put(store)
        written = event(recommendation_id="r-1", domain="art")
        assert record(store, written) == [Outcome.LEARNED]
        (found,) = store.window("ada", "shop").events
        assert {**vars(found), "vectors": None} == {**vars(written), "vectors": None}
        assert found.vector is not None
        assert np.array_equal(found.vector, np.asarray(written.vector))

    def test_an_event_counts_once(self, store: ProfileStore) -> None:
        put(store)
        coat = event(item="coat")
        again = replace(coat, time_ms=coat.time_ms + MINUTE_MS)
        assert record(store, coat, coat) == [Outcome.LEARNED, Outcome.DUPLICATE]
        assert record(store, again) == [Outcome.DUPLICATE]
        assert store.window("ada", "shop").events[0].time_ms == coat.time_ms
        ((_, level),) = store.popular("shop", (), 10)
        assert level == pytest.approx(popularity.gain(coat.weight, coat.time_ms, SMALL.popular_hours))

    def test_an_event_counts_once_even_in_another_catalogue(self, store: ProfileStore) -> None:
        """An id is unique per person."""
        put(store)
        coat = event()
        record(store, coat)
        assert record(store, coat, catalogue="other") == [Outcome.DUPLICATE]

    def test_the_same_id_of_two_people_is_two_events(self, store: ProfileStore) -> None:
        put(store), put(store, "bob")
        coat = event()
        assert record(store, coat) == record(store, coat, user="bob") == [Outcome.LEARNED]

    def test_impressions_are_kept_apart_and_bounded(self, store: ProfileStore) -> None:
        put(store)
        acts, shown = minutes(SMALL.window), minutes(10, type_=EventType.IMPRESSION)
        record(store, *acts)
        before = glance(store)
        assert record(store, *shown) == [Outcome.LEARNED] * 10
        assert glance(store) == before
        erased = store.erase("ada")
        assert erased is not None
        assert Erased("events", SMALL.window + SMALL.shown) in erased

    def test_seen_items_are_the_latest_once_each_latest_first(self, store: ProfileStore) -> None:
        put(store)
        stream = [*minutes(7), event(EventType.VIEW, item="item-3", time_ms=MIDNIGHT_MS + DAY_MS)]
        stream.append(event(EventType.VIEW, item="item-3", time_ms=MIDNIGHT_MS))
        record(store, *stream[:4], *stream[4:])
        assert glance(store).seen == ("item-3", "item-6", "item-5", "item-4", "item-2")

    def test_uploads_need_consent_of_their_own_and_are_not_seen(self, store: ProfileStore) -> None:
        put(store, consent=Consent(personalisation=GIVEN))
        put(store, "bob")
        upload = event(EventType.UPLOAD)
        assert record(store, upload) == [Outcome.PHOTOS_REFUSED]
        assert record(store, upload, user="bob") == [Outcome.LEARNED]
        assert glance(store, "bob").seen == ()
        assert store.popular("shop", (), 10) == []

    def test_without_consent_an_event_is_counted_and_not_kept(self, store: ProfileStore) -> None:
        put(store, consent=Consent())
        coat = event(item="coat")
        assert record(store, coat, coat) == [Outcome.COUNTED, Outcome.DUPLICATE]
        assert store.window("ada", "shop") == Window("")
        assert bare(glance(store)) == Glance(Consent())
        assert [item_id for item_id, _ in store.popular("shop", (), 10)] == ["coat"]

    def test_an_event_counted_without_consent_counts_once_with_it(self, store: ProfileStore) -> None:
        someone = put(store, consent=Consent())
        coat = event()
        record(store, coat)
        store.swap(store.load("ada").version, replace(someone, consent=ALL_GIVEN))
        assert record(store, coat) == [Outcome.DUPLICATE]

    def test_ids_are_forgotten_after_their_time_and_beyond_their_number(self, store: ProfileStore) -> None:
        put(store, consent=Consent())
        first = event()
        record(store, first)
        later_ms = MIDNIGHT_MS + int(SMALL.remembered_days * DAY_MS)
        assert outcomes(store, [Batch("ada", "shop", [first])], later_ms) == [[Outcome.COUNTED]]
        many = [event() for _ in range(SMALL.remembered)]
        store.record([Batch("ada", "shop", many)], later_ms + 1)
        assert outcomes(store, [Batch("ada", "shop", [first])], later_ms + 2) == [[Outcome.COUNTED]]

    @pytest.mark.parametrize(("consent", "events"), [(Consent(), MAX_EVENTS), (ALL_GIVEN, StoreRules().most)])
    def test_a_whole_call_that_is_sent_again_counts_once(
        self, make_store: MakeStore, consent: Consent, events: int
    ) -> None:
        store = make_store(StoreRules(per_minute=MAX_EVENTS))
        put(store, consent=consent)
        call = minutes(events)
        assert len(set(record(store, *call))) == 1
        levels = store.levels("shop", (), [each.item_id for each in call])
        assert None not in levels
        assert record(store, *call) == [Outcome.DUPLICATE] * events
        assert store.levels("shop", (), [each.item_id for each in call]) == levels

    def test_several_people_in_one_write_each_get_their_own(self, store: ProfileStore) -> None:
        put(store), put(store, "bob", Consent())
        batches = [
            Batch("ada", "shop", [event(), event()]),
            Batch("nobody", "shop", [event()]),
            Batch("bob", "shop", [event()]),
            Batch("ada", "other", [event()]),
        ]
        assert outcomes(store, batches, MIDNIGHT_MS) == [
            [Outcome.LEARNED, Outcome.LEARNED],
            [Outcome.UNKNOWN_USER],
            [Outcome.COUNTED],
            [Outcome.LEARNED],
        ]
        assert len(store.window("ada", "shop").events) == 2
        assert len(store.window("ada", "other").events) == 1

    def test_sixteen_writers_on_one_person_lose_no_event(self, make_store: MakeStore) -> None:
        store = make_store(StoreRules(per_minute=1000))
        put(store)
        streams = [
            [
                event(item=f"coat-{n}-{writer // 3}", time_ms=MIDNIGHT_MS + (16 * n + writer) * 2 * AGAIN_MS)
                for n in range(12)
            ]
            for writer in range(16)
        ]

        def write(stream: list[Event]) -> list[Outcome]:
            return [record(store, each)[0] for each in stream]

        with ThreadPoolExecutor(16) as pool:
            outcomes = list(pool.map(write, streams))
        assert {outcome for each in outcomes for outcome in each} == {Outcome.LEARNED}
        assert window_ids(store) == {each.event_id for stream in streams for each in stream}
        everything = [each for stream in streams for each in stream]
        total = sum(
            each.weight * 2 ** ((each.time_ms - MIDNIGHT_MS) / (336 * popularity.HOUR_MS)) for each in everything
        )
        levels = [level for _, level in store.popular("shop", (), 100)]
        assert len(levels) == 12 * 6
        assert sum(popularity.value(level, MIDNIGHT_MS, 336) for level in levels) == pytest.approx(total, rel=1e-6)


class TestTastes:
    def test_a_stamp_changes_with_every_event_and_is_empty_without(self, store: ProfileStore) -> None:
        put(store)
        stamps = [glance(store).stamp]
        for each in minutes(3):
            record(store, each)
            stamps.append(glance(store).stamp)
        assert stamps[0] == ""
        assert len(set(stamps)) == 4
        assert store.window("ada", "shop").stamp == stamps[-1]

    def test_a_taste_is_kept_for_its_catalogue(self, store: ProfileStore) -> None:
        put(store)
        record(store, event()), record(store, event(), catalogue="other")
        store.keep_taste("ada", "shop", glance(store).stamp, SOME_TASTE)
        assert glance(store).taste == SOME_TASTE.taste
        assert glance(store, catalogue="other").taste == b""

    def test_a_taste_that_was_overtaken_is_not_kept(self, store: ProfileStore) -> None:
        put(store)
        record(store, event())
        overtaken = glance(store).stamp
        record(store, event())
        store.keep_taste("ada", "shop", overtaken, SOME_TASTE)
        store.keep_taste("nobody", "shop", overtaken, SOME_TASTE)
        store.keep_taste("ada", "never", "", SOME_TASTE)
        assert glance(store).taste == b""

    def test_a_taste_folded_before_an_erasure_does_not_come_back_after_it(self, store: ProfileStore) -> None:
        put(store)
        coat = event()
        record(store, coat)
        before = glance(store).stamp
        store.erase("ada")
        put(store)
        record(store, coat)
        store.keep_taste("ada", "shop", before, SOME_TASTE)
        assert glance(store).taste == b""

    def test_one_look_at_several_people_keeps_their_order(self, store: ProfileStore) -> None:
        put(store), put(store, "bob", Consent())
        record(store, event(item="coat"))
        wanted = [
            TasteQuery("bob", "shop"),
            TasteQuery("nobody", "shop", include_seen=True),
            TasteQuery("ada", "shop", include_seen=True),
        ]
        bob, nobody, ada = store.glance([*wanted])
        assert bare(bob) == Glance(Consent())
        assert nobody is None
        assert ada is not None
        assert ada.seen == ("coat",)

    def test_a_space_is_remembered_with_its_blocks(self, store: ProfileStore) -> None:
        assert store.space(SPACE.name) is None
        store.keep_space(SPACE)
        store.keep_space(SPACE)
        assert store.space(SPACE.name) == SPACE


class TestForgetting:
    def fill(self, store: ProfileStore) -> Person:
        someone = put(store)
        record(store, event(item="coat"), event(EventType.UPLOAD), event(EventType.IMPRESSION))
        record(store, event(), catalogue="other")
        for catalogue in ("shop", "other"):
            store.keep_taste("ada", catalogue, glance(store, catalogue=catalogue).stamp, SOME_TASTE)
        return someone

    def test_everything_learned_goes_and_the_person_stays(self, store: ProfileStore) -> None:
        someone = self.fill(store)
        refused = replace(someone, consent=Consent(REFUSED))
        assert store.swap(store.load("ada").version, refused, Forget.EVERYTHING)
        assert store.load("ada").person == refused
        assert store.window("ada", "shop") == store.window("ada", "other") == Window("")
        store.swap(store.load("ada").version, someone)
        assert bare(glance(store)) == bare(glance(store, catalogue="other")) == Glance(someone.consent)
        assert store.erase("ada") == [Erased("profile", 1), *(Erased(place, 0) for place in (*PLACES[1:], "held"))]

    def test_uploads_go_alone(self, store: ProfileStore) -> None:
        someone = self.fill(store)
        before = glance(store)
        store.swap(store.load("ada").version, replace(someone, updated_ms=MIDNIGHT_MS + 1), Forget.UPLOADS)
        assert [each.item_id for each in store.window("ada", "shop").events] == ["coat"]
        after = glance(store)
        assert after.stamp != before.stamp
        assert (after.taste, after.seen) == (b"", ("coat",))

    def test_an_erasure_counts_what_it_removes(self, store: ProfileStore) -> None:
        someone = self.fill(store)
        answered = Answered(b"", someone, created=False, until_ms=MIDNIGHT_MS + DAY_MS)
        store.swap(store.load("ada").version, someone, request_id="again", answered=answered)
        assert store.erase("ada") == [
            Erased("profile", 1),
            Erased("events", 4),
            Erased("seen", 2),
            Erased("taste", 2),
            Erased("requests", 1),
            Erased("event_ids", 4),
            Erased("vectors", 0),
            Erased("held", 0),
        ]
        assert store.load("ada", "again").person is None
        assert store.load("ada", "again").answered is None
        assert store.erase("ada") is None

    def test_what_is_told_of_the_time_before_an_erasure_is_refused_while_it_is_remembered(
        self, store: ProfileStore
    ) -> None:
        someone = self.fill(store)
        erased_ms = MIDNIGHT_MS + 1000
        store.erase("ada", erased_ms, DAY_MS)
        late = event(time_ms=erased_ms)
        assert record(store, late) == [Outcome.UNKNOWN_USER]
        assert store.swap(b"", replace(someone, updated_ms=erased_ms + 1))
        assert record(store, late, now_ms=erased_ms + 2) == [Outcome.ERASED]
        assert record(store, event(time_ms=erased_ms + 1), now_ms=erased_ms + 2) == [Outcome.LEARNED]
        assert record(store, late, now_ms=erased_ms + 2 * DAY_MS) == [Outcome.LEARNED]

    def test_who_comes_back_has_another_pseudonym(self, store: ProfileStore) -> None:
        someone = self.fill(store)
        before = glance(store).alias
        store.erase("ada")
        store.swap(b"", someone)
        assert "" != glance(store).alias != before

    def test_others_keep_what_is_theirs(self, store: ProfileStore) -> None:
        put(store, "bob")
        record(store, event(item="coat"), user="bob")
        before = glance(store, "bob")
        self.fill(store)
        store.erase("ada")
        assert glance(store, "bob") == before
        assert store.window("bob", "shop").events


class TestPopularity:
    def test_it_is_the_decayed_sum_of_positive_events_highest_first(self, store: ProfileStore) -> None:
        put(store)
        told = [
            event(EventType.PURCHASE, item="coat", time_ms=MIDNIGHT_MS - DAY_MS),
            event(EventType.LIKE, item="hat"),
            event(EventType.LIKE, item="coat"),
            event(EventType.VIEW, item="lamp", domain="furniture"),
            event(EventType.DISLIKE, item="tie"),
            event(EventType.IMPRESSION, item="sock"),
        ]
        record(store, *told)
        scores = {
            item_id: popularity.value(level, MIDNIGHT_MS, SMALL.popular_hours)
            for item_id, level in store.popular("shop", (), 10)
        }
        assert list(scores) == ["coat", "hat", "lamp"]
        assert list(scores.values()) == pytest.approx([5 / 2 + 2, 2, 0.5], rel=1e-9)

    def test_it_can_be_asked_by_domain(self, store: ProfileStore) -> None:
        put(store)
        record(store, event(item="coat"), event(item="lamp", domain="furniture"), event(item="odd", domain=""))
        names = [item_id for item_id, _ in store.popular("shop", ["furniture", "", "unknown"], 10)]
        assert names == ["odd", "lamp"]
        assert store.popular("shop", ["unknown"], 10) == []

    def test_equal_levels_come_by_descending_id_and_no_more_than_asked_for(self, store: ProfileStore) -> None:
        put(store)
        record(store, *[event(item=name) for name in ("b", "c", "a")])
        assert [item_id for item_id, _ in store.popular("shop", (), 2)] == ["c", "b"]

    def test_levels_of_items_come_in_the_order_asked_for(self, store: ProfileStore) -> None:
        put(store)
        record(store, event(item="coat"), event(item="lamp", domain="furniture"))
        lamp, nothing, coat = store.levels("shop", (), ["lamp", "unknown", "coat"])
        assert nothing is None
        assert lamp == coat is not None
        assert store.levels("shop", ["furniture"], ["lamp", "coat"]) == [lamp, None]
        assert store.levels("empty", (), ["lamp"]) == [None]

    def test_the_least_popular_fall_off_a_full_list(self, store: ProfileStore) -> None:
        put(store)
        record(store, event(EventType.VIEW, item="weak"), *[event(item=f"strong-{n}") for n in range(SMALL.popular)])
        names = [item_id for item_id, _ in store.popular("shop", (), 10)]
        assert names == [f"strong-{n}" for n in reversed(range(SMALL.popular))]

    def test_catalogues_have_lists_of_their_own(self, store: ProfileStore) -> None:
        put(store)
        record(store, event(item="coat"))
        assert store.popular("other", (), 10) == []


def test_it_answers(store: ProfileStore) -> None:
    store.ping()
