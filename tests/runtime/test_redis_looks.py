"""A connection for each thread: as many answers as looks, in their order, whatever happened before."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ResponseError

from services.errors import NotReady, TooLate
from services.runtime import deadlines
from services.runtime.embedded import EmbeddedRedis
from services.runtime.redis import Client, open_redis, packed, redis_errors
from services.runtime.redis_looks import Line, Look, open_line
from services.runtime.settings import RuntimeSettings

NAME = Look("HMGET", "name", "age")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """One that a test may kill."""
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


def at(server: EmbeddedRedis, runtime: RuntimeSettings, timeout_s: float = 5.0) -> Client:
    return open_redis(runtime.model_copy(update={"redis_url": server.url, "redis_timeout_s": timeout_s}))


@pytest.fixture
def client(server: EmbeddedRedis, runtime: RuntimeSettings) -> Client:
    return at(server, runtime)


@pytest.fixture
def line(client: Client) -> Line:
    return open_line(client)


@given(
    st.text(min_size=1),
    st.lists(
        st.one_of(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), st.integers()), max_size=4
    ),
)
def test_a_look_is_packed_as_any_command(key: str, rest: list[str | int]) -> None:
    assert Look("HMGET", *rest).at(key) == packed(("HMGET", key, *rest), lambda number: str(number).encode())


def test_each_look_gets_its_answer(client: Client, line: Line) -> None:
    client.hset("ada", mapping={"name": "Ada", "age": 36})
    client.zadd("list", {"a": 1, "b": 2})
    looks = [(NAME, "ada"), (Look("ZREVRANGE", 0, 0), "list"), (NAME, "nobody")]
    assert line.ask(looks) == [[b"Ada", b"36"], [b"b"], [None, None]]
    assert line.ask([]) == []


def test_answers_larger_than_what_is_read_at_once(client: Client, line: Line) -> None:
    whole = os.urandom(300_000)
    client.hset("ada", mapping={"name": whole})
    assert line.ask([(NAME, "ada")] * 3) == [[whole, None]] * 3


def test_one_that_is_refused_does_not_shift_the_answers_of_the_next(client: Client, line: Line) -> None:
    client.set("word", "x")
    client.hset("ada", mapping={"name": "Ada"})
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        line.ask([(NAME, "word"), (NAME, "ada")])
    assert line.ask([(NAME, "ada")]) == [[b"Ada", None]]


def test_a_connection_that_broke_is_made_anew(server: EmbeddedRedis, client: Client, line: Line) -> None:
    client.hset("ada", mapping={"name": "Ada"})
    line.ask([(NAME, "ada")])
    client.client_kill_filter(_type="normal", skipme=True)
    assert line.ask([(NAME, "ada")]) == [[b"Ada", None]]
    server.stop()
    with pytest.raises(NotReady), redis_errors:
        line.ask([(NAME, "ada")])
    server.start()
    assert line.ask([(NAME, "ada")]) == [[b"Ada", None]]


def test_what_comes_too_late_is_not_taken_for_the_next_answer(
    server: EmbeddedRedis, runtime: RuntimeSettings, redis_pid: int
) -> None:
    client = at(server, runtime)
    line = open_line(client)
    client.hset("ada", mapping={"name": "Ada"})
    client.hset("bob", mapping={"name": "Bob"})
    line.ask([(NAME, "ada")])
    os.kill(redis_pid, signal.SIGSTOP)
    try:
        with pytest.raises((NotReady, TooLate)), redis_errors, deadlines.within(0.05):
            line.ask([(NAME, "ada")])
    finally:
        os.kill(redis_pid, signal.SIGCONT)
    assert line.ask([(NAME, "bob")]) == [[b"Bob", None]]


@pytest.fixture
def redis_pid(client: Client) -> int:
    return int(client.info("server")["process_id"])


def test_threads_do_not_share_a_connection(client: Client, line: Line) -> None:
    names = [f"person-{number}" for number in range(8)]
    for name in names:
        client.hset(name, mapping={"name": name})
    together = threading.Barrier(len(names))

    def look(name: str) -> bool:
        together.wait()
        return all(line.ask([(NAME, name)] * 3) == [[name.encode(), None]] * 3 for _ in range(50))

    with ThreadPoolExecutor(len(names)) as pool:
        assert all(pool.map(look, names))
