"""A Redis and an indexer that are killed and started again, a writer who notes what it was told, and whoever looks
whether all of it is there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import redis

from services.runtime.embedded import EmbeddedRedis
from services.runtime.wire import encode_space
from tests.fleet import ROOT, free_ports
from tests.indexer.builders import SPACE
from tests.indexer.worlds import vector, with_vectors
from tests.servers import await_serving
from visrec.v1 import indexer_pb2
from visrec.v1.indexer_pb2_grpc import IndexerServiceStub

ITEMS = 5000
"""So many are worth a snapshot."""
BATCH = 100
SAMPLE = 40
CALL_S = 30.0
PATIENCE_S = 5.0


def item(name: int, number: int) -> indexer_pb2.IngestItem:
    """All of its contents follow from the number of the write that made it, so that a mixture would show."""
    seeds = range(10 * number, 10 * number + 1 + number % 2)
    tags = [f"of-{number % 211}"]
    return with_vectors(f"item-{name}", *seeds, title=f"write {number}", category=f"c{number % 97}", tags=tags)


@dataclass
class Written:
    """What the caller was told: for each item the number of the write it is of, and a version that contains it all."""

    items: dict[int, int] = field(default_factory=dict)
    version: str = ""

    def counts(self) -> Counter[str]:
        """How many items there are of each write, as far as categories and tags tell."""
        counter = Counter(f"c{number % 97}" for number in self.items.values())
        counter.update(f"of-{number % 211}" for number in self.items.values())
        return counter


class House:
    """A Redis and an indexer, each a process of its own."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.redis = EmbeddedRedis(folder / "redis")
        self.redis.start()
        self.dice = np.random.default_rng(seed)
        self.written = Written()
        self.killed: Counter[str] = Counter()
        self.noted: Counter[str] = Counter()
        self._begins: dict[bytes, bytes] = {}
        self._number = 0
        (self._port,) = free_ports(1)
        self._phases = folder / "phases"
        self.begin()

    def begin(self) -> None:
        """Starts the indexer and does not wait for it."""
        environment = os.environ | {
            "VISREC_REDIS_URL": self.redis.url,
            "VISREC_VAR_DIR": str(self.folder),
            "VISREC_CANARY_EVERY_S": "0.1",
        }
        self._phases.write_bytes(b"")
        with closing(redis.Redis.from_url(self.redis.url)) as client:
            client.config_resetstat()
        command = [sys.executable, "-m", "tests.indexer.tiny_indexer", str(self._port), str(self._phases)]
        with (self.folder / "indexer.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """The indexer, and notes what it was at."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        phases = self._phases.read_text().split()
        self.killed.update(phases or ["nothing"])

    def note_start(self) -> None:
        """What the indexer that serves now has read."""
        with closing(redis.Redis.from_url(self.redis.url)) as client:
            scanned = "cmdstat_hscan" in client.info("commandstats")
        self.noted["started from the record" if scanned else "started from a snapshot and the rest of the log"] += 1

    def note_trims(self) -> None:
        """Whether logs have lost their beginning since the last time."""
        client: Any = redis.Redis.from_url(self.redis.url)
        with closing(client):
            begins = {key: client.xrange(key, count=1)[0][0] for key in client.scan_iter("visrec:*:log", count=10_000)}
        self.noted["logs trimmed"] += sum(self._begins.get(key, begin) != begin for key, begin in begins.items())
        self._begins = begins

    def kill_redis(self) -> None:
        """And notes it."""
        assert self.redis.pid is not None
        os.kill(self.redis.pid, signal.SIGKILL)
        self.redis.wait()
        self.killed["redis"] += 1

    def close(self) -> None:
        """Ends both."""
        self.process.kill()
        self.process.wait(10)
        self.redis.stop()

    def stub(self, channel: grpc.Channel) -> IndexerServiceStub:
        """When it is serving."""
        await_serving(channel)
        return IndexerServiceStub(channel)

    def channel(self) -> grpc.Channel:
        """To the indexer, which need not be there."""
        return grpc.insecure_channel(f"127.0.0.1:{self._port}")

    def await_work(self) -> None:
        """Until the indexer is at anything."""
        while not self._phases.read_text().split():
            assert self.process.poll() is None

    def await_phase(self, phase: str) -> None:
        """Until the indexer is at that, or has not come to it for long."""
        if phase == "snapshot":
            with self.channel() as channel:
                IndexerServiceStub(channel).CreateSnapshot(indexer_pb2.CreateSnapshotRequest(catalogue="shop"))
        end = time.monotonic() + PATIENCE_S
        while phase not in self._phases.read_text().split() and time.monotonic() < end:
            assert self.process.poll() is None

    # ---- writing

    def create(self) -> None:
        """The catalogue, and enough items for a snapshot."""
        with self.channel() as channel:
            stub = self.stub(channel)
            space = encode_space(SPACE)
            stub.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue="shop", space=space, partitions=2))
            for start in range(0, ITEMS, BATCH):
                self.put(stub, list(range(start, start + BATCH)))

    def put(self, stub: IndexerServiceStub, names: list[int]) -> None:
        """One acknowledged write of the next number."""
        number, self._number = self._number, self._number + 1
        request = indexer_pb2.IngestItemsRequest(
            catalogue="shop", items=[item(name, number) for name in names], request_id=f"w{number}"
        )
        answer = stub.IngestItems(request, timeout=CALL_S)
        assert answer.written == len(names)
        self.written.items.update(dict.fromkeys(names, number))
        self.written.version = answer.version

    def remove(self, stub: IndexerServiceStub, names: list[int]) -> None:
        """One acknowledged delete."""
        number, self._number = self._number, self._number + 1
        ids = [f"item-{name}" for name in names]
        request = indexer_pb2.DeleteItemsRequest(catalogue="shop", item_ids=ids, request_id=f"w{number}")
        self.written.version = stub.DeleteItems(request, timeout=CALL_S).version
        for name in names:
            self.written.items.pop(name, None)

    def write_until(self, blow: threading.Event, begun: threading.Event) -> None:
        """Writes until it is cut off; `settle_accounts` sends what was cut off again, under the same request_id."""
        plan = np.random.default_rng(int(self.dice.integers(2**32)))
        with self.channel() as channel:
            stub = self.stub(channel)
            while not blow.is_set():
                names = plan.choice(ITEMS, int(plan.integers(1, 60)), replace=False).tolist()
                number = self._number
                self._cut_off = (plan.random() < 0.2, names)
                try:
                    self.remove(stub, names) if self._cut_off[0] else self.put(stub, names)
                except grpc.RpcError:
                    self._number = number  # it may have been written or not: it will be sent again
                    return
                self._cut_off = None
                begun.set()

    def settle_accounts(self, stub: IndexerServiceStub) -> None:
        """The write that was cut off, once more."""
        if self._cut_off:
            removing, names = self._cut_off
            self._cut_off = None
            self.remove(stub, names) if removing else self.put(stub, names)

    def forget_what_is_lost(self, stub: IndexerServiceStub) -> None:
        """What there is counts, once Redis came back older."""
        self._cut_off = None
        self.written = Written(stored(stub))

    _cut_off: tuple[bool, list[int]] | None = None

    # ---- looking

    def assert_whole(self, stub: IndexerServiceStub) -> None:
        """Record and index hold what was acknowledged and nothing else."""
        assert stored(stub) == self.written.items
        assert counted(stub, self.written.version) == self.written.counts()
        some = self.dice.choice(sorted(self.written.items), SAMPLE, replace=False).tolist()
        queries = [indexer_pb2.Query(name=str(n), vector=vector(10 * self.written.items[n])) for n in some]
        request = indexer_pb2.SearchRequest(
            catalogue="shop",
            queries=queries,
            limit=100,
            union=True,
            include_items=True,
            min_version=self.written.version,
        )
        for hit in stub.Search(request, timeout=CALL_S).hits:
            name = int(hit.item_id.removeprefix("item-"))
            assert hit.item.title == f"write {self.written.items[name]}"


