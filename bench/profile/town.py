"""A catalogue, a profile service over it, and people in it who like some of its items."""

from __future__ import annotations

import os
import random
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import grpc
import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bench.failure import BenchFailed
from bench.indexer import grpc_line, house, load
from bench.indexer.child import Child
from bench.indexer.data import FOLDER
from bench.indexer.grpc_line import GrpcLine
from bench.indexer.house import CALL_S, CATALOGUE, House
from bench.indexer.load import Endpoint
from bench.indexer.space import Block, Space
from demo import fleet
from visrec.v1 import common_pb2, indexer_pb2, profile_pb2
from visrec.v1.profile_pb2_grpc import ProfileServiceStub

SERVICE = "visrec.v1.ProfileService"
SPACE = Space("tastes of three kinds", (Block("content", 256, 1.0), Block("colour", 64, 0.3), Block("style", 64, 0.1)))
KINDS, EACH = 30, 20
"""Of items; those of a kind are alike, and others are not."""
TASTES = 3
"""Kinds that a person likes."""
CALLERS = 16
LOG = FOLDER / "profile.log"
START_WITHIN_S = 120.0
DAY_S = 86_400
GIVEN = profile_pb2.Consent(
    personalisation=profile_pb2.CONSENT_STATE_GIVEN,
    photo_learning=profile_pb2.CONSENT_STATE_GIVEN,
    segments=profile_pb2.CONSENT_STATE_GIVEN,
)

Say = Callable[[str], None]
T = TypeVar("T")


