"""All four services and Redis, each a process of its own, metrics on; a catalogue, and people who like items of it."""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bench.failure import BenchFailed
from bench.indexer import data as indexed
from bench.indexer import filling, load
from bench.indexer.child import Child
from bench.indexer.data import Rows
from bench.indexer.grpc_line import GrpcLine, body
from bench.indexer.house import CALL_S, CATALOGUE, House
from bench.indexer.load import Endpoint
from bench.profile.town import Say, Town, some_of
from bench.ranker.wares import Wares
from demo import fleet
from visrec.v1 import embedder_pb2, profile_pb2
from visrec.v1.embedder_pb2_grpc import EmbedderServiceStub

FOLDER = indexed.FOLDER.parent / "ranker"
START_WITHIN_S = 240.0
"""The first start of the embedder builds the network."""
EVENTS = 12
TASTES = 3
"""Kinds that a person likes."""
NOISE = 0.1
"""Share of events with any item at all."""
FILLED = "filled"
"""Name of the file that tells that a kept folder has everything in it."""


class City:
    """Close it. `processes`: what is measured, by name. `wares` are in the catalogue, `rows` as the index has them;
    `people` are who is asked for."""

    def __init__(self, folder: Path, held: ExitStack, items: int, people: int) -> None:
        self.people = [f"citizen-{number}" for number in range(people)]
        self.house = House(folder)
        held.callback(self.house.close)
        self.house.await_serving()
        ports = fleet.free_ports([0] * 4)
        self.embedder_address, self.ranker_address = (f"127.0.0.1:{port}" for port in ports[:2])
        common = {
            **os.environ,
            "VISREC_HOST": "127.0.0.1",
            "VISREC_REDIS_URL": self.house.redis_url,
            "VISREC_VAR_DIR": str(folder / "var"),
            "VISREC_LOG_LEVEL": "warning",
            # What was seen in a photo is not remembered: the same few photos come again and again.
            "VISREC_EMBEDDER_CACHE_BYTES": "0",
            "VISREC_EMBEDDER_MODEL_DIR": str(FOLDER / "models"),
            "VISREC_EMBEDDER_PORT": str(ports[0]),
            "VISREC_EMBEDDER_METRICS_PORT": str(ports[2]),
            "VISREC_RANKER_PORT": str(ports[1]),
            "VISREC_RANKER_METRICS_PORT": str(ports[3]),
            "VISREC_EMBEDDER_TARGET": self.embedder_address,
            "VISREC_INDEXER_TARGET": self.house.address,
        }
        embedder = held.enter_context(_service("embedder", common))
        await_serving(embedder, self.embedder_address, "visrec.v1.EmbedderService")
        self.wares = Wares(_space(self.embedder_address))
        self.rows = Rows.written(self.wares, items, FOLDER)
        self.town = Town(self.house, folder)
        held.callback(self.town.close)
        self.town.await_serving()
        self._ranker_environment = common | {"VISREC_PROFILE_TARGET": self.town.address}
        self.processes: dict[str, Child] = {
            "profile": self.town.profile,
            "indexer": self.house.indexer,
            "embedder": embedder,
        }

    def start_ranker(self, held: ExitStack) -> None:
        """The last, when there is something to recommend. Raises BenchFailed."""
        ranker = held.enter_context(_service("ranker", self._ranker_environment))
        await_serving(ranker, self.ranker_address, "visrec.v1.RankerService")
        self.processes["ranker"] = ranker

    def fill(self, say: Say) -> None:
        """Items and people, from nothing. Raises BenchFailed."""
        rows, people = self.rows, self.people
        say(f"filling: {len(rows):,} items")
        self.house.create(self.wares.space)
        filling.fill(self.house, self.wares, 0, len(rows), lambda _: None)
        say("filling: the index settles")
        self.house.settle()
        kinds = [np.flatnonzero(rows.categories == kind) for kind in range(int(rows.categories.max()) + 1)]
        kinds = [kind for kind in kinds if len(kind)]
        for number, some in enumerate(some_of(people, 1000)):
            say(f"filling: people, {number * 1000:,} of {len(people):,}")
            self.town.put(some)
            events = [event for name in some for event in likes(name, kinds, len(rows))]
            requests = [profile_pb2.RecordEventsRequest(events=few) for few in some_of(events, 100)]
            load.once(self.town.endpoint("RecordEvents", requests), 4)

    def settle(self, say: Say) -> None:
        """Every taste is kept and the index is at rest. Raises BenchFailed."""
        say("tastes are made")
        requests = [self.tastes_request(some) for some in some_of(self.people, 32)]
        load.once(self.town.endpoint("GetTastes", requests), 4)
        self.house.settle()

    def tastes_request(self, people: Sequence[str]) -> profile_pb2.GetTastesRequest:
        """For their tastes in the space of the catalogue."""
        return profile_pb2.GetTastesRequest(
            requests=[
                profile_pb2.GetTasteRequest(
                    user_id=name, catalogue=CATALOGUE, space=self.wares.space.name, include_seen=True
                )
                for name in people
            ]
        )

    def recommending(self, requests: Sequence[Any]) -> Endpoint:
        """These requests, in turn."""
        return endpoint(self.ranker_address, "visrec.v1.RankerService/Recommend", requests)

    def embedding(self, requests: Sequence[Any]) -> Endpoint:
        """These requests, in turn."""
        return endpoint(self.embedder_address, "visrec.v1.EmbedderService/EmbedImage", requests)

    def spent_s(self) -> dict[str, float]:
        """Processor time of each process until now, that of Redis, too."""
        return {name: child.cpu_s() for name, child in self.processes.items()} | {"redis": self.house.redis.cpu_s()}


