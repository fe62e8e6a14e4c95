"""Erasure, looked at from below: every key and value of Redis, before and after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from services.profile.events import EventType
from services.profile.keys import Keys
from services.profile.people import People
from services.profile.person import Attributes, Consent, Person
from services.profile.reader import TasteQuery, TasteReader
from services.profile.record import PhotoVector, Recorder
from services.profile.store_redis import RedisProfileStore
from services.profile.taste import TasteRules
from services.spaces import encode
from tests.profile.builders import ALL_GIVEN, REFUSED, SPACE, Clock, given, near, shop

PHOTO = near(3, 0.3, seed=99)

PLANTED = {
    "user id": b"planted-person",
    "attribute": b"planted-interest",
    "event id": b"planted-event",
    "recommendation id": b"planted-recommendation",
    "shown signal": b"planted-signal",
    "vector of a liked item": near(0, 0.05, seed=1).astype("<f2").tobytes(),
    "vector of a photo": PHOTO.astype("<f2").tobytes(),
}
LEARNED = set(PLANTED) - {"user id", "attribute"}


@pytest.fixture
def client(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def people(redis_store: RedisProfileStore) -> People:
    return People(redis_store, Clock())


@pytest.fixture(autouse=True)
def planted(people: People, redis_store: RedisProfileStore) -> None:
    attributes = Attributes(interests=("planted-interest",))
    people.put(Person("planted-person", attributes, ALL_GIVEN), request_id="planted-request")
    record(redis_store)


def record(store: RedisProfileStore) -> None:
    photo = PhotoVector(SPACE.name, encode(PHOTO))
    Recorder(store, shop(), Clock()).record(
        [
            given(item="red-1", user="planted-person", event_id="planted-event-1"),
            given(item="red-2", user="planted-person", recommendation_id="planted-recommendation"),
            given(EventType.IMPRESSION, user="planted-person", shown_signals={"planted-signal": 1.0}),
            given(EventType.UPLOAD, user="planted-person", item_id=None, photo=photo),
        ]
    )
    TasteReader(store, TasteRules()).one(TasteQuery("planted-person", "shop"))


def everything(client: Any) -> bytes:
    """Every key and every value, in one."""
    parts: list[bytes] = []
    for key in client.scan_iter():
        parts.append(key)
        match client.type(key):
            case b"hash":
                parts += [part for pair in client.hgetall(key).items() for part in pair]
            case b"zset":
                parts += client.zrange(key, 0, -1)
            case b"string":
                parts.append(client.get(key))
            case other:
                raise AssertionError(f"a key of type {other} that this test does not look into")
    return b"\0".join(parts)


def found(client: Redis) -> set[str]:
    whole = everything(client)
    return {name for name, trace in PLANTED.items() if trace in whole}


def test_a_planted_person_is_found_before_and_nothing_of_them_after(client: Redis, people: People) -> None:
    secret = client.hget("visrec:profile:secret", "made")
    assert isinstance(secret, bytes)
    pseudonym = Keys(secret).person("planted-person").main.encode()
    digest = Keys(secret).event("planted-person", "planted-event-1")
    before = everything(client)
    assert found(client) == set(PLANTED)
    assert pseudonym in before
    assert digest in before
    people.erase("planted-person")
    after = everything(client)
    assert found(client) == set()
    assert b"planted" not in after
    assert pseudonym not in after
    assert digest not in after


def test_keys_never_name_anybody(client: Redis) -> None:
    assert not any(b"planted" in key for key in client.scan_iter())


def test_what_was_learned_goes_with_the_consent_to_it(client: Redis, people: People) -> None:
    people.consent("planted-person", Consent(personalisation=REFUSED))
    assert found(client) == set(PLANTED) - LEARNED


def test_photos_go_with_the_consent_to_learn_from_them(client: Redis, people: People) -> None:
    people.consent("planted-person", Consent(photo_learning=REFUSED))
    assert found(client) == set(PLANTED) - {"vector of a photo"}


def test_without_consent_events_leave_nothing_to_find(
    client: Redis, people: People, redis_store: RedisProfileStore
) -> None:
    people.erase("planted-person")
    people.put(Person("planted-person"))
    record(redis_store)
    assert found(client) == {"user id"}


def test_a_person_put_again_is_new(people: People, redis_store: RedisProfileStore) -> None:
    people.erase("planted-person")
    put = people.put(Person("planted-person", consent=ALL_GIVEN), request_id="planted-request")
    assert put.created
    view = TasteReader(redis_store, TasteRules()).one(TasteQuery("planted-person", "shop", include_seen=True))
    assert (view.taste.interests, view.seen) == ((), ())
