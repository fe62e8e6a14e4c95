"""What `make bench` measures: one request for each main call, and the empty call to compare them with."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import psutil

from bench import empty, sample
from bench.fleet import ROOT, Fleet
from bench.generators import Request
from bench.pictures import picture
from visrec.client import Client
from visrec.items import NewItem
from visrec.v1 import common_pb2, embedder_pb2, indexer_pb2, ranker_pb2

CATALOGUE = "bench"
LIMIT = 10


@dataclass(frozen=True)
class Case:
    """A request to repeat, and the processes whose CPU its answers cost."""

    name: str
    request: Request
    processes: Mapping[str, psutil.Process]


@contextmanager
def empty_call() -> Iterator[Case]:
    """The empty server in a process of its own."""
    command = [sys.executable, "-m", "bench.empty"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            target = f"127.0.0.1:{process.stdout.readline().strip()}"
            request = Request(target, empty.METHOD, empty.request().SerializeToString())
            yield Case("empty call", request, {"empty": psutil.Process(process.pid)})
        finally:
            process.terminate()


def fill(client: Client, items: int, progress: Callable[[], None]) -> None:
    """The catalogue of `items` random vectors, with people who like some. Raises BenchFailed."""
    sample.create(client, CATALOGUE)
    space = client.model().spaces[0]
    points = enumerate(sample.vectors(space, items))
    sample.ingest(client, CATALOGUE, (NewItem(f"item-{n}", vectors=[point]) for n, point in points), progress)
    sample.populate(client, CATALOGUE)


def main_calls(client: Client, fleet: Fleet) -> Iterator[Case]:
    """One case for each main call, against a catalogue that is filled."""
    targets, photo = fleet.targets, common_pb2.Photo(data=picture(0))
    (query,) = islice(sample.vectors(client.model().spaces[0], 1, seed=1), 1)
    search = indexer_pb2.SearchRequest(
        catalogue=CATALOGUE, queries=[indexer_pb2.Query(name="vector", vector=query.message())], limit=LIMIT
    )
    by_person = ranker_pb2.RecommendRequest(catalogue=CATALOGUE, user_id="load-0", n=LIMIT)
    by_photo = ranker_pb2.RecommendRequest(catalogue=CATALOGUE, photo=photo, n=LIMIT)
    embed = embedder_pb2.EmbedImageRequest(photo=photo)
    calls = (
        ("search by vector", targets.indexer, "IndexerService/Search", search),
        ("recommend by person", targets.ranker, "RankerService/Recommend", by_person),
        ("embed a photo", targets.embedder, "EmbedderService/EmbedImage", embed),
        ("recommend by photo", targets.ranker, "RankerService/Recommend", by_photo),
    )
    for name, target, method, message in calls:
        yield Case(name, Request(target, f"/visrec.v1.{method}", message.SerializeToString()), fleet.processes())
