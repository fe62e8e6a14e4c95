"""Commands of many callers over one connection of an event loop: each gets its own answer, or is told in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from redis import exceptions

from services.errors import NotReady, Overloaded
from services.runtime.embedded import EmbeddedRedis
from services.runtime.redis import packed
from services.runtime.redis_async import AsyncRedis
from services.runtime.redis_line import Line
from services.runtime.redis_replies import Replies
from services.runtime.settings import RuntimeSettings
from tests.redis_servers import started

LONG_S = 60.0
"""A bound for what hangs, not a measure."""


@pytest.fixture
async def client(redis_runtime: RuntimeSettings) -> AsyncIterator[AsyncRedis]:
    opened = AsyncRedis(redis_runtime, LONG_S)
    yield opened
    await opened.close()


async def test_each_gets_its_own_answer(client: AsyncRedis) -> None:
    answers = await asyncio.gather(*(client.ask(("ECHO", f"{number}" * 1000)) for number in range(200)))
    assert answers == [f"{number}".encode() * 1000 for number in range(200)]


async def test_every_kind_of_answer_is_read(client: AsyncRedis) -> None:
    assert await client.ask(("SET", "word", b"\r\n$5\r\n")) == b"OK"
    assert await client.ask(("GET", "word")) == b"\r\n$5\r\n"
    assert await client.ask(("GET", "nothing")) is None
    assert await client.ask(("STRLEN", "word")) == 6
    await client.ask(("HSET", "map", "a", 1, "b", 2))
    assert await client.ask(("HGETALL", "map")) == [b"a", b"1", b"b", b"2"]
    assert await client.ask(("EVAL", "return {1, {2, 'three'}, false}", 0)) == [1, [2, b"three"], None]


async def test_a_command_that_is_refused_fails_alone(client: AsyncRedis) -> None:
    bad, good = client.ask(("GET", "too", "many")), client.ask(("ECHO", "fine"))
    with pytest.raises(exceptions.ResponseError, match="wrong number"):
        await bad
    assert await good == b"fine"


async def test_what_is_no_command_disturbs_nobody(client: AsyncRedis) -> None:
    assert await client.ask(("ECHO", "before")) == b"before"
    with pytest.raises(TypeError):
        client.ask(("ECHO", None))  # type: ignore[arg-type]
    assert await client.ask(("ECHO", "after")) == b"after"


async def test_whoever_gives_up_takes_nobody_along(client: AsyncRedis) -> None:
    gone, stays = asyncio.ensure_future(client.ask(("ECHO", "gone"))), client.ask(("ECHO", "stays"))
    gone.cancel()
    assert await stays == b"stays"
    assert await client.ask(("ECHO", "next")) == b"next"


async def test_a_server_that_comes_back_is_found_again(runtime: RuntimeSettings, tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()
    client = AsyncRedis(runtime.model_copy(update={"redis_url": server.url}), LONG_S)
    assert await client.ask(("SET", "word", "kept")) == b"OK"
    await asyncio.to_thread(server.stop)
    with pytest.raises(NotReady):
        await client.ask(("GET", "word"))
    await asyncio.to_thread(server.start)
    assert await client.ask(("GET", "word")) == b"kept"
    await client.close()
    await asyncio.to_thread(server.stop)


async def test_users_and_databases_are_those_of_the_url(runtime: RuntimeSettings, tmp_path: Path) -> None:
    with started(tmp_path / "redis") as port:
        with redis.Redis(port=port) as keeper:
            keeper.execute_command("ACL SETUSER ann on >secret ~* +get +set +select +client")
        url = f"redis://ann:secret@127.0.0.1:{port}/3"
        client = AsyncRedis(runtime.model_copy(update={"redis_url": url}), LONG_S)
        assert await client.ask(("SET", "word", "three")) == b"OK"
        with redis.Redis(port=port, db=3) as keeper:
            assert keeper.get("word") == b"three"
        with pytest.raises(NotReady) as forbidden:
            await client.ask(("FLUSHALL",))
        assert forbidden.value.reason == "REDIS_FORBIDS"
        await client.close()
        wrong = AsyncRedis(runtime.model_copy(update={"redis_url": url.replace("secret", "wrong")}), LONG_S)
        with pytest.raises(NotReady):
            await wrong.ask(("GET", "word"))


async def test_what_became_a_replica_is_left(runtime: RuntimeSettings, tmp_path: Path) -> None:
    with started(tmp_path / "redis") as port, redis.Redis(port=port) as keeper:
        client = AsyncRedis(runtime.model_copy(update={"redis_url": f"redis://127.0.0.1:{port}"}), LONG_S)
        await client.ask(("SET", "word", "1"))
        keeper.replicaof("127.0.0.1", "1")
        with pytest.raises(NotReady):
            await client.ask(("SET", "word", "2"))
        keeper.replicaof("NO", "ONE")
        before = keeper.info("stats")["total_connections_received"]
        assert await client.ask(("SET", "word", "3")) == b"OK"
        assert keeper.info("stats")["total_connections_received"] == before + 1
        await client.close()


async def test_nobody_at_the_address_is_not_ready(runtime: RuntimeSettings) -> None:
    client = AsyncRedis(runtime.model_copy(update={"redis_url": "redis://127.0.0.1:1"}), LONG_S)
    for _ in range(2):
        with pytest.raises(NotReady):
            await client.ask(("PING",))
    await client.close()


class Wired:
    """A connection that keeps what is written to it; `line` goes over it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closing = False
        self.protocol: asyncio.Protocol
        self.transport = self
        self.line = Line(self.connect, LONG_S)

    async def connect(self) -> asyncio.StreamWriter:
        return cast("asyncio.StreamWriter", self)

    def set_protocol(self, protocol: asyncio.Protocol) -> None:
        self.protocol = protocol

    def write(self, data: bytes) -> None:
        assert not self.closing
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    abort = close

    async def opened(self) -> None:
        """Once the line is open."""
        first = self.line.ask(("ECHO", "first"))
        await turns()
        self.protocol.data_received(b"+first\r\n")
        assert await first == b"first"
        self.written.clear()


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def echo(word: str) -> bytes:
    return packed(("ECHO", word), lambda _: b"")