class Town:
    """Close it. `profile`: the process that is measured; its record is that of `house`."""

    def __init__(self, over: House, folder: Path) -> None:
        self.house = over
        port, metrics_port = fleet.free_ports([0, 0])
        self.address = f"127.0.0.1:{port}"
        environment = {
            **os.environ,
            "VISREC_HOST": "127.0.0.1",
            "VISREC_PROFILE_PORT": str(port),
            "VISREC_PROFILE_METRICS_PORT": str(metrics_port),
            "VISREC_INDEXER_TARGET": over.address,
            "VISREC_REDIS_URL": over.redis_url,
            "VISREC_VAR_DIR": str(folder / "var"),
            "VISREC_LOG_LEVEL": "warning",
        }
        self.profile = Child("the profile service", [sys.executable, "-m", "services", "profile"], LOG, environment)
        self._channel = grpc.insecure_channel(self.address)
        self.stub = ProfileServiceStub(self._channel)

    def await_serving(self) -> None:
        """Raises BenchFailed."""
        health = health_pb2_grpc.HealthStub(self._channel)

        def serving() -> bool:
            try:
                answer = health.Check(health_pb2.HealthCheckRequest(service=SERVICE), timeout=5)
            except grpc.RpcError:
                return False
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

        self.profile.await_that(serving, START_WITHIN_S)

    def endpoint(self, method: str, messages: Sequence[Any]) -> Endpoint:
        """These requests, in turn."""
        path = f"/{SERVICE}/{method}"
        return Endpoint(lambda: GrpcLine(self.address, path), [grpc_line.body(m.SerializeToString()) for m in messages])

    def put(self, people: Sequence[str]) -> None:
        """Makes them. Raises BenchFailed."""
        users = (profile_pb2.User(user_id=name, attributes=_attributes(name), consent=GIVEN) for name in people)
        load.once(self.endpoint("PutUser", [profile_pb2.PutUserRequest(user=user) for user in users]), CALLERS)

    def like(self, people: Sequence[str], events: int) -> None:
        """Each likes so many items of their own kinds. Raises BenchFailed."""
        every = [event for name in people for event in likes(name, events)]
        requests = [profile_pb2.RecordEventsRequest(events=some) for some in some_of(every, 100)]
        load.once(self.endpoint("RecordEvents", requests), CALLERS // 4)

    def look(self, people: Sequence[str], at_once: int = 32) -> None:
        """Every taste once, so that it is kept. Raises BenchFailed."""
        load.once(self.endpoint("GetTastes", [asked(some) for some in some_of(people, at_once)]), CALLERS // 4)

    def memory(self) -> int:
        """Bytes that Redis holds, without what its clients need for a moment."""
        told = _info(self.house.redis_url, "memory")
        return told["used_memory"] - told["mem_clients_normal"] - told["mem_aof_buffer"]

    def close(self) -> None:
        self._channel.close()
        self.profile.stop()


@contextmanager
def opened(say: Say) -> Iterator[Town]:
    """One with a catalogue and nobody in it; gone at the end. Raises BenchFailed."""
    with house.opened() as over:
        say("filling the catalogue")
        _fill(over)
        town = Town(over, FOLDER)
        try:
            town.await_serving()
            yield town
        except grpc.RpcError as error:
            raise BenchFailed(f"the profile service: {error.code().name} {error.details()}") from error
        finally:
            town.close()


def asked(people: Sequence[str]) -> profile_pb2.GetTastesRequest:
    """For their tastes."""
    return profile_pb2.GetTastesRequest(requests=[taste(name) for name in people])


def taste(name: str) -> profile_pb2.GetTasteRequest:
    """For one."""
    return profile_pb2.GetTasteRequest(user_id=name, catalogue=CATALOGUE)


def likes(name: str, count: int, since: int = 0) -> list[profile_pb2.Event]:
    """The same ones for the same name: of three kinds in turn, two hours apart, the last one today; ids from `since`
    on."""
    dice = random.Random(name)  # noqa: S311 - to be the same each time
    kinds = dice.sample(range(KINDS), TASTES)
    now = int(time.time())
    return [
        profile_pb2.Event(
            event_id=f"e{since + number}",
            user_id=name,
            type=profile_pb2.EVENT_TYPE_LIKE,
            catalogue=CATALOGUE,
            item_id=f"item-{kinds[number % TASTES]}-{dice.randrange(EACH)}",
            time=Timestamp(seconds=now - 7200 * (count - number)),
        )
        for number in range(count)
    ]


def some_of(every: Sequence[T], count: int) -> Iterator[Sequence[T]]:
    """So many at a time."""
    return (every[first : first + count] for first in range(0, len(every), count))


def _info(url: str, section: str) -> dict[str, int]:
    """The numbers of a section of what a Redis tells of itself; an inline command over a bare socket."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), CALL_S) as line, line.makefile("rb") as file:
        line.sendall(f"INFO {section}\r\n".encode())
        told = file.read(int(file.readline()[1:])).decode()
    pairs = (row.partition(":")[::2] for row in told.splitlines())
    return {name: int(value) for name, value in pairs if value.isdigit()}


def _attributes(name: str) -> profile_pb2.UserAttributes:
    dice = random.Random(name)  # noqa: S311 - to be the same each time
    return profile_pb2.UserAttributes(
        age=dice.randrange(16, 90), location=profile_pb2.Location(country="PT", city="Lisboa"), interests=["walking"]
    )


def _fill(over: House) -> None:
    """KINDS kinds of EACH items, whose vectors lie close together."""
    over.create(SPACE)
    dice = np.random.default_rng(1)
    centres = np.repeat(dice.normal(size=(KINDS, SPACE.dimension)), EACH, axis=0)
    points = SPACE.normalised((centres + 0.3 * dice.normal(size=centres.shape)).astype(np.float32))
    names = [f"item-{kind}-{number}" for kind in range(KINDS) for number in range(EACH)]
    items = [
        indexer_pb2.IngestItem(
            item=indexer_pb2.Item(id=name, domain="fashion", category=name.rsplit("-", 1)[0], title=name),
            vectors=[common_pb2.Vector(space=SPACE.name, data=point.astype("<f4").tobytes())],
        )
        for name, point in zip(names, points, strict=True)
    ]
    for some in some_of(items, 200):
        over.stub.IngestItems(indexer_pb2.IngestItemsRequest(catalogue=CATALOGUE, items=some), timeout=CALL_S)
