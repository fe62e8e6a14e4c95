"""The indexer as it is served, metrics on, with a durable record: the two processes that are measured."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bench.failure import BenchFailed
from bench.indexer import memory, record
from bench.indexer.child import Child
from bench.indexer.data import FOLDER
from bench.indexer.memory import Memory
from bench.indexer.space import Space
from demo import fleet
from visrec.v1 import indexer_pb2, indexer_pb2_grpc

SERVICE = "visrec.v1.IndexerService"
SEARCH = f"/{SERVICE}/Search"
CATALOGUE = "bench"

FRESH_BOUND = 4096
"""Rows that are searched one by one until the builder takes them: the indexer's default, VISREC_INDEXER_FRESH_ROWS."""

START_WITHIN_S = 3600.0
"""A large record without a snapshot takes long."""
CALL_S = 120.0
IDLE_CORES = 0.1
"""What an idle indexer takes less than."""
RESTED_S, RESTS = 1.5, 3
"""It has come to rest when it was idle for so long, looked at so often."""
SETTLE_S = 3600.0

MESSAGE_BYTES = 64 * 1024 * 1024
LOG = FOLDER / "indexer.log"


class House:
    """An indexer and its redis-server over `folder`. `start` what was stopped; close it at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        redis_port, self._port, self._metrics_port = fleet.free_ports([0, 0, 0])
        self.address = f"127.0.0.1:{self._port}"
        self.redis_url = f"redis://127.0.0.1:{redis_port}/0"
        LOG.unlink(missing_ok=True)
        self.redis = record.started(record.own_program(), folder / "redis", redis_port, record.DURABLE)
        self.indexer = self._indexer()
        options = [(f"grpc.max_{way}_message_length", MESSAGE_BYTES) for way in ("send", "receive")]
        self.channel = grpc.insecure_channel(self.address, options)
        self.stub = indexer_pb2_grpc.IndexerServiceStub(self.channel)
        self._health = health_pb2_grpc.HealthStub(self.channel)

    def create(self, space: Space) -> None:
        """The catalogue."""
        self.stub.CreateCatalogue(
            indexer_pb2.CreateCatalogueRequest(catalogue=CATALOGUE, space=space.message()), timeout=CALL_S
        )

    def await_serving(self) -> float:
        """Seconds until it is."""
        return self.indexer.await_that(self._serving, START_WITHIN_S)

    def restart(self) -> float:
        """Stops the indexer, not its record, and starts it: seconds from the start until it is serving."""
        self.indexer.stop()
        self.indexer = self._indexer()
        return self.await_serving()

    def check(self) -> None:
        """Raises BenchFailed when one of its processes has ended."""
        self.redis.check()
        self.indexer.check()

    def stats(self) -> indexer_pb2.CatalogueStats:
        """Of the catalogue."""
        request = indexer_pb2.GetStatsRequest(catalogue=CATALOGUE)
        return self.stub.GetStats(request, timeout=CALL_S).catalogues[0]

    def memory(self) -> Memory:
        """Of the indexer's process; begins a new peak."""
        return memory.of(self.indexer.pid, self._folder)

    def settle(self) -> None:
        """Waits until the indexer computes nothing any more, as it does after an ingest. Raises BenchFailed."""
        end, rested = time.monotonic() + SETTLE_S, 0
        while time.monotonic() < end:
            used = self.indexer.cpu_s()
            time.sleep(RESTED_S / RESTS)
            idle = self.indexer.cpu_s() - used < IDLE_CORES * RESTED_S / RESTS
            rested = rested + 1 if idle and self.stats().fresh_rows < FRESH_BOUND else 0
            if rested == RESTS:
                return
        raise BenchFailed(f"the indexer still computes {SETTLE_S:.0f} s after the ingest")

    def failed_searches(self) -> float:
        """Those that were answered with another status than OK, and not because the caller broke off."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics_port}/metrics", timeout=10) as answer:
            return failed(answer.read().decode())

    def close(self) -> None:
        self.channel.close()
        self.indexer.stop()
        self.redis.stop()

    def _indexer(self) -> Child:
        environment = {
            **os.environ,
            "VISREC_HOST": "127.0.0.1",
            "VISREC_INDEXER_PORT": str(self._port),
            "VISREC_INDEXER_METRICS_PORT": str(self._metrics_port),
            "VISREC_INDEXER_FRESH_ROWS": str(FRESH_BOUND),
            "VISREC_REDIS_URL": self.redis_url,
            "VISREC_VAR_DIR": str(self._folder / "var"),
            "VISREC_INDEXER_SNAPSHOT_DIR": str(self._folder / "snapshots"),
            "VISREC_LOG_LEVEL": "warning",
        }
        return Child("the indexer", [sys.executable, "-m", "services", "indexer"], LOG, environment)

    def _serving(self) -> bool:
        try:
            answer = self._health.Check(health_pb2.HealthCheckRequest(service=SERVICE), timeout=5)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


@contextmanager
def opened() -> Iterator[House]:
    """One with an empty record, below var/, from when it serves; gone at the end with all it kept. Raises
    BenchFailed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="house-", dir=FOLDER) as folder:
        house = House(Path(folder))
        try:
            house.await_serving()
            yield house
        except grpc.RpcError as error:
            raise BenchFailed(f"the indexer: {error.code().name} {error.details()}") from error
        finally:
            house.close()


def failed(metrics: str) -> float:
    """By what a service's metrics say of its searches."""
    lines = (line for line in metrics.splitlines() if line.startswith("grpc_server_handled_total"))
    searches = (line for line in lines if 'grpc_method="Search"' in line)
    return sum(float(line.rpartition(" ")[2]) for line in searches if not re.search(r'"(OK|CANCELLED)"', line))
