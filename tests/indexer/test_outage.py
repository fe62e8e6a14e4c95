"""A Redis that hangs or is gone: what needs it waits or is refused, and searches go on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

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
