"""A disk or a memory that is full, and a Redis that stalls: what is refused says why, the rest goes on, and when there
is room again nobody has to help."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
import redis

from services.runtime.embedded import EmbeddedRedis
from services.runtime.settings import RuntimeSettings
from services.runtime.wire import encode_space
from tests.fleet import ROOT
from tests.indexer.builders import SPACE
from tests.indexer.test_crash import Indexer
from tests.indexer.test_outage import SOON_S, assert_searchable, becomes, eventually, hanging, ingest
from tests.indexer.worlds import Service, refusal, search, service, with_vectors
from visrec.v1 import indexer_pb2
from visrec.v1.indexer_pb2_grpc import IndexerServiceStub

STALL_S = 5

needs_prlimit = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="a disk is filled with Linux's prlimit")


@pytest.fixture
def record(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def shop(record: EmbeddedRedis, runtime: RuntimeSettings) -> Iterator[Service]:
    """With the item `a`, which the index has. It waits for Redis and for its canary for a second."""
    hasty = {"redis_url": record.url, "redis_timeout_s": 1, "canary_deadline_s": 1}
    with service(runtime.model_copy(update=hasty)) as running:
        running.create()
        running.found(search(1, min_version=running.put(with_vectors("a", 1))))
        yield running


def listed(shop: Service) -> list[str]:
    return sorted(one.item.id for one in shop.stub.ListItems(indexer_pb2.ListItemsRequest(catalogue="shop")).items)


class TestRedis:
    def test_while_it_stalls_searches_go_on_writes_are_refused_and_afterwards_nothing_is_lost(
        self, record: EmbeddedRedis, shop: Service
    ) -> None:
        with hanging(record):
            # One that may take longer than the service waits for Redis, and one that may not.
            code, error = refusal(lambda: shop.put(with_vectors("b", 1), request_id="b"))
            assert (code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "REDIS_NOT_READY")
            request = indexer_pb2.IngestItemsRequest(catalogue="shop", items=[with_vectors("c", 1)], request_id="c")
            assert refusal(lambda: shop.stub.IngestItems(request, timeout=0.3))[0] is grpc.StatusCode.DEADLINE_EXCEEDED
            assert becomes(shop, False)
            assert_searchable(shop)
        assert becomes(shop, True)
        # Sent again, they are written once, be it that they were in the end or not.
        versions = [shop.put(with_vectors(name, 1), request_id=name) for name in ("b", "c")]
        for version in versions:
            assert shop.found(search(1, limit=10, min_version=version))
        assert listed(shop) == ["a", "b", "c"]
        assert sorted(shop.found(search(1, limit=10))) == ["a", "b", "c"]

    def test_five_seconds_in_which_it_does_nothing_are_got_over(self, record: EmbeddedRedis, shop: Service) -> None:
        with closing(redis.Redis.from_url(record.url, socket_timeout=60)) as client:
            client.client_pause(STALL_S * 1000)
        assert becomes(shop, False)
        assert_searchable(shop)
        assert becomes(shop, True)
        ingest(shop, "b")
        assert listed(shop) == ["a", "b"]

    def test_deleting_works_while_its_memory_is_full(self, record: EmbeddedRedis, shop: Service) -> None:
        """It is how one makes room."""
        client: Any = redis.Redis.from_url(record.url)
        with closing(client):
            client.config_set("maxmemory", "100kb")
            assert refusal(lambda: ingest(shop, "b"))[1].reason == "REDIS_NOT_READY"
            request = indexer_pb2.DeleteItemsRequest(catalogue="shop", item_ids=["a"], request_id="room")
            answer = shop.stub.DeleteItems(request)
            assert answer.deleted == 1
            assert shop.found(search(1, min_version=answer.version)) == []
            assert listed(shop) == []
            client.config_set("maxmemory", "0")
        ingest(shop, "b")
        assert listed(shop) == ["b"]

    @needs_prlimit
    def test_when_its_disk_is_full_it_ends_and_what_was_acknowledged_is_there_when_it_is_started_again(
        self, record: EmbeddedRedis, shop: Service, tmp_path: Path
    ) -> None:
        """With `appendfsync always` it does not go on without a file."""
        assert record.pid is not None
        written = sum(path.stat().st_size for path in (tmp_path / "redis").rglob("*.aof"))
        resource.prlimit(record.pid, resource.RLIMIT_FSIZE, (written + 100, resource.RLIM_INFINITY))
        code, error = refusal(lambda: shop.put(with_vectors("b", *range(8)), request_id="b"))
        assert (code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "REDIS_NOT_READY")
        assert record.wait() != 0
        assert becomes(shop, False)
        assert_searchable(shop)
        record.start()
        assert becomes(shop, True)
        assert listed(shop) == ["a"]
        shop.put(with_vectors("b", *range(8)), request_id="b")
        assert listed(shop) == ["a", "b"]


ROOM = 3 << 20
"""Bytes of the disk that snapshots are on."""
ITEMS, PHOTOS = 300, 16
"""So many rows are worth a snapshot."""


def can_mount() -> bool:
    """Whether a process may have a file system of its own."""
    command = ["unshare", "--mount", "--map-root-user", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    with suppress(OSError):
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    return False


class Cramped(Indexer):
    """Its snapshots are on a disk of its own, which is small."""

    def __init__(self, redis_url: str, folder: Path) -> None:
        super().__init__(redis_url, folder)
        self._snapshots = folder / "snapshots"
        self._snapshots.mkdir()
        self._environment |= {
            "VISREC_INDEXER_SNAPSHOT_DIR": str(self._snapshots),
            "VISREC_INDEXER_SNAPSHOT_EVERY_S": "1",
        }

    def start(self) -> None:
        mount = f'mount -t tmpfs -o size={ROOM} tmpfs "$0" && exec "$@"'
        serve = [sys.executable, "-m", "services", "indexer"]
        command = ["unshare", "--mount", "--map-root-user", "sh", "-c", mount, str(self._snapshots), *serve]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        self.await_serving()

    @property
    def disk(self) -> Path:
        """As this process sees it."""
        return Path(f"/proc/{self.process.pid}/root{self._snapshots}")

    def snapshots(self) -> list[str]:
        """What there is of the catalogue's, whole or not."""
        return sorted(path.name for path in self.disk.glob("shop.*/*/*"))

    def said(self) -> str:
        """All of its log."""
        return self._log.read_text()

    def fill(self) -> None:
        """Leaves no room."""
        with (self.disk / "ballast").open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))


