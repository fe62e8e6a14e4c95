"""The stores that the tests of this service run over."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from services.profile.filing.store import ProfileStore
from services.profile.filing.store_memory import MemoryProfileStore
from services.profile.filing.store_redis import RedisProfileStore
from services.profile.filing.store_rules import StoreRules
from services.runtime import redis_program
from services.runtime.redis import open_redis
from services.runtime.settings import RuntimeSettings

SLOTS = 16_384
START_S = 30.0

SMALL = StoreRules(
    window=8, block=4, shown=3, seen=5, remembered=16, remembered_days=7, per_minute=1000, popular=4, popular_hours=24
)
"""Bounds that a test can reach."""

MakeStore = Callable[[StoreRules], ProfileStore]


@pytest.fixture(scope="session")
def cluster_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A Redis Cluster of one node that holds every slot: what the rules of slots allow and forbid is the same."""
    folder, port = tmp_path_factory.mktemp("cluster"), free_cluster_port()
    server, _ = redis_program.find_server(redis_program.candidates())
    options = {"port": str(port), "bind": "127.0.0.1", "cluster-enabled": "yes", "save": ""}
    command = [str(server), *(word for name, value in options.items() for word in (f"--{name}", value))]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            await_words(process, "Ready to accept connections")
            with Redis(port=port) as client:
                client.execute_command("CLUSTER ADDSLOTS", *range(SLOTS))
            await_words(process, "Cluster state changed: ok")
            yield port
        finally:
            process.kill()


def free_cluster_port() -> int:
    """One whose bus port, 10,000 above it, is a port, too."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        if port < 55_000:
            return port


def await_words(process: subprocess.Popen[str], words: str) -> None:
    """Reads what the server says until it says this; one that does not in time is killed, and so ends what it says."""
    assert process.stdout is not None
    overdue = threading.Timer(START_S, process.kill)
    overdue.start()
    try:
        assert any(words in line for line in process.stdout), f"the cluster does not come up: no {words!r}"
    finally:
        overdue.cancel()


@pytest.fixture
def redis_store(redis_runtime: RuntimeSettings) -> Iterator[RedisProfileStore]:
    """The store with its default bounds over an empty Redis."""
    store = RedisProfileStore(open_redis(redis_runtime), "", StoreRules())
    yield store
    store.close()


@pytest.fixture(params=["memory", "redis", "cluster"])
def make_store(request: pytest.FixtureRequest, runtime: RuntimeSettings) -> Iterator[MakeStore]:
    """Makes a store of each kind, empty. Several made in one test share what they keep, but for those in memory."""
    made: list[ProfileStore] = []

    def make(rules: StoreRules) -> ProfileStore:
        made.append(_make(request.param, rules, changes, runtime))
        return made[-1]

    changes = _place(request)
    yield make
    for store in made:
        store.close()


def _place(request: pytest.FixtureRequest) -> dict[str, object]:
    if request.param == "redis":
        return {"redis_url": request.getfixturevalue("redis_url")}
    if request.param == "cluster":
        port = request.getfixturevalue("cluster_port")
        with Redis(port=port) as client:
            client.flushall()
        return {"redis_url": f"redis://127.0.0.1:{port}", "redis_cluster": True}
    return {}


def _make(kind: str, rules: StoreRules, changes: dict[str, object], runtime: RuntimeSettings) -> ProfileStore:
    if kind == "memory":
        return MemoryProfileStore(rules)
    return RedisProfileStore(open_redis(runtime.model_copy(update=changes)), "", rules)


@pytest.fixture
def store(make_store: MakeStore) -> ProfileStore:
    """A store with small bounds."""
    return make_store(SMALL)
