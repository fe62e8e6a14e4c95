"""What was erased leaves the disk, too, without a rewriting for each erasure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from services.profile.people.rewriting_redis import EVERY_S, Rewriting
from services.runtime.embedded import EmbeddedRedis
from services.runtime.redis import open_redis
from services.runtime.settings import RuntimeSettings


class Later:
    """Work that was put off."""

    def __init__(self) -> None:
        self.works: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, seconds: float, work: Callable[[], None]) -> Callable[[], None]:
        self.works.append((seconds, work))
        return self.works.clear


class Server:
    """Counts what it is asked, and answers with an error if it is to."""

    def __init__(self, error: str = "") -> None:
        self.asked, self.error = 0, error

    def execute_command(self, name: str) -> bytes:
        assert name == "BGREWRITEAOF"
        self.asked += 1
        if self.error:
            raise redis.ResponseError(self.error)
        return b"Background append only file rewriting started"


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def made(server: Any) -> tuple[Rewriting, Later, Clock]:
    later, clock = Later(), Clock()
    return Rewriting(server, clock, later), later, clock


def test_many_erasures_in_a_minute_share_one() -> None:
    server = Server()
    rewriting, later, clock = made(server)
    assert rewriting.ask()
    clock.now_s += 20
    assert all(rewriting.ask() for _ in range(5))
    assert server.asked == 1
    ((seconds, work),) = later.works
    assert seconds == EVERY_S - 20
    clock.now_s += 40
    work()
    assert server.asked == 2


def test_what_is_due_is_asked_for_when_the_service_ends() -> None:
    server = Server()
    rewriting, _, _ = made(server)
    rewriting.ask()
    rewriting.ask()
    rewriting.close()
    rewriting.close()
    assert server.asked == 2


def test_one_that_had_begun_before_is_followed_by_another() -> None:
    server = Server("ERR Background append only file rewriting already in progress")
    rewriting, later, _ = made(server)
    assert rewriting.ask()
    assert len(later.works) == 1


def test_what_was_promised_is_asked_for_until_the_server_is_back() -> None:
    server = Server()
    rewriting, later, clock = made(server)
    assert rewriting.ask()
    assert rewriting.ask()
    server.error = "LOADING Redis is loading the dataset in memory"
    for asked in (2, 3):
        clock.now_s += EVERY_S
        (_, work) = later.works.pop()
        work()
        assert server.asked == asked
    server.error = ""
    clock.now_s += EVERY_S
    (_, work) = later.works.pop()
    work()
    assert server.asked == 4
    assert later.works == []


def test_a_server_that_does_not_let_us_is_told_of() -> None:
    rewriting, later, _ = made(Server("NOPERM this user has no permissions to run the 'bgrewriteaof' command"))
    assert not rewriting.ask()
    assert not rewriting.ask(), "nor is it promised for later"
    assert later.works == []


def test_every_master_of_a_cluster_is_asked(cluster_port: int, runtime: RuntimeSettings) -> None:
    settings = runtime.model_copy(update={"redis_url": f"redis://127.0.0.1:{cluster_port}", "redis_cluster": True})
    with open_redis(settings) as client:
        rewriting, _, _ = made(client)
        assert rewriting.ask()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    running = EmbeddedRedis(tmp_path / "redis")
    running.start()
    yield running
    running.stop()


def test_a_real_server_writes_its_file_anew(server: EmbeddedRedis, tmp_path: Path) -> None:
    client: Any = redis.Redis.from_url(server.url)
    with client:
        client.set("a", "planted")
        client.delete("a")
        assert b"planted" in files(tmp_path)
        rewriting, _, _ = made(client)
        assert rewriting.ask()
        await_rewritten(client)
        assert b"planted" not in files(tmp_path)


def files(folder: Path) -> bytes:
    """All that the server has on its disk."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def await_rewritten(client: Any) -> None:
    """It does it in the background."""
    for _ in range(100_000):
        told = client.info("persistence")
        if not (told["aof_rewrite_in_progress"] or told["aof_rewrite_scheduled"]):
            return
    raise AssertionError("the file is still being written anew")
