"""What a store of frozen results promises, in memory, in Redis and in a cluster."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.errors import NotReady
from services.ranker.frozen.store import FrozenStore
from services.ranker.frozen.store_redis import RedisFrozenStore
from services.ranker.frozen.tickets import KEY_BYTES, NAME_BYTES, Ticket
from services.runtime.held_redis import Held
from services.runtime.redis import open_redis
from services.runtime.redis_async import AsyncRedis, Command
from services.runtime.settings import RuntimeSettings
from tests.ranker.conftest import NOW_MS

KEEP: dict[str, Any] = {"now_ms": NOW_MS, "keep_ms": 3_600_000}
ADA = "a1" * 16


def ticket(number: int, owner: str = ADA) -> Ticket:
    return Ticket(bytes([number]) * NAME_BYTES, owner)


@pytest.mark.parametrize("owner", [ADA, ""])
async def test_what_was_put_is_there(frozen_store: FrozenStore, owner: str) -> None:
    assert await frozen_store.put(ticket(1, owner), b"one", **KEEP)
    assert await frozen_store.put(ticket(2, owner), b"two", **KEEP)
    assert await frozen_store.get(ticket(1, owner)) == b"one"
    assert await frozen_store.get(ticket(2, owner)) == b"two"
    assert await frozen_store.get(ticket(3, owner)) is None


async def test_the_owner_is_part_of_the_name(frozen_store: FrozenStore) -> None:
    await frozen_store.put(ticket(1), b"one", **KEEP)
    assert await frozen_store.get(ticket(1, "")) is None
    assert await frozen_store.get(ticket(1, "b2" * 16)) is None


async def test_all_that_share_a_store_have_one_key(frozen_store: FrozenStore) -> None:
    first, *others = await asyncio.gather(*(frozen_store.key() for _ in range(5)))
    assert len(first) == KEY_BYTES
    assert set(others) == {first}


@pytest.mark.parametrize("gone", [1, 2, 100])
async def test_a_key_that_goes_between_two_commands_is_made_anew(gone: int) -> None:
    """So many times there is another's key when one is to be set, and none when it is read."""
    times = iter(range(gone))

    async def ask(command: Command) -> bytes | None:
        return b"OK" if command[0] == "SET" and next(times, None) is None else None

    if gone <= 2:
        assert len(await RedisFrozenStore(ask).key()) == KEY_BYTES
    else:
        with pytest.raises(NotReady):
            await RedisFrozenStore(ask).key()


async def test_many_ask_are_all_kept(frozen_store: FrozenStore) -> None:
    tickets = [Ticket(number.to_bytes(NAME_BYTES), ADA if number % 2 else "") for number in range(200)]
    taken = await asyncio.gather(*(_put(frozen_store, each) for each in tickets))
    assert all(taken)
    assert [await frozen_store.get(each) for each in tickets] == [each.name for each in tickets]


async def _put(store: FrozenStore, each: Ticket) -> bool:
    return await store.put(each, each.name, **KEEP)


async def test_an_erasure_finds_what_is_kept_under_a_person_and_nothing_more_is_taken(
    async_redis: AsyncRedis, some_redis: RuntimeSettings
) -> None:
    store = RedisFrozenStore(async_redis.ask)
    await store.put(ticket(1), b"of ada", **KEEP)
    await store.put(ticket(1, "b2" * 16), b"of bob", **KEEP)
    with open_redis(some_redis) as client:
        held = Held(client)
        assert [(record.kind, record.content) for record in held.all(ADA)] == [("recommendation", b"of ada")]
        assert held.erase(ADA, gone_ms=60_000) == 1
    assert await store.get(ticket(1)) is None
    assert not await store.put(ticket(2), b"late", **KEEP)
    assert await store.get(ticket(1, "b2" * 16)) == b"of bob"


async def test_everything_that_is_frozen_ends(async_redis: AsyncRedis, some_redis: RuntimeSettings) -> None:
    store = RedisFrozenStore(async_redis.ask)
    await store.put(ticket(1), b"one", **KEEP)
    await store.put(ticket(1, ""), b"one", **KEEP)
    with open_redis(some_redis) as client:
        assert sorted(client.ttl(key) > 0 for key in client.scan_iter("*")) == [True, True, True]


async def test_nobody_who_answers_is_not_ready(runtime: RuntimeSettings) -> None:
    nobody = AsyncRedis(runtime.model_copy(update={"redis_url": "redis://127.0.0.1:1"}), 30.0)
    with pytest.raises(NotReady):
        await RedisFrozenStore(nobody.ask).get(ticket(1))
    await nobody.close()
