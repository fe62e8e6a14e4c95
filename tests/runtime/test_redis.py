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
from typing import Any

import psutil
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from services.errors import InvalidInput, NotReady, Refused, TooLate
from services.runtime import deadlines, embedded
from services.runtime.embedded import EmbeddedRedis
from services.runtime.redis import Client, open_redis, packed, redis_errors
from services.runtime.redis_facts import RedisFacts, inspect_redis, version_of
from services.runtime.settings import RuntimeSettings
from tests.redis_servers import HANGS_S, free_port, started, until

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


def at_port(port: int, runtime: RuntimeSettings) -> Client:
    return open_redis(runtime.model_copy(update={"redis_url": f"redis://127.0.0.1:{port}"}))


def test_the_private_server_is_durable_and_new_enough(redis_runtime: RuntimeSettings) -> None:
    facts = inspect_redis(open_redis(redis_runtime))
    assert facts == RedisFacts(facts.version, "always")
    assert version_of(facts.version) >= (6, 2)


@pytest.mark.parametrize("promise", ["always", "everysec", "no"])
def test_a_single_server_keeps_what_its_fsync_says(redis_runtime: RuntimeSettings, promise: str) -> None:
    client = open_redis(redis_runtime)
    client.config_set("appendfsync", promise)
    try:
        assert inspect_redis(client).durability == promise
    finally:
        client.config_set("appendfsync", "always")


def test_a_server_with_a_replica_keeps_what_was_replicated(runtime: RuntimeSettings, tmp_path: Path) -> None:
    """Also while the replica is cut off: it may take over. What a replica itself keeps nobody knows."""
    with started(tmp_path / "one", "--appendonly", "yes", "--appendfsync", "always") as one:
        master = at_port(one, runtime)
        assert inspect_redis(master).durability == "always"
        with started(tmp_path / "two", "--replicaof", "127.0.0.1", str(one)) as two:
            until(lambda: inspect_redis(master).durability == "replicated")
            assert inspect_redis(at_port(two, runtime)).durability == "unknown"
        assert inspect_redis(master).durability == "replicated"


def test_a_server_that_writes_no_file_and_one_that_does_not_tell(runtime: RuntimeSettings, tmp_path: Path) -> None:
    with started(tmp_path / "dumps") as port:
        assert inspect_redis(at_port(port, runtime)).durability == "none"
    with started(tmp_path / "managed", "--rename-command", "CONFIG", "") as port:
        assert inspect_redis(at_port(port, runtime)).durability == "unknown"


def test_a_cluster_without_replicas_in_sight_promises_nothing(runtime: RuntimeSettings, tmp_path: Path) -> None:
    with started(tmp_path / "cluster", "--cluster-enabled", "yes", "--appendonly", "yes") as port:
        with redis.Redis(port=port) as node:
            node.execute_command("CLUSTER ADDSLOTS", *range(16_384))
            until(lambda: node.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
        client = at_port(port, runtime.model_copy(update={"redis_cluster": True}))
        assert inspect_redis(client).durability == "unknown"
        client.close()


def test_a_cluster_that_is_away_is_not_ready(runtime: RuntimeSettings) -> None:
    with pytest.raises(NotReady):
        at_port(free_port(), runtime.model_copy(update={"redis_cluster": True}))


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


def test_a_stopped_server_costs_no_more_than_what_is_left_of_the_call(
    server: EmbeddedRedis, runtime: RuntimeSettings
) -> None:
    """Whether the connection stands already or is made; and it is not left with an answer that nobody read."""
    client = open_redis(runtime.model_copy(update={"redis_url": server.url, "redis_timeout_s": HANGS_S}))
    client.set("a", "1")
    assert server.pid
    process = psutil.Process(server.pid)
    with deadlines.within(HANGS_S):
        process.suspend()
        for _ in range(3):
            with deadlines.within(0.1), pytest.raises((TooLate, NotReady)), redis_errors:
                client.get("a")
            with deadlines.within(0.1), pytest.raises((TooLate, NotReady)), redis_errors:
                client.pipeline().execute_command("GET", "a").execute()
        process.resume()
        assert client.get("a") == b"1"
        deadlines.check()


def test_waiting_for_a_free_connection_ends_with_the_call(redis_runtime: RuntimeSettings) -> None:
    client = open_redis(redis_runtime.model_copy(update={"redis_connections": 1, "redis_timeout_s": HANGS_S}))
    taken = client.connection_pool.get_connection()  # type: ignore[union-attr]
    with deadlines.within(HANGS_S):
        with deadlines.within(0.1), pytest.raises(NotReady), redis_errors:
            client.get("a")
        deadlines.check()
    client.connection_pool.release(taken)  # type: ignore[union-attr]
    assert client.get("a") is None


def test_a_connection_does_not_keep_the_timeout_of_the_call_that_opened_it(redis_runtime: RuntimeSettings) -> None:
    client = open_redis(redis_runtime)
    with deadlines.within(0.2):
        client.ping()
    assert client.blpop(["nothing"], timeout=0.5) is None


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


@given(
    name=st.sampled_from(["GET", "CONFIG GET", b"EVALSHA"]),
    rest=st.lists(st.text() | st.binary() | st.integers() | st.floats(allow_nan=False), max_size=6),
)
def test_commands_are_packed_as_the_client_would(name: str | bytes, rest: list[Any]) -> None:
    theirs = redis.Connection().pack_command(name, *rest)  # type: ignore[no-untyped-call]
    encode = redis.Connection().encoder.encode  # type: ignore[no-untyped-call]
    assert packed([name, *rest], encode) == b"".join(theirs)


@pytest.mark.parametrize("wrong", [None, True, [1]])
def test_what_is_neither_text_nor_a_number_is_not_sent(redis_runtime: RuntimeSettings, wrong: Any) -> None:
    with open_redis(redis_runtime) as client, client.pipeline() as pipeline:
        pipeline.execute_command("SET", "key", wrong)
        with pytest.raises(redis.DataError):
            pipeline.execute()


def test_a_url_that_is_none_is_named(runtime: RuntimeSettings) -> None:
    for url in ("", "http://redis:6379"):
        with pytest.raises(InvalidInput, match="VISREC_REDIS_URL"):
            open_redis(runtime.model_copy(update={"redis_url": url}))
