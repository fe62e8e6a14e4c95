"""The indexer, put together."""

from __future__ import annotations

import secrets
import socket
import sys
import time
from pathlib import Path

from services.indexer.definition import Definition
from services.indexer.index.builder import IndexTuning
from services.indexer.index.faiss_index import FaissIndex
from services.indexer.index.graph import GraphTuning
from services.indexer.index.port import Index, Proceed
from services.indexer.index.saved import Forms
from services.indexer.library import Library, Rules, Surroundings
from services.indexer.metrics import BuildMetrics, ShelfMetrics
from services.indexer.operations import commission, workshop
from services.indexer.operations.commission import Commissions, works
from services.indexer.operations.operation import Worker
from services.indexer.operations.store_redis import RedisOperations
from services.indexer.operations.workshop import Workshop
from services.indexer.record.catalogues_redis import RedisCatalogues
from services.indexer.record.connection_redis import Connection, RecordRules
from services.indexer.servicer import IndexerServicer
from services.indexer.serving.keeper import Keeper
from services.indexer.serving.keeper import Rules as KeeperRules
from services.indexer.serving.shelf import FOLLOW_WAIT_S
from services.indexer.serving.shelves import MAX_FOLLOWERS, Shelves
from services.indexer.serving.snapshots import Snapshots
from services.indexer.settings import IndexerSettings
from services.indexer.wire.items import pack_failures, pack_item, unpack_failures, unpack_item
from services.indexer.writing.ingest import Ingest
from services.indexer.writing.looks import Looking
from services.indexer.writing.peers import GrpcEmbedder
from services.indexer.writing.pieces import FailureCodec
from services.runtime import logs
from services.runtime.app import SyncApp
from services.runtime.channel import open_channel
from services.runtime.memory import give_back
from services.runtime.redis_facts import inspect_redis
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from services.runtime.trouble import Trouble
from services.spaces import Space
from visrec.v1 import indexer_pb2_grpc

SWITCH_S = 0.0005
"""Tenth of Python's default."""

CLOSE_S = 2.0
"""For the workshop to leave what it does to others."""

SERVICE = "visrec.v1.IndexerService"

READS = ("visrec.v1.EmbedderService/GetModel", "visrec.v1.EmbedderService/ProjectFeatures")
"""What may be asked of the embedder again. A stream of photos may not: its photos are then reported one by one."""

LONG_METHODS = frozenset(
    {
        "CreateCatalogue",
        "ListCatalogues",
        "DeleteCatalogue",
        "IngestItems",
        "DeleteItems",
        "GetItem",
        "BatchGetItems",
        "ListItems",
        "GetStats",
        "CreateSpace",
        "PutVectors",
        "SetAlias",
        "DeleteSpace",
        "RemakeSpace",
        "StartRebuild",
        "CreateSnapshot",
        "GetOperation",
        "ListOperations",
        "CancelOperation",
    }
)
"""All that always asks Redis: a Redis that hangs must not take the threads of the searches."""

DURABILITY = {
    "always": "every acknowledged write",
    "everysec": "every acknowledged write but those of the last second",
    "no": "what the operating system had written",
    "none": "nothing since the last dump",
    "replicated": "up to the last replication",
    "unknown": "unknown",
}
"""What survives a crash of Redis, for people."""


