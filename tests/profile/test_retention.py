"""What nobody hears of any more goes by itself: every key of a person has an end, and each write puts it off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from services.profile.events.event import EventType
from services.profile.events.given_event import PhotoVector
from services.profile.filing.store_redis import RedisProfileStore
from services.profile.filing.store_rules import DAY_MS, StoreRules
from services.profile.people.person import Consent
from services.profile.taste.taste_store import TasteQuery
from services.runtime.redis import open_redis
from services.runtime.settings import RuntimeSettings
from services.spaces import encode
from tests.profile.builders import SPACE, Clock, Parts, given, near, parts, person

BOUNDS = StoreRules(window=4, block=2, retention_days=30, remembered_days=3)
A_DAY_BEFORE = 29 * DAY_MS


@pytest.fixture
def client(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def store(redis_runtime: RuntimeSettings) -> Iterator[RedisProfileStore]:
    store = RedisProfileStore(open_redis(redis_runtime), "", BOUNDS)
    yield store
    store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def made(store: RedisProfileStore, clock: Clock) -> Parts:
    return parts(store, clock=clock, bounds=BOUNDS)


def ends(client: Redis) -> dict[str, int]:
    """Milliseconds until each key of a person goes, by the name of its kind; -1: never."""
    return {
        key.decode().rpartition("}")[2] or "main": int(client.pttl(key)) for key in client.scan_iter("visrec:person:*")
    }


def test_whatever_is_kept_of_what_somebody_did_has_an_end(client: Redis, store: RedisProfileStore, made: Parts) -> None:
    store.swap(b"", person())
    kinds = [EventType.LIKE, EventType.IMPRESSION, *[EventType.VIEW] * 8]
    made.recorder.record([given(kind, item=f"red-{n}") for n, kind in enumerate(kinds)])
    made.tastes.one(TasteQuery("ada", "shop"))
    assert store.window("ada", "shop").memory
    left = ends(client)
    names = ("main", ":acts:shop", ":acts-order:shop", ":shown:shop", ":shown-order:shop", ":seen:shop", ":event-ids")
    assert set(left) == set(names)
    assert left.pop(":event-ids") <= 3 * DAY_MS
    assert all(A_DAY_BEFORE < each <= 30 * DAY_MS for each in left.values())


def test_an_event_of_another_day_puts_it_off_for_everything_of_the_catalogue(
    client: Redis, store: RedisProfileStore, made: Parts, clock: Clock
) -> None:
    store.swap(b"", person())
    made.recorder.record([given(), given(EventType.IMPRESSION)])
    for key in client.scan_iter("visrec:person:*"):
        client.pexpire(key, DAY_MS)
    clock.now_ms += DAY_MS
    made.recorder.record([given()])
    left = ends(client)
    del left[":event-ids"]
    assert all(each > A_DAY_BEFORE for each in left.values())


def test_what_begins_later_in_the_day_has_an_end_too(client: Redis, store: RedisProfileStore, made: Parts) -> None:
    store.swap(b"", person())
    for kind in (EventType.IMPRESSION, EventType.UPLOAD, EventType.LIKE):
        photo = PhotoVector(SPACE.name, encode(near(0))) if kind is EventType.UPLOAD else None
        made.recorder.record([given(kind, "" if photo else "red-1", photo=photo)])
    assert len(ends(client)) == 7
    assert min(ends(client).values()) > 0


def test_who_does_not_consent_is_kept_as_long(client: Redis, store: RedisProfileStore, made: Parts) -> None:
    store.swap(b"", person(consent=Consent()))
    made.recorder.record([given()])
    assert A_DAY_BEFORE < ends(client)["main"] <= 30 * DAY_MS
