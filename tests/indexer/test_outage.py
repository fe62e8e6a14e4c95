"""A Redis that hangs or is gone: what needs it waits or is refused, and searches go on."""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import grpc
import pytest
import redis
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.runtime.embedded import EmbeddedRedis
from services.runtime.settings import RuntimeSettings
from tests.indexer.worlds import Service, refusal, search, service, with_vectors
from visrec.v1 import indexer_pb2

SOON_S = 10.0
"""A bound for what hangs, not a measure."""
MANY = 12
"""Calls at once: more than the service has threads of one kind."""

GET = indexer_pb2.GetItemRequest(catalogue="shop", item_id="a")


@pytest.fixture
def record(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def shop(record: EmbeddedRedis, runtime: RuntimeSettings) -> Iterator[Service]:
    """With the item `a`, which the index has."""
    # Patient, so that on a busy machine, too, calls that wait for Redis still do when the searches are answered.
    with service(runtime.model_copy(update={"redis_url": record.url, "redis_timeout_s": 60})) as running:
        running.create()
        running.found(search(1, min_version=running.put(with_vectors("a", 1))))
        yield running


@contextmanager
def hanging(record: EmbeddedRedis) -> Iterator[None]:
    assert record.pid is not None
    os.kill(record.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(record.pid, signal.SIGCONT)


def assert_searchable(shop: Service) -> None:
    assert [hit.item_id for hit in shop.stub.Search(search(1), timeout=SOON_S).hits] == ["a"]
    spaces = shop.stub.ListSpaces(indexer_pb2.ListSpacesRequest(catalogue="shop"), timeout=SOON_S)
    assert spaces.spaces[0].items == 1


def test_searches_do_not_wait_behind_reads_of_a_record_that_hangs(shop: Service, record: EmbeddedRedis) -> None:
    with hanging(record):
        reads = [shop.stub.GetItem.future(GET, timeout=60) for _ in range(MANY)]
        assert_searchable(shop)
        assert not any(one.done() for one in reads)
        for one in reads:
            one.cancel()


@pytest.mark.parametrize(
    "unknown",
    [
        indexer_pb2.SearchRequest(catalogue="none"),
        indexer_pb2.SearchRequest(catalogue="shop", queries=[indexer_pb2.Query(name="q", item_id="none")]),
    ],
    ids=["catalogue", "item"],
)
def test_searches_do_not_wait_behind_those_for_what_only_the_record_may_know(
    shop: Service, record: EmbeddedRedis, unknown: indexer_pb2.SearchRequest
) -> None:
    with hanging(record):
        searches = [shop.stub.Search.future(unknown, timeout=60) for _ in range(MANY)]
        assert_searchable(shop)
        assert not all(one.done() for one in searches)
        for one in searches:
            one.cancel()


def test_searches_go_on_while_the_record_is_gone_and_reads_when_it_is_back(
    shop: Service, record: EmbeddedRedis
) -> None:
    assert record.pid is not None
    os.kill(record.pid, signal.SIGKILL)
    record.wait()
    assert refusal(lambda: shop.stub.GetItem(GET))[0] is grpc.StatusCode.UNAVAILABLE
    assert_searchable(shop)
    record.start()
    assert shop.stub.GetItem(GET).stored.item.id == "a"


def serving(shop: Service) -> bool:
    check = health_pb2_grpc.HealthStub(shop.channel).Check(health_pb2.HealthCheckRequest())
    return bool(check.status == health_pb2.HealthCheckResponse.SERVING)


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it does before long."""
    pause = threading.Event()
    return any(holds() or pause.wait(0.05) for _ in range(int(2 * SOON_S / 0.05)))


def becomes(shop: Service, wanted: bool) -> bool:
    """Whether health says so before long."""
    return eventually(lambda: serving(shop) is wanted)


def ingest(shop: Service, name: str) -> None:
    shop.put(with_vectors(name, 1))


def test_a_redis_that_hangs_for_a_while_makes_it_unready_and_it_comes_back(
    record: EmbeddedRedis, shop: Service
) -> None:
    with hanging(record):
        code, _ = refusal(lambda: shop.stub.GetItem(GET, timeout=0.3))
        assert code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert becomes(shop, False)
        assert_searchable(shop)
    assert becomes(shop, True)
    ingest(shop, "b")
    assert shop.stub.GetItem(GET).stored.item.id == "a"


def fill_memory(client: redis.Redis, record: EmbeddedRedis) -> Callable[[], object]:
    client.config_set("maxmemory", "100kb")
    return lambda: client.config_set("maxmemory", "0")


def fill_disk(client: redis.Redis, record: EmbeddedRedis) -> Callable[[], object]:
    """A dump that cannot be written, as on a disk that is full, makes Redis refuse writes.

    Were it the append-only file with `appendfsync always`, Redis would end, and be gone.
    """
    assert record.pid is not None
    client.set("large", os.urandom(2_000_000))
    client.config_set("appendonly", "no")
    client.config_set("save", "3600 1")
    unlimited = resource.prlimit(record.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(record.pid, resource.RLIMIT_FSIZE, (1_000_000, unlimited[1]))
    client.bgsave()
    assert eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")

    def make_room() -> None:
        assert record.pid is not None
        resource.prlimit(record.pid, resource.RLIMIT_FSIZE, unlimited)
        client.bgsave()
        assert eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "ok")

    return make_room


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="a disk is filled with Linux's prlimit")
@pytest.mark.parametrize("fill", [fill_memory, fill_disk])
def test_a_redis_that_takes_no_more_makes_it_unready_and_is_used_again_when_there_is_room(
    record: EmbeddedRedis, shop: Service, fill: Callable[[redis.Redis, EmbeddedRedis], Callable[[], object]]
) -> None:
    with closing(redis.Redis.from_url(record.url)) as client:
        make_room = fill(client, record)
        code, error = refusal(lambda: ingest(shop, "b"))
        assert (code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "REDIS_NOT_READY")
        assert becomes(shop, False)
        assert_searchable(shop)
        assert shop.stub.GetItem(GET).stored.item.id == "a"
        make_room()
        ingest(shop, "b")
        assert becomes(shop, True)
