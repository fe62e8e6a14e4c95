"""What a store of frozen results promises, in memory, in Redis and in a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from services.errors import NotReady, Overloaded
from services.ranker.frozen_redis import RedisFrozenStore
from services.ranker.frozen_store import FrozenStore
from services.ranker.tickets import KEY_BYTES, NAME_BYTES, Ticket
from services.runtime.held_redis import Held
from services.runtime.redis import open_redis
from services.runtime.redis_async import AsyncRedis, Command, Together
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


async def test_many_at_once_are_all_kept(frozen_store: FrozenStore) -> None:
    tickets = [Ticket(number.to_bytes(NAME_BYTES), ADA if number % 2 else "") for number in range(200)]
    taken = await asyncio.gather(*(_put(frozen_store, each) for each in tickets))
    assert all(taken)
    assert [await frozen_store.get(each) for each in tickets] == [each.name for each in tickets]


async def _put(store: FrozenStore, each: Ticket) -> bool:
    return await store.put(each, each.name, **KEEP)


async def test_an_erasure_finds_what_is_kept_under_a_person_and_nothing_more_is_taken(
    async_redis: AsyncRedis, some_redis: RuntimeSettings
) -> None:
    store = RedisFrozenStore(async_redis.at_once)
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
    store = RedisFrozenStore(async_redis.at_once)
    await store.put(ticket(1), b"one", **KEEP)
    await store.put(ticket(1, ""), b"one", **KEEP)
    with open_redis(some_redis) as client:
        assert sorted(client.ttl(key) > 0 for key in client.scan_iter("*")) == [True, True, True]


class Slow:
    """A Redis that answers when it is let, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.let = asyncio.Event()

    async def at_once(self, commands: Sequence[Command]) -> Sequence[Any]:
        self.asked.append(len(commands))
        await self.let.wait()
        return [command[1] for command in commands]


async def test_what_comes_while_others_are_on_their_way_goes_together() -> None:
    slow = Slow()
    together = Together(slow.at_once)
    first = together.ask(("ECHO", "0"))
    await asyncio.sleep(0)
    others = [together.ask(("ECHO", str(number))) for number in range(1, 6)]
    slow.let.set()
    assert await asyncio.gather(first, *others) == ["0", "1", "2", "3", "4", "5"]
    assert slow.asked == [1, 5]


async def test_whoever_gives_up_takes_nobody_along() -> None:
    slow = Slow()
    together = Together(slow.at_once)
    gone, stays = together.ask(("ECHO", "gone")), together.ask(("ECHO", "stays"))
    await asyncio.sleep(0)
    gone.cancel()
    slow.let.set()
    assert await stays == "stays"


async def test_more_than_may_wait_is_refused() -> None:
    together = Together(Slow().at_once, most_waiting=2)
    waiting = [together.ask(("ECHO", "1")), together.ask(("ECHO", "2"))]
    with pytest.raises(Overloaded):
        together.ask(("ECHO", "3"))
    for each in waiting:
        each.cancel()


async def test_nobody_who_answers_is_not_ready(runtime: RuntimeSettings) -> None:
    nobody = AsyncRedis(runtime.model_copy(update={"redis_url": "redis://127.0.0.1:1"}), 30.0)
    with pytest.raises(NotReady):
        await RedisFrozenStore(nobody.at_once).get(ticket(1))
    await nobody.close()


async def test_a_command_that_redis_refuses_fails_alone(async_redis: AsyncRedis) -> None:
    together = Together(async_redis.at_once)
    bad, good = together.ask(("INCR", "a-list", "too many")), together.ask(("SET", "word", "1"))
    with pytest.raises(Exception, match="wrong number"):
        await bad
    assert await good
