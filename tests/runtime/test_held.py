"""What services keep under a person is found by whoever erases them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.errors import InvalidInput
from services.runtime.held_redis import Held, Record

NOW_MS = 1_800_000_000_000
LONG_MS = 10**11
"""Until well after the tests' now and the server's own."""


@pytest.fixture
def client(redis_url: str) -> Iterator[Any]:
    with redis.Redis.from_url(redis_url) as opened:
        yield opened


@pytest.fixture
def held(client: Any) -> Held:
    return Held(client, most=5)


def put(held: Held, name: str, content: bytes = b"x", pseudonym: str = "p1", keep_ms: int = LONG_MS) -> bool:
    return held.put(pseudonym, "recommendation", name, content, now_ms=NOW_MS, keep_ms=keep_ms)


def test_what_was_put_is_there_under_its_name(held: Held) -> None:
    assert put(held, "a", b"one")
    assert put(held, "a", b"two")
    assert held.get("p1", "recommendation", "a") == b"two"
    assert held.get("p2", "recommendation", "a") is None
    assert held.all("p1") == [Record("recommendation", b"two")]


def test_an_erasure_leaves_nothing_and_takes_nothing_more(held: Held, client: Any) -> None:
    for name in ("a", "b"):
        put(held, name)
    put(held, "a", pseudonym="p2")
    assert held.erase("p1", gone_ms=60_000) == 2
    assert not put(held, "late")
    assert held.all("p1") == []
    assert sorted(client.scan_iter()) == [
        b"visrec:held:{p1}:gone",
        b"visrec:held:{p2}",
        b"visrec:held:{p2}:recommendation:a",
    ]
    assert 0 < client.pttl("visrec:held:{p1}:gone") <= 60_000


def test_forgetting_is_not_the_end(held: Held) -> None:
    put(held, "a")
    assert held.erase("p1") == 1
    assert put(held, "b")


def test_everything_ends_by_itself(held: Held, client: Any) -> None:
    put(held, "a", keep_ms=LONG_MS)
    put(held, "b", keep_ms=2 * LONG_MS)
    assert all(client.pttl(name) > 0 for name in client.scan_iter())


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(1, 9)), max_size=20))
def test_the_register_names_exactly_what_there_is_and_never_too_much(
    held: Held, client: Any, puts: list[tuple[str, int]]
) -> None:
    client.flushall()
    for name, factor in puts:
        put(held, name, keep_ms=factor * LONG_MS)
    records = {key for key in client.scan_iter() if b":recommendation:" in key}
    assert set(client.zrange("visrec:held:{p1}", 0, -1)) == records
    assert len(records) <= 5
    assert held.erase("p1") == len(records)
    assert list(client.scan_iter()) == []


@pytest.mark.parametrize("pseudonym", ["", "a b", "{x}", "a:b", "ä", "x" * 65])
def test_a_pseudonym_that_is_none_is_refused(held: Held, pseudonym: str) -> None:
    with pytest.raises(InvalidInput):
        put(held, "a", pseudonym=pseudonym)