@pytest.fixture
def cramped(record: EmbeddedRedis, tmp_path: Path) -> Iterator[Cramped]:
    running = Cramped(record.url, tmp_path)
    running.start()
    yield running
    running.kill()


def put(stub: IndexerServiceStub, first: int, count: int) -> str:
    """That many items; the version that contains them."""
    items = [
        with_vectors(f"item-{n}", *range(PHOTOS * n, PHOTOS * (n + 1)), title=f"{n}")
        for n in range(first, first + count)
    ]
    request = indexer_pb2.IngestItemsRequest(catalogue="shop", items=items)
    version: str = stub.IngestItems(request, timeout=SOON_S).version
    return version


def items_of(stub: IndexerServiceStub, version: str) -> int:
    """How many the index has."""
    stub.Search(search(1, min_version=version), timeout=SOON_S)
    return int(stub.GetStats(indexer_pb2.GetStatsRequest(catalogue="shop"), timeout=SOON_S).catalogues[0].items)


@pytest.mark.skipif(not can_mount(), reason="this needs a file system of its own")
def test_without_room_for_snapshots_it_goes_on_and_writes_the_next_when_there_is(
    record: EmbeddedRedis, cramped: Cramped, tmp_path: Path
) -> None:
    with cramped.channel() as channel:
        stub = IndexerServiceStub(channel)
        stub.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue="shop", space=encode_space(SPACE)))
        put(stub, 0, ITEMS)
        assert eventually(lambda: cramped.snapshots() == ["1"])
        cramped.fill()
        version = put(stub, ITEMS, ITEMS)
        assert eventually(lambda: "will try again" in cramped.said())
        assert items_of(stub, version) == 2 * ITEMS
        cramped.await_serving()
        (cramped.disk / "ballast").unlink()
        assert eventually(lambda: "2" in cramped.snapshots())
        assert not [name for name in cramped.snapshots() if name.startswith(".")]
        version = put(stub, 2 * ITEMS, 1)
    # The disk goes with the process that has it.
    shutil.copytree(cramped.disk, tmp_path / "kept")
    cramped.kill()
    again = Indexer(record.url, tmp_path)
    again._environment |= {"VISREC_INDEXER_SNAPSHOT_DIR": str(tmp_path / "kept")}
    client: Any = redis.Redis.from_url(record.url)
    with closing(client):
        client.config_resetstat()
        again.start()
        try:
            with again.channel() as channel:
                assert items_of(IndexerServiceStub(channel), version) == 2 * ITEMS + 1
            assert "cmdstat_hscan" not in client.info("commandstats"), "it began with the snapshot"
        finally:
            again.kill()