async def test_commands_of_one_turn_are_one_write_in_their_order() -> None:
    wired = Wired()
    await wired.opened()
    words = ["a", "b", "c", "d"]
    asked = [wired.line.ask(("ECHO", word)) for word in words[:3]]
    await turns()
    asked.append(wired.line.ask(("ECHO", words[3])))
    await turns()
    assert wired.written == [b"".join(map(echo, words[:3])), echo("d")]
    wired.protocol.data_received(b"".join(b"+%s\r\n" % word.encode() for word in words))
    assert await asyncio.gather(*asked) == [word.encode() for word in words]
    await wired.line.close()


async def test_what_was_asked_before_the_end_is_written_before_it() -> None:
    wired = Wired()
    await wired.opened()
    late = wired.line.ask(("ECHO", "late"))
    await wired.line.close()
    assert wired.written == [echo("late")]
    with pytest.raises(NotReady):
        await late


async def test_when_the_connection_breaks_before_they_are_written_all_are_not_ready_and_the_next_has_another() -> None:
    wired = Wired()
    await wired.opened()
    lost = [wired.line.ask(("ECHO", word)) for word in ("a", "b")]
    wired.abort()
    await turns()
    assert wired.written == []
    for each in lost:
        with pytest.raises(NotReady):
            await each
    wired.closing = False
    await wired.opened()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def test_a_server_that_hangs_is_left_in_time() -> None:
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()

    async def connect() -> asyncio.StreamWriter:
        return (await asyncio.open_connection(host, port))[1]

    line = Line(connect, timeout_s=0.01, most_waiting=2)
    waiting = [line.ask(("PING",)), line.ask(("PING",))]
    with pytest.raises(Overloaded):
        line.ask(("PING",))
    for each in waiting:
        with pytest.raises(NotReady):
            await each
    await line.close()
    server.close()


async def test_commands_of_a_caller_who_left_are_not_bound_by_its_deadline(client: AsyncRedis) -> None:
    async with asyncio.timeout(LONG_S):
        await asyncio.create_task(_asks(client))
    assert await client.ask(("ECHO", "later")) == b"later"


async def _asks(client: AsyncRedis) -> None:
    await client.ask(("ECHO", "once"))


REPLIES = st.recursive(
    st.integers(-(10**12), 10**12) | st.binary(max_size=30) | st.none(), lambda some: st.lists(some, max_size=4)
)


def written(reply: object) -> bytes:
    if reply is None:
        return b"$-1\r\n"
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    if isinstance(reply, bytes):
        return b"$%d\r\n%b\r\n" % (len(reply), reply)
    assert isinstance(reply, list)
    return b"*%d\r\n%b" % (len(reply), b"".join(map(written, reply)))


@given(st.lists(REPLIES, max_size=6), st.integers(1, 40))
def test_replies_are_read_however_they_are_cut(replies: list[object], size: int) -> None:
    whole, reader = b"".join(map(written, replies)), Replies()
    read = [reply for at in range(0, len(whole), size) for reply in reader.feed(whole[at : at + size])]
    assert read == replies


def test_what_is_no_redis_is_noticed() -> None:
    with pytest.raises(exceptions.InvalidResponse):
        Replies().feed(b"HTTP/1.1 400 Bad Request\r\n")
