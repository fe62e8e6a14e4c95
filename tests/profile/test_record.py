"""Recording events: each fails alone, and what is written has what the catalogue knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from services.errors import InvalidInput, NotFound, NotReady, Overloaded, Refused, SpaceMismatch, VisrecError
from services.profile.catalogue.items import MemoryItems, Resolved
from services.profile.events import memory
from services.profile.events.event import EventType, Showing
from services.profile.events.event_store import Outcome
from services.profile.events.given_event import GivenEvent, PhotoVector
from services.profile.events.record import Ending, Recorder
from services.profile.filing.store_memory import MemoryProfileStore
from services.profile.filing.store_rules import StoreRules
from services.profile.people.person import Consent
from services.profile.popularity import decay as popularity
from services.spaces import encode
from tests.profile.builders import (
    DAY_MS,
    GIVEN,
    MIDNIGHT_MS,
    MINUTE_MS,
    OTHER_SPACE,
    SPACE,
    Clock,
    given,
    near,
    parts,
    person,
    shop,
)

BOUNDS = StoreRules(window=3, block=2, per_minute=1000)


class CountingItems(MemoryItems):
    """Remembers what it was asked."""

    def __init__(self, items: MemoryItems) -> None:
        super().__init__(items._catalogues)
        self.asked: list[tuple[str, int]] = []

    def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
        self.asked.append((catalogue, len(item_ids)))
        return super().resolve(catalogue, item_ids, space)


@pytest.fixture
def store() -> MemoryProfileStore:
    store = MemoryProfileStore(BOUNDS)
    store.swap(b"", person("ada"))
    store.swap(b"", person("bob", Consent()))
    store.swap(b"", person("cleo", Consent(personalisation=GIVEN)))
    return store


@pytest.fixture
def items() -> CountingItems:
    return CountingItems(shop())


@pytest.fixture
def recorder(store: MemoryProfileStore, items: CountingItems) -> Recorder:
    return parts(store, items, bounds=BOUNDS).recorder


def photo(data: bytes = encode(near(3)), space: str = SPACE.name) -> PhotoVector:
    return PhotoVector(space, data)


def upload(user: str = "ada", **changes: Any) -> GivenEvent:
    return given(EventType.UPLOAD, **({"user": user, "item_id": None, "photo": photo()} | changes))


def error(ending: Ending) -> VisrecError:
    assert isinstance(ending, VisrecError)
    return ending


def test_an_event_is_written_with_the_domain_and_the_vector_of_its_item(
    recorder: Recorder, store: MemoryProfileStore
) -> None:
    sent = given(item="green-5", time_ms=MIDNIGHT_MS - MINUTE_MS, recommendation_id="r-1")
    assert recorder.record([sent]) == [Outcome.LEARNED]
    (event,) = store.window("ada", "shop").events
    assert (event.event_id, event.item_id, event.domain, event.space) == (
        sent.event_id,
        "green-5",
        "furniture",
        SPACE.name,
    )
    assert (event.time_ms, event.recommendation_id) == (MIDNIGHT_MS - MINUTE_MS, "r-1")
    assert np.array_equal(np.asarray(event.vector), near(1, 0.05, seed=5))
    assert store.space(SPACE.name) == SPACE


def test_an_event_without_a_time_is_of_now(recorder: Recorder, store: MemoryProfileStore) -> None:
    recorder.record([given()])
    assert store.window("ada", "shop").events[0].time_ms == MIDNIGHT_MS


def test_an_upload_is_written_with_its_own_vector_normalised(recorder: Recorder, store: MemoryProfileStore) -> None:
    assert recorder.record([upload(photo=photo(encode(7 * near(2).astype(np.float32))))]) == [Outcome.LEARNED]
    (event,) = store.window("ada", "shop").events
    assert event.item_id == ""
    assert np.array_equal(np.asarray(event.vector), near(2))


def test_each_event_fails_alone_and_the_others_are_recorded(recorder: Recorder) -> None:
    endings = recorder.record(
        [
            given(),
            given(item="unknown"),
            given(user="nobody"),
            given(catalogue="unknown"),
            given(event_id=""),
            given(user="bob"),
            upload("cleo"),
            upload("bob"),
            given(item="blue-1"),
        ]
    )
    kinds = [type(each) if isinstance(each, VisrecError) else each for each in endings]
    assert kinds == [
        Outcome.LEARNED,
        NotFound,
        NotFound,
        NotFound,
        InvalidInput,
        Outcome.COUNTED,
        Refused,
        Refused,
        Outcome.LEARNED,
    ]
    reasons = [each.reason for each in endings if isinstance(each, VisrecError)]
    assert reasons[:3] == ["ITEM_NOT_FOUND", "USER_NOT_FOUND", "CATALOGUE_NOT_FOUND"]
    assert reasons[4:] == ["CONSENT_MISSING", "CONSENT_MISSING"]


def test_an_item_that_is_unknown_is_named_with_its_catalogue(recorder: Recorder) -> None:
    (ending,) = recorder.record([given(item="unknown")])
    assert error(ending).message == "item 'unknown' does not exist in catalogue 'shop'; IngestItems puts one"


def test_an_event_that_is_older_than_what_is_settled_says_so(recorder: Recorder) -> None:
    assert recorder.record([given(item=f"red-{n}") for n in range(4)]) == [Outcome.LEARNED] * 4
    late = given(time_ms=MIDNIGHT_MS - MINUTE_MS)
    assert recorder.record([late]) == [Outcome.LEARNED]
    (ending,) = recorder.record([given(time_ms=MIDNIGHT_MS - 2 * MINUTE_MS)])
    assert isinstance(ending, Refused)
    assert ending.reason == "EVENT_TOO_OLD"
    assert "VISREC_PROFILE_WINDOW" in ending.message


@pytest.mark.parametrize("name", ["ada", "bob"])
def test_an_event_of_long_ago_is_refused_of_everybody_and_says_by_what(recorder: Recorder, name: str) -> None:
    (ending,) = recorder.record([given(user=name, time_ms=MIDNIGHT_MS - 366 * DAY_MS)])
    assert isinstance(ending, Refused)
    assert ending.reason == "EVENT_TOO_OLD"
    assert "VISREC_PROFILE_EVENT_DAYS" in ending.message


def test_a_call_with_more_events_of_one_person_than_are_kept_is_settled_on_the_way(
    recorder: Recorder, store: MemoryProfileStore
) -> None:
    """Whatever their order in the call."""
    times = [MIDNIGHT_MS - n * MINUTE_MS for n in range(200)]
    assert recorder.record([given(time_ms=time_ms) for time_ms in times]) == [Outcome.LEARNED] * 200
    window = store.window("ada", "shop")
    assert [event.time_ms for event in window.events] == sorted(times)[-len(window.events) :]
    assert BOUNDS.window <= len(window.events) < BOUNDS.window + BOUNDS.block
    assert memory.unpack(window.memory).events == 200 - len(window.events)


def test_events_of_a_repeated_call_are_duplicates(recorder: Recorder) -> None:
    sent = [given(item="red-1"), given(item="red-2"), given(user="bob")]
    recorder.record(sent)
    assert recorder.record(sent) == [Outcome.DUPLICATE] * 3


def test_a_catalogue_is_asked_once_for_all_its_items(recorder: Recorder, items: CountingItems) -> None:
    recorder.record([given(item=f"red-{n % 5}", user=user) for n in range(40) for user in ("ada", "bob")])
    assert items.asked == [("shop", 5)]


class ReturningItems(CountingItems):
    """Away until told otherwise."""

    away = True

    def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
        if self.away:
            raise NotReady("indexer cannot be reached")
        return super().resolve(catalogue, item_ids, space)


class TestWhileTheCatalogueIsAway:
    @pytest.fixture
    def items(self) -> ReturningItems:
        return ReturningItems(shop())

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def recorder(self, store: MemoryProfileStore, items: ReturningItems, clock: Clock) -> Recorder:
        return parts(store, items, clock, BOUNDS).recorder

    def test_items_are_taken_on_trust(self, recorder: Recorder, store: MemoryProfileStore) -> None:
        endings = recorder.record([given(item="red-1"), given(event_id=""), given(EventType.IMPRESSION)])
        assert [each if isinstance(each, Outcome) else type(each) for each in endings] == [
            Outcome.PENDING,
            InvalidInput,
            Outcome.LEARNED,
        ]
        (event,) = store.window("ada", "shop").events
        assert (event.pending, event.item_id, event.domain, event.vectors) == (True, "red-1", "", {})
        assert store.popular("shop", (), 10) == []

    def test_nothing_is_kept_of_who_does_not_consent(self, recorder: Recorder) -> None:
        (ending,) = recorder.record([given(user="bob")])
        assert isinstance(ending, NotReady)

    def test_a_photo_needs_a_space_that_is_known(
        self, recorder: Recorder, items: ReturningItems, clock: Clock, store: MemoryProfileStore
    ) -> None:
        (ending,) = recorder.record([upload()])
        assert isinstance(ending, NotReady)
        store.keep_space(SPACE)
        assert recorder.record([upload()]) == [Outcome.LEARNED]

    def test_the_next_event_after_it_has_them_looked_up_and_counted(
        self, recorder: Recorder, items: ReturningItems, clock: Clock, store: MemoryProfileStore
    ) -> None:
        recorder.record([given(item="red-1", time_ms=MIDNIGHT_MS - 1), given(item="gone", time_ms=MIDNIGHT_MS - 2)])
        items.away = False
        clock.now_ms += 2000
        assert recorder.record([given(item="green-1")]) == [Outcome.LEARNED]
        red, green = store.window("ada", "shop").events
        assert (red.item_id, red.pending, red.domain, list(red.vectors)) == ("red-1", False, "fashion", [SPACE.name])
        assert green.item_id == "green-1"
        assert {item_id for item_id, _ in store.popular("shop", (), 10)} == {"red-1", "green-1"}
        assert store.levels("shop", ("fashion",), ["red-1"]) == store.levels("shop", (), ["red-1"])

    def test_it_is_asked_again_only_after_a_moment(
        self, recorder: Recorder, items: ReturningItems, clock: Clock
    ) -> None:
        recorder.record([given()])
        items.away = False
        assert recorder.record([given()]) == [Outcome.PENDING]
        assert items.asked == []
        clock.now_ms += 1001
        assert recorder.record([given()]) == [Outcome.LEARNED]

    def test_when_no_more_can_wait_events_are_to_be_sent_again(
        self, recorder: Recorder, items: ReturningItems, clock: Clock, store: MemoryProfileStore
    ) -> None:
        endings = recorder.record([given(item=f"red-{n % 60}") for n in range(BOUNDS.most + 3)])
        assert endings[: BOUNDS.most] == [Outcome.PENDING] * BOUNDS.most
        assert {type(each) for each in endings[BOUNDS.most :]} == {Overloaded}
        items.away = False
        clock.now_ms += 2000
        assert recorder.record([given()]) == [Outcome.LEARNED]
        assert not any(event.pending for event in store.window("ada", "shop").events)


def test_more_in_a_minute_than_people_do_is_ignored_and_washes_nothing_out(store: MemoryProfileStore) -> None:
    bounds = StoreRules(window=20, block=2, per_minute=5)
    store = MemoryProfileStore(bounds)
    store.swap(b"", person("ada"))
    recorder = parts(store, bounds=bounds).recorder
    early = [given(time_ms=MIDNIGHT_MS - MINUTE_MS, item=f"blue-{n}") for n in range(3)]
    burst = [given(time_ms=MIDNIGHT_MS, item=f"red-{n % 60}") for n in range(100)]
    endings = recorder.record([*early, *burst])
    assert endings == [Outcome.LEARNED] * 8 + [Outcome.IGNORED] * 95
    assert recorder.record(burst[-3:]) == [Outcome.IGNORED] * 3
    assert len(store.window("ada", "shop").events) == 8
    levels = [level for _, level in store.popular("shop", ("fashion",), 10)]
    scores = [popularity.value(level, MIDNIGHT_MS, bounds.popular_hours) for level in levels]
    assert scores == [pytest.approx(2.0)] * 5
    in_time = [replace(each, time_ms=MIDNIGHT_MS - (9 + n) * MINUTE_MS) for n, each in enumerate(burst[-3:])]
    assert recorder.record(in_time) == [Outcome.LEARNED] * 3


@pytest.mark.parametrize(
    ("wrong", "field", "reason"),
    [
        (given(event_id=""), "event_id", "INVALID_INPUT"),
        (given(event_id="x" * 129), "event_id", "INVALID_INPUT"),
        (given(user=""), "user_id", "INVALID_INPUT"),
        (given(catalogue=""), "catalogue", "INVALID_INPUT"),
        (given(catalogue="Shop {1}"), "catalogue", "INVALID_INPUT"),
        (given(item=""), "item_id", "INVALID_INPUT"),
        (given(type=0), "type", "INVALID_INPUT"),
        (given(type=99), "type", "INVALID_INPUT"),
        (given(recommendation_id="x" * 129), "recommendation_id", "INVALID_INPUT"),
        (given(time_ms=MIDNIGHT_MS + 5 * MINUTE_MS + 1), "time", "EVENT_IN_FUTURE"),
        (given(time_ms=-1), "time", "INVALID_INPUT"),
        (given(photo=photo()), "photo_vector", "INVALID_INPUT"),
        (given(shown_signals={"taste": 1.0}), "shown_signals", "INVALID_INPUT"),
        (
            given(EventType.IMPRESSION, shown_signals={"taste": float("nan")}),
            "shown_signals['taste']",
            "NOT_FINITE",
        ),
        (
            given(EventType.IMPRESSION, shown_signals={f"s{n}": 1.0 for n in range(33)}),
            "shown_signals",
            "INVALID_INPUT",
        ),
        (given(showing=Showing(rank=1)), "showing", "INVALID_INPUT"),
        (given(EventType.IMPRESSION, showing=Showing(rank=1001)), "showing.rank", "INVALID_INPUT"),
        (given(EventType.IMPRESSION, showing=Showing(variant="x" * 49)), "showing.variant", "INVALID_INPUT"),
        (given(EventType.IMPRESSION, showing=Showing(scene="a\nb")), "showing.scene", "INVALID_INPUT"),
        (given(raw_features=b"12"), "raw_features", "INVALID_INPUT"),
        (upload(raw_features=b"123"), "raw_features", "INVALID_INPUT"),
        (upload(raw_features=bytes(16 * 1024 + 2)), "raw_features", "INVALID_INPUT"),
        (upload(photo=None), "photo_vector", "INVALID_INPUT"),
        (upload(photo=photo(space="")), "photo_vector.space", "INVALID_INPUT"),
        (upload(photo=photo(b"1234")), "photo_vector.data", "WRONG_DIMENSION"),
        (upload(photo=photo(encode(np.full(12, np.nan, dtype=np.float32)))), "photo_vector.data", "NOT_FINITE"),
        (upload(photo=photo(encode(np.zeros(12, dtype=np.float32)))), "photo_vector.data", "ZERO_VECTOR"),
    ],
)
def test_bad_input_is_named_with_the_place_of_its_event(
    recorder: Recorder, wrong: GivenEvent, field: str, reason: str
) -> None:
    first, second = recorder.record([given(), wrong])
    assert first is Outcome.LEARNED
    problem = error(second)
    assert isinstance(problem, InvalidInput)
    assert (problem.field, problem.reason) == (f"events[1].{field}", reason)


def test_five_minutes_ahead_is_a_clock_that_is_off_and_is_taken_as_now(
    recorder: Recorder, store: MemoryProfileStore
) -> None:
    assert recorder.record([given(time_ms=MIDNIGHT_MS + 5 * MINUTE_MS)]) == [Outcome.LEARNED]
    assert store.window("ada", "shop").events[0].time_ms == MIDNIGHT_MS


def test_a_photo_of_another_space_is_a_mismatch(recorder: Recorder) -> None:
    (ending,) = recorder.record([upload(photo=photo(space=OTHER_SPACE.name))])
    assert isinstance(ending, SpaceMismatch)
    assert (ending.expected, ending.given) == (SPACE.name, OTHER_SPACE.name)


@pytest.mark.parametrize("count", [0, 1001])
def test_a_call_has_one_to_a_thousand_events(recorder: Recorder, count: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        recorder.record([given()] * count)
    assert caught.value.field == "events"
