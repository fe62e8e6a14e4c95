"""Several replicas over one record: whoever was written to, all of them come to hold the same, and a new one begins
with what the others have kept."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from services.indexer.settings import IndexerSettings
from services.runtime.settings import RuntimeSettings
from tests.indexer.test_outage import eventually
from tests.indexer.worlds import Service, search, service, with_vectors
from visrec.v1 import indexer_pb2

ITEMS = 300
WRITES = 40
WRITERS = 2
"""For each replica; they all write to the same items."""
TINY = {"fresh_rows": 40, "small_rows": 120, "graph_rows": 200, "dead_fraction": 0.1}
"""Not checked when it is copied in: the bounds are those of production."""

Contents = dict[str, tuple[str, float]]


@pytest.fixture
def houses() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def replica(houses: ExitStack, runtime: RuntimeSettings, folder: Path, name: str) -> Service:
    settings = IndexerSettings(snapshot_dir=folder / "snapshots", replica=name, port=0, metrics_port=0)
    return houses.enter_context(service(runtime, settings.model_copy(update=TINY)))


def write_a_lot(to: Service, seed: int) -> list[str]:
    """The version of every write."""
    dice = np.random.default_rng(seed)
    versions = []
    for number in range(WRITES):
        names = dice.choice(ITEMS, 12, replace=False).tolist()
        seeds = range(1000 * seed + 10 * number, 1000 * seed + 10 * number + 1 + number % 3)
        items = [with_vectors(f"item-{name}", *seeds, title=f"{seed}/{number}") for name in names[:9]]
        versions.append(to.put(*items))
        request = indexer_pb2.DeleteItemsRequest(catalogue="shop", item_ids=[f"item-{name}" for name in names[9:]])
        versions.append(to.stub.DeleteItems(request).version)
    return versions


def everything(of: Service, *versions: str) -> Contents:
    """What its index holds, with a score that tells the vectors."""
    for version in versions:
        of.stub.Search(search(1, min_version=version))
    request = search(1, limit=1000, include_items=True, accuracy=indexer_pb2.ACCURACY_EXACT)
    return {hit.item_id: (hit.item.title, hit.score) for hit in of.stub.Search(request).hits}


def recorded(by: Service) -> dict[str, str]:
    request = indexer_pb2.ListItemsRequest(catalogue="shop", page_size=1000)
    return {one.item.id: one.item.title for one in by.stub.ListItems(request).items}


def titles(contents: Contents) -> dict[str, str]:
    return {item_id: title for item_id, (title, _) in contents.items()}


def snapshot(of: Service) -> None:
    """Asked for, and waited for."""
    name = of.stub.CreateSnapshot(indexer_pb2.CreateSnapshotRequest(catalogue="shop")).operation.name
    ask = indexer_pb2.GetOperationRequest(name=name)
    done = indexer_pb2.OPERATION_STATE_DONE
    assert eventually(lambda: of.stub.GetOperation(ask).operation.state == done)


def test_replicas_that_are_all_written_to_come_to_hold_the_same(
    houses: ExitStack, redis_runtime: RuntimeSettings, tmp_path: Path
) -> None:
    both = [replica(houses, redis_runtime, tmp_path, name) for name in ("one", "two")]
    both[0].create(partitions=3)
    with ThreadPoolExecutor() as threads:
        writers = [threads.submit(write_a_lot, both[n % 2], n) for n in range(2 * WRITERS)]
        last = [writer.result()[-1] for writer in writers]
    first, second = (everything(one, *last) for one in both)
    assert first == second
    assert titles(first) == recorded(both[0])


def test_a_new_replica_begins_with_a_snapshot_of_another_and_reads_only_the_rest_of_the_log(
    houses: ExitStack, redis_runtime: RuntimeSettings, tmp_path: Path
) -> None:
    both = [replica(houses, redis_runtime, tmp_path, name) for name in ("one", "two")]
    both[0].create(partitions=3)
    write_a_lot(both[0], 1)
    snapshot(both[0])
    versions = write_a_lot(both[1], 2)
    client: Any = redis.Redis.from_url(redis_runtime.redis_url)
    with closing(client):
        client.config_resetstat()
        third = replica(houses, redis_runtime, tmp_path, "three")
        found = everything(third, *versions)
        calls = client.info("commandstats")
    assert "cmdstat_hscan" not in calls
    assert calls["cmdstat_hmget"]["calls"] > 0
    assert found == everything(both[0], *versions) == everything(both[1], *versions)
    assert titles(found) == recorded(third)
