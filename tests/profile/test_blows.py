"""kill -9 of the service and of Redis, again and again, while people do things: what was acknowledged is kept."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.profile.catalogue.items import MemoryItems, Resolved
from services.runtime.embedded import EmbeddedRedis
from services.runtime.settings import RuntimeSettings
from tests.profile.builders import DAY_MS, MINUTE_MS, SPACE, shop
from tests.profile.fake_indexer import fake_indexer, indexer
from visrec.v1 import profile_pb2 as pb
from visrec.v1.profile_pb2_grpc import ProfileServiceStub

ROOT = Path(__file__).parent.parent.parent

EACH = 250
"""Events of a person: more than are kept one by one, so that some are settled on the way."""
CALL = 25
WRITERS = 4
CALL_S = 20.0
PATIENCE = 200
"""Attempts at one call. Each waits for the service to be there again."""
YESTERDAY_MS = time.time_ns() // 1_000_000 - DAY_MS
GOOD = {pb.EVENT_OUTCOME_LEARNED, pb.EVENT_OUTCOME_DUPLICATE}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Service:
    """`python -m services profile` on a port of its own, which it takes again after each blow."""

    runtime: RuntimeSettings
    indexer_target: str
    log: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = os.environ | {
            "VISREC_REDIS_URL": self.runtime.redis_url,
            "VISREC_VAR_DIR": str(self.runtime.var_dir),
            "VISREC_INDEXER_TARGET": self.indexer_target,
            "VISREC_CANARY_EVERY_S": "0.05",
            "VISREC_PROFILE_METRICS_PORT": "0",
            "VISREC_PROFILE_PORT": str(self.port),
        }
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "services", "profile"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log, stdout=log)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    @contextmanager
    def stub(self) -> Iterator[ProfileServiceStub]:
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            yield ProfileServiceStub(channel)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def service(own_redis: EmbeddedRedis, runtime: RuntimeSettings, tmp_path: Path) -> Iterator[Service]:
    items = dict.fromkeys(
        (f"item-{number}" for number in range(EACH)), shop(1).resolve("shop", ["red-0"]).items["red-0"]
    )
    known = MemoryItems({"shop": Resolved(SPACE, items)})
    with indexer(fake_indexer(known)) as target:
        service = Service(runtime.model_copy(update={"redis_url": own_redis.url}), target, tmp_path / "profile.log")
        service.start()
        yield service
        service.kill()


class Progress:
    """Counts calls that were acknowledged, and lets somebody wait for so many."""

    def __init__(self) -> None:
        self._done = 0
        self._changed = threading.Condition()

    def one_more(self) -> None:
        with self._changed:
            self._done += 1
            self._changed.notify_all()

    def reached(self, calls: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._done >= calls, timeout=PATIENCE * CALL_S)


def call_of(person: str, first: int) -> pb.RecordEventsRequest:
    return pb.RecordEventsRequest(events=[event_of(person, number) for number in range(first, first + CALL)])


def event_of(person: str, number: int) -> pb.Event:
    when = Timestamp()
    when.FromMilliseconds(YESTERDAY_MS + number * MINUTE_MS)
    return pb.Event(
        event_id=f"{person}-{number}",
        user_id=person,
        type=pb.EVENT_TYPE_LIKE,
        catalogue="shop",
        item_id=f"item-{number}",
        time=when,
    )


def insist(service: Service, request: pb.RecordEventsRequest) -> set[str]:
    """Makes a call until every event of it was acknowledged, as a caller does whose answers get lost."""
    acknowledged: set[str] = set()
    for _ in range(PATIENCE):
        try:
            with service.stub() as stub:
                results = stub.RecordEvents(request, timeout=CALL_S, wait_for_ready=True).results
        except grpc.RpcError:
            continue
        acknowledged |= {each.event_id for each in results if each.outcome in GOOD}
        if len(acknowledged) == len(request.events):
            return acknowledged
    raise AssertionError("the service does not come back")


def write(service: Service, people: list[str], progress: Progress) -> set[str]:
    acknowledged = set()
    for first in range(0, EACH, CALL):
        for person in people:
            acknowledged |= insist(service, call_of(person, first))
            progress.one_more()
    return acknowledged


@pytest.mark.parametrize(
    ("people", "blows"), [(4, 1), pytest.param(40, 8, marks=pytest.mark.soak)], ids=["a thousand", "ten thousand"]
)
def test_every_acknowledged_event_is_in_the_profile_after_blows(
    service: Service, own_redis: EmbeddedRedis, people: int, blows: int
) -> None:
    names = [f"person-{number}" for number in range(people)]
    consent = pb.Consent(personalisation=pb.CONSENT_STATE_GIVEN)
    with service.stub() as stub:
        for name in names:
            user = pb.User(user_id=name, consent=consent)
            stub.PutUser(pb.PutUserRequest(user=user), timeout=CALL_S, wait_for_ready=True)
    progress, calls = Progress(), people * EACH // CALL
    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(write, service, names[number::WRITERS], progress) for number in range(WRITERS)]
        for blow in range(blows):
            assert progress.reached((blow * 2 + 1) * calls // (blows * 2 + 1))
            service.kill()
            service.start()
            assert progress.reached((blow * 2 + 2) * calls // (blows * 2 + 1))
            kill(own_redis)
            own_redis.start()
        acknowledged = set().union(*(each.result() for each in writers))
    assert len(acknowledged) == people * EACH
    service.kill()
    service.start()
    with service.stub() as stub:
        for name in names:
            request = pb.GetTasteRequest(user_id=name, catalogue="shop", include_seen=True)
            taste = answered(stub, request)
            assert taste.events == EACH
            assert set(taste.seen_item_ids) == {f"item-{number}" for number in range(EACH)}
            assert taste.interests


def answered(stub: ProfileServiceStub, request: pb.GetTasteRequest) -> pb.Taste:
    return stub.GetTaste(request, timeout=CALL_S, wait_for_ready=True).taste


def kill(server: EmbeddedRedis) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