def build(settings: IndexerSettings, runtime: RuntimeSettings, telemetry: Telemetry) -> SyncApp:
    """The record in Redis, an index in memory for each catalogue, and the use cases over both."""
    # Builders run Python, too, between their calls into FAISS. A search that waits for the interpreter waits that long.
    sys.setswitchinterval(SWITCH_S)
    connection = Connection.open(runtime, MAX_FOLLOWERS, FOLLOW_WAIT_S)
    channel = open_channel("embedder", runtime, idempotent=READS)
    embedder = GrpcEmbedder(channel)
    rules = RecordRules(settings.log_entries, settings.log_age_s, max_items=settings.max_items)
    catalogues = RedisCatalogues(connection, rules, secrets.token_bytes)
    builds = BuildMetrics(telemetry.registry)

    def built(seconds: float) -> None:
        builds.built(seconds)
        give_back()

    making = _Making(settings)
    keeper = Keeper(
        Snapshots(settings.snapshot_dir or runtime.var_dir / "indexer", secrets.token_bytes, time.time),
        making.load,
        KeeperRules(settings.snapshot_every_s),
        _refused,
        time.time,
    )
    trouble = Trouble()
    shelves = Shelves(
        catalogues,
        making.make,
        trouble,
        built,
        time.monotonic,
        keeper=keeper,
        max_bytes=settings.max_index_mib << 20,
    )
    ShelfMetrics(shelves.all, telemetry.registry)
    looking = Looking(embedder, keep_raw=settings.keep_raw_features)
    ingest = Ingest(looking, FailureCodec(pack_failures, unpack_failures), _now_us)
    library = Library(
        shelves,
        ingest,
        embedder,
        Rules(settings.partitions, settings.threads // 2, settings.requests_per_s, max(1, settings.long_threads // 2)),
        Surroundings(time.monotonic, _now_us, secrets.token_bytes),
    )
    operations, replica = RedisOperations(connection.client), _replica(settings)
    commissions = Commissions(shelves, operations, commission.Surroundings(replica, _now_us, secrets.token_bytes))
    working = Workshop(
        operations,
        Worker(replica, secrets.token_hex(8)),
        works(shelves, embedder, keeper.save),
        workshop.Surroundings(time.monotonic, _now_us, trouble),
    )
    servicer = IndexerServicer(
        library,
        commissions,
        lambda: DURABILITY[inspect_redis(connection.client).durability],
        runtime.default_deadline_s,
    )
    shelves.start()
    working.start()

    def close() -> None:
        working.close(CLOSE_S)
        shelves.close()
        channel.close()
        connection.close()

    return SyncApp(
        services=(SERVICE,),
        register=lambda server: indexer_pb2_grpc.add_IndexerServiceServicer_to_server(servicer, server),
        canary=shelves.require_ready,
        close=close,
        threads=settings.threads,
        long_methods=LONG_METHODS,
        long_threads=settings.long_threads,
    )


class _Making:
    """Makes indexes, empty or from a snapshot."""

    def __init__(self, settings: IndexerSettings) -> None:
        graph = GraphTuning(settings.factory, settings.hnsw_ef_construction, settings.build_threads)
        graph.check("VISREC_INDEXER_FACTORY")
        self._tuning = IndexTuning(
            fresh_rows=settings.fresh_rows,
            max_fresh_rows=settings.max_fresh_rows,
            small_rows=settings.small_rows,
            max_small_rows=settings.max_small_rows,
            dead_fraction=settings.dead_fraction,
            graph_rows=settings.graph_rows,
            graph=graph,
        )

    def make(self, definition: Definition, space: Space) -> Index:
        """An empty one."""
        return FaissIndex(space, definition.partitions, pack_item, self._tuning)

    def load(self, definition: Definition, space: Space, folder: Path, proceed: Proceed) -> Index:
        """As it was saved there. Raises SnapshotRefused."""
        forms = Forms(pack_item, unpack_item)
        return FaissIndex.load(folder, space, definition.partitions, forms, self._tuning, proceed=proceed)


def _replica(settings: IndexerSettings) -> str:
    """A name that is the same after a restart, unless the port is any free one."""
    return settings.replica or f"{socket.gethostname()}:{settings.port or secrets.token_hex(4)}"


def _refused(catalogue: str, folder: Path, why: str) -> None:
    logs.logger().warning("snapshot not used", catalogue=catalogue, snapshot=folder.name, why=why)


def _now_us() -> int:
    return time.time_ns() // 1000