def stored(stub: IndexerServiceStub) -> dict[int, int]:
    """The record, item by item, each checked to be whole."""
    request = indexer_pb2.ListItemsRequest(catalogue="shop", page_size=1000, include_vectors=True)
    found: dict[int, int] = {}
    while True:
        page = stub.ListItems(request, timeout=CALL_S)
        for one in page.items:
            name, number = int(one.item.id.removeprefix("item-")), int(one.item.title.removeprefix("write "))
            expected = item(name, number)
            assert list(one.item.tags) == list(expected.item.tags)
            assert len(one.vectors) == len(expected.vectors)
            mine = np.array([np.frombuffer(each.data, "<f4") for each in one.vectors])
            theirs = np.array([np.frombuffer(each.data, "<f4") for each in expected.vectors])
            assert np.abs(mine - theirs).max() < 2**-9
            found[name] = number
        request.page_token = page.next_page_token
        if not page.next_page_token:
            return found


def counted(stub: IndexerServiceStub, version: str) -> Counter[str]:
    """The index, as its facets tell."""
    request = indexer_pb2.GetFacetsRequest(
        catalogue="shop", fields=["category", "tags"], limit=1000, min_version=version
    )
    facets = stub.GetFacets(request, timeout=CALL_S).facets
    return Counter({value.value: value.count for facet in facets for value in facet.values})


def eventually(stub: IndexerServiceStub, expected: Counter[str]) -> bool:
    """Whether the index comes to say so before long."""
    pause = threading.Event()
    return any(counted(stub, "") == expected or pause.wait(0.05) for _ in range(600))