def endpoint(address: str, method: str, requests: Sequence[Any]) -> Endpoint:
    """Requests of one method, in turn."""
    return Endpoint(lambda: GrpcLine(address, f"/{method}"), [body(each.SerializeToString()) for each in requests])


@contextmanager
def opened(items: int, people: int, say: Say, *, keep: bool) -> Iterator[City]:
    """One with so many items and people in it, settled. `keep`: what an earlier run has filled is taken, and left for
    the next. Raises BenchFailed."""
    folder = FOLDER / f"city-{items}-{people}"
    if not (keep and (folder / FILLED).exists()):
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as held:
            say("starting")
            city = City(folder, held, items, people)
            if not (folder / FILLED).exists():
                city.fill(say)
                (folder / FILLED).touch()
            city.settle(say)
            city.start_ranker(held)
            yield city
    except grpc.RpcError as error:
        raise BenchFailed(f"{error.code().name} {error.details()}") from error
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def likes(name: str, kinds: Sequence[Any], items: int) -> list[profile_pb2.Event]:
    """The same ones for the same name: of three kinds in turn, some of any, two hours apart, the last one today."""
    dice = random.Random(name)  # noqa: S311 - to be the same each time
    liked = dice.sample(range(len(kinds)), TASTES)
    now = int(time.time())
    events = []
    for number in range(EVENTS):
        kind = kinds[liked[number % TASTES]]
        row = dice.randrange(items) if dice.random() < NOISE else int(kind[dice.randrange(len(kind))])
        events.append(
            profile_pb2.Event(
                event_id=f"e{number}",
                user_id=name,
                type=profile_pb2.EVENT_TYPE_LIKE,
                catalogue=CATALOGUE,
                item_id=filling.name(row),
                time=Timestamp(seconds=now - 7200 * (EVENTS - number)),
            )
        )
    return events


def await_serving(child: Child, address: str, service: str) -> None:
    """Raises BenchFailed."""
    with grpc.insecure_channel(address) as channel:
        health = health_pb2_grpc.HealthStub(channel)

        def serving() -> bool:
            try:
                answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
            except grpc.RpcError:
                return False
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

        child.await_that(serving, START_WITHIN_S)


def _service(name: str, environment: Mapping[str, str]) -> Child:
    return Child(f"the {name}", [sys.executable, "-m", "services", name], FOLDER / f"{name}.log", environment)


def _space(address: str) -> Any:
    with grpc.insecure_channel(address) as channel:
        answer = EmbedderServiceStub(channel).GetModel(embedder_pb2.GetModelRequest(), timeout=CALL_S)
    return answer.model.spaces[0]
