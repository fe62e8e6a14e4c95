"""kill -9 in the middle of an ingest: what was acknowledged is there afterwards, and no item is there by half."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import grpc
import numpy as np
import pytest

from services.runtime.embedded import EmbeddedRedis
from services.runtime.wire import encode_space
from tests.fleet import ROOT, free_ports
from tests.indexer.builders import HEAD_SPACE, SPACE, raw_features, vectors
from tests.indexer.worlds import vector, with_vectors
from tests.servers import await_serving
from visrec.v1 import indexer_pb2
from visrec.v1.indexer_pb2_grpc import IndexerServiceStub

ITEMS = 1000
BATCH = 20
KILL_AFTER = 300
"""Acknowledged items before the blow. The ingest goes on until it comes: in the middle, whatever the machine."""


class Indexer:
    """An indexer in a process of its own."""

    def __init__(self, redis_url: str, folder: Path) -> None:
        (self._port,) = free_ports(1)
        self._log = folder / "indexer.log"
        self._environment = os.environ | {
            "VISREC_REDIS_URL": redis_url,
            "VISREC_VAR_DIR": str(folder),
            "VISREC_INDEXER_PORT": str(self._port),
            "VISREC_INDEXER_METRICS_PORT": "0",
            "VISREC_CANARY_EVERY_S": "0.1",
            "VISREC_INDEXER_KEEP_RAW_FEATURES": "true",
        }

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services", "indexer"], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        self.await_serving()

    def await_serving(self) -> None:
        with self.channel() as channel:
            await_serving(channel)

    def channel(self) -> grpc.Channel:
        return grpc.insecure_channel(f"127.0.0.1:{self._port}")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def indexer(redis_server: EmbeddedRedis, tmp_path: Path) -> Iterator[Indexer]:
    running = Indexer(redis_server.url, tmp_path)
    running.start()
    yield running
    running.kill()


def item(number: int) -> indexer_pb2.IngestItem:
    """Its contents follow from its number, with one, two or three photos."""
    seeds = range(10 * number, 10 * number + 1 + number % 3)
    return with_vectors(f"item-{number}", *seeds, title=f"title {number}")


@dataclass
class Told:
    """What the caller was told: which items are written, and the version that contains them all."""

    items: set[int] = field(default_factory=set)
    version: str = ""
    enough: threading.Event = field(default_factory=threading.Event)


def ingest(stub: IndexerServiceStub, told: Told, starts: Iterable[int]) -> None:
    """Batch by batch until the last, or until one is not acknowledged."""
    for start in starts:
        numbers = range(start, start + BATCH)
        request = indexer_pb2.IngestItemsRequest(catalogue="shop", items=map(item, numbers), request_id=f"b{start}")
        try:
            answer = stub.IngestItems(request, timeout=5)
        except grpc.RpcError:
            return
        told.items.update(number for number, one in zip(numbers, answer.results, strict=True) if one.status.code == 0)
        told.version = answer.version
        if len(told.items) >= KILL_AFTER:
            told.enough.set()


def stored(stub: IndexerServiceStub) -> dict[int, indexer_pb2.StoredItem]:
    request = indexer_pb2.ListItemsRequest(catalogue="shop", page_size=1000, include_vectors=True)
    found: dict[int, indexer_pb2.StoredItem] = {}
    while True:
        page = stub.ListItems(request)
        found |= {int(one.item.id.removeprefix("item-")): one for one in page.items}
        request.page_token = page.next_page_token
        if not page.next_page_token:
            return found


def assert_whole(number: int, one: indexer_pb2.StoredItem) -> None:
    expected = item(number)
    assert one.item.title == expected.item.title
    rows = [np.frombuffer(vector.data, "<f4") for vector in one.vectors]
    seeds = range(10 * number, 10 * number + len(expected.vectors))
    # Normalised once more and rounded to float16 again: one unit in the last place.
    assert np.abs(np.array(rows) - vectors(*seeds).astype(np.float32)).max() <= 2**-11


def assert_found(stub: IndexerServiceStub, told: Told) -> None:
    """Each by its own vector, through the index."""
    numbered = sorted(told.items)
    for start in range(0, len(numbered), 50):
        some = numbered[start : start + 50]
        queries = [indexer_pb2.Query(name=f"item-{number}", vector=vector(10 * number)) for number in some]
        request = indexer_pb2.SearchRequest(
            catalogue="shop", queries=queries, limit=1, union=True, min_version=told.version
        )
        answer = stub.Search(request, timeout=30)
        found = {hit.item_id: set(hit.found_by) for hit in answer.hits}
        assert all(f"item-{number}" in found.get(f"item-{number}", ()) for number in some)


@pytest.mark.parametrize("victim", ["indexer", "redis"])
def test_what_was_acknowledged_survives_a_kill_and_nothing_is_half(
    indexer: Indexer, redis_server: EmbeddedRedis, victim: str
) -> None:
    told = Told()
    with indexer.channel() as channel:
        stub = IndexerServiceStub(channel)
        stub.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue="shop", space=encode_space(SPACE)))
        writer = threading.Thread(target=ingest, args=(stub, told, count(0, BATCH)))
        writer.start()
        assert told.enough.wait(60)
        blow, mend = blows(indexer, redis_server)[victim]
        blow()
        writer.join(30)
        assert not writer.is_alive()
    assert len(told.items) >= KILL_AFTER
    mend()
    indexer.await_serving()
    with indexer.channel() as channel:
        stub = IndexerServiceStub(channel)
        there = stored(stub)
        assert told.items <= there.keys()
        for number, one in there.items():
            assert_whole(number, one)
        # A batch of this size is one transaction.
        assert there.keys() == set(range(len(there)))
        assert len(there) % BATCH == 0
        assert_found(stub, told)
        # The rest goes on from there, and what was written without being acknowledged is not written twice.
        items = max(ITEMS, len(there))
        ingest(stub, told, range(0, items, BATCH))
        assert told.items == set(range(items))
        assert stored(stub).keys() == told.items
        assert_found(stub, told)


def blows(indexer: Indexer, redis_server: EmbeddedRedis) -> dict[str, tuple[Callable[[], None], Callable[[], None]]]:
    """How each is killed and brought back."""
    return {
        "indexer": (indexer.kill, indexer.start),
        "redis": (lambda: kill_redis(redis_server), redis_server.start),
    }


def kill_redis(server: EmbeddedRedis) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    server.wait()


def test_a_remake_is_gone_on_with_after_its_worker_was_killed(indexer: Indexer) -> None:
    """There is no embedder, so it waits for one: the blow comes in the middle."""
    with indexer.channel() as channel:
        stub = IndexerServiceStub(channel)
        stub.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue="shop", space=encode_space(SPACE)))
        one = with_vectors("a", 1)
        one.raw_features.append(raw_features(1)[0].astype("<f2").tobytes())
        stub.IngestItems(indexer_pb2.IngestItemsRequest(catalogue="shop", items=[one]))
        stub.CreateSpace(indexer_pb2.CreateSpaceRequest(catalogue="shop", space=encode_space(HEAD_SPACE)))
        begun = stub.RemakeSpace(indexer_pb2.RemakeSpaceRequest(catalogue="shop", space=HEAD_SPACE.name)).operation
        assert eventually(lambda: operation(stub, begun.name).replica != "")
    indexer.kill()
    indexer.start()
    with indexer.channel() as channel:
        stub = IndexerServiceStub(channel)
        assert operation(stub, begun.name).state == indexer_pb2.OPERATION_STATE_RUNNING
        stub.CancelOperation(indexer_pb2.CancelOperationRequest(name=begun.name))
        assert eventually(lambda: operation(stub, begun.name).state == indexer_pb2.OPERATION_STATE_CANCELLED)


def operation(stub: IndexerServiceStub, name: str) -> indexer_pb2.Operation:
    return stub.GetOperation(indexer_pb2.GetOperationRequest(name=name)).operation


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it does before long."""
    pause = threading.Event()
    return any(holds() or pause.wait(0.05) for _ in range(400))
