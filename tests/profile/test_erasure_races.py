"""Whoever was writing about a person when they were erased, nothing of it is left afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier
from typing import Any

import pytest
from redis import Redis

from services.errors import NotFound
from services.profile.collaborative.vector_store import Placed
from services.profile.events.event import EventType
from services.profile.events.given_event import PhotoVector
from services.profile.filing.store_redis import RedisProfileStore
from services.profile.filing.store_rules import StoreRules
from services.profile.people.people import People
from services.profile.people.person import Attributes, Consent, Person
from services.profile.taste.taste_store import TasteQuery
from services.runtime.held_redis import Held
from services.runtime.redis import open_redis
from services.runtime.settings import RuntimeSettings
from services.spaces import encode
from tests.profile.builders import ALL_GIVEN, MIDNIGHT_MS, REFUSED, SPACE, Clock, given, near, parts
from tests.profile.test_collaborative import FACTORS, factors
from tests.profile.test_erasure import everything

WHO = "planted-person"
TURNS = 40
RULES = StoreRules(window=8, block=4, per_minute=100_000)
"""So that what is done is settled into the long-term memory again and again."""

Write = Callable[[int], object]


@pytest.fixture
def store(redis_runtime: RuntimeSettings) -> Iterator[RedisProfileStore]:
    with closing(RedisProfileStore(open_redis(redis_runtime), "", RULES)) as opened:
        yield opened


@pytest.fixture
def client(redis_url: str) -> Iterator[Any]:
    with Redis.from_url(redis_url) as opened:
        yield opened


def writers(store: RedisProfileStore, people: People, client: Any) -> list[Write]:
    """All that writes under a person who is there, and brings nobody back who is not."""
    made, found = parts(store, bounds=RULES), store.held(WHO)
    assert found is not None
    photo = PhotoVector(SPACE.name, encode(near(1)))

    def record(turn: int) -> object:
        acts = [given(item=f"red-{turn}", user=WHO, event_id=f"planted-{turn}-{number}") for number in range(4)]
        upload = given(EventType.UPLOAD, user=WHO, item_id=None, event_id=f"planted-photo-{turn}", photo=photo)
        return made.recorder.record([*acts, upload])

    def hold(turn: int) -> None:
        """As of an answer that was on its way."""
        keep = {"now_ms": MIDNIGHT_MS, "keep_ms": 10**11}
        for number in range(20):
            Held(client).put(found.alias, "recommendation", f"planted-{turn}-{number}", b"planted", **keep)

    return [
        record,
        hold,
        lambda _: made.tastes.one(TasteQuery(WHO, "shop")),
        lambda _: store.put_vectors("shop", [Placed(WHO, FACTORS.name, factors(0, 1))]),
        lambda turn: people.consent(WHO, Consent(photo_learning=REFUSED) if turn % 2 else ALL_GIVEN),
    ]


@pytest.mark.parametrize("attempt", range(2))
def test_nothing_is_left_of_what_was_under_way(store: RedisProfileStore, client: Any, attempt: int) -> None:
    people = People(store, Clock())
    people.put(Person(WHO, Attributes(interests=("planted-interest",)), ALL_GIVEN), request_id="r1")
    all_write = writers(store, people, client)
    half_done = Barrier(len(all_write) + 1)

    def write(one: Write) -> None:
        for turn in range(TURNS):
            if turn == TURNS // 2:
                half_done.wait()
            try:
                one(turn)
            except NotFound:
                assert turn >= TURNS // 2

    with ThreadPoolExecutor(len(all_write)) as threads:
        writing = [threads.submit(write, one) for one in all_write]
        half_done.wait()
        people.erase(WHO)
        for each in writing:
            each.result()
    assert b"planted" not in everything(client)
    kinds = {key.rpartition(b"}")[2] for name in ("person", "held") for key in client.scan_iter(f"visrec:{name}:*")}
    assert kinds <= {b":erased", b":receipt", b":gone"}
    assert all(client.pttl(key) > 0 for name in ("person", "held") for key in client.scan_iter(f"visrec:{name}:*"))
