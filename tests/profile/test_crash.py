"""Acknowledged means kept: over restarts of the service and of Redis, graceful or not."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event as Flag

import grpc
import pytest

from services.profile.app import assemble
from services.profile.catalogue.items import MemoryItems, Resolved
from services.profile.filing.store_redis import RedisProfileStore
from services.profile.filing.store_rules import StoreRules
from services.profile.settings import ProfileSettings
from services.runtime.embedded import EmbeddedRedis
from services.runtime.redis import open_redis
from services.runtime.settings import RuntimeSettings
from tests.profile.builders import shop
from tests.profile.fake_indexer import fake_indexer, indexer
from tests.servers import await_serving, serving
from visrec.v1 import profile_pb2 as pb
from visrec.v1.profile_pb2_grpc import ProfileServiceStub

ROOT = Path(__file__).parent.parent.parent

ADA = pb.User(user_id="planted-person", consent=pb.Consent(personalisation=pb.CONSENT_STATE_GIVEN))

WRITERS = 4
MOST = 50
"""Events of one writer; together they fit the window."""
ENOUGH = 5
"""Acknowledged events of each writer before something is killed."""
CALL_S = 20.0
MANY = 10_000
"""Events of a minute that are not taken for a robot's here."""


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A server that may be killed."""
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_runtime(runtime: RuntimeSettings, own_redis: EmbeddedRedis) -> RuntimeSettings:
    return runtime.model_copy(update={"redis_url": own_redis.url})


class Writers:
    """Write one event after another, until they have written all or are told to stop; a failed call ends a writer."""

    def __init__(self, stub: ProfileServiceStub) -> None:
        self._stub = stub
        self._pool = ThreadPoolExecutor(WRITERS)
        self._acknowledged: list[list[str]] = [[] for _ in range(WRITERS)]
        self._enough = [Flag() for _ in range(WRITERS)]
        self._running = [self._pool.submit(self._write, number) for number in range(WRITERS)]

    def _write(self, number: int) -> None:
        try:
            for step in range(MOST):
                name = f"{number}-{step}"
                self._stub.RecordEvents(request(name), timeout=CALL_S)
                self._acknowledged[number].append(name)
                if step + 1 == ENOUGH:
                    self._enough[number].set()
        except grpc.RpcError:
            pass
        finally:
            self._enough[number].set()

    def under_way(self) -> None:
        for flag in self._enough:
            assert flag.wait(CALL_S)

    def acknowledged(self) -> set[str]:
        """Of those that were written when all have ended."""
        for running in self._running:
            running.result(CALL_S * 2)
        self._pool.shutdown()
        names = {name for each in self._acknowledged for name in each}
        assert len(names) >= WRITERS * ENOUGH
        return names


def request(name: str) -> pb.RecordEventsRequest:
    event = pb.Event(
        event_id=f"planted-{name}",
        user_id="planted-person",
        type=pb.EVENT_TYPE_LIKE,
        catalogue="shop",
        item_id=f"red-{name}",
    )
    return pb.RecordEventsRequest(events=[event])


def catalogue() -> MemoryItems:
    known = shop(1).resolve("shop", ["red-0"])
    names = [f"red-{number}-{step}" for number in range(WRITERS) for step in range(MOST)]
    return MemoryItems({"shop": Resolved(known.space, dict.fromkeys(names, known.items["red-0"]))})


def seen(stub: ProfileServiceStub) -> set[str]:
    wanted = pb.GetTasteRequest(user_id="planted-person", catalogue="shop", include_seen=True)
    return {item_id.removeprefix("red-") for item_id in stub.GetTaste(wanted, timeout=CALL_S).taste.seen_item_ids}


@contextmanager
def in_process(runtime: RuntimeSettings) -> Iterator[ProfileServiceStub]:
    store = RedisProfileStore(open_redis(runtime), "", StoreRules(per_minute=MANY))
    with serving(assemble(ProfileSettings(), store, catalogue()), runtime) as served:
        yield ProfileServiceStub(served.channel)


def test_a_restart_of_the_service_keeps_everything(own_runtime: RuntimeSettings) -> None:
    with in_process(own_runtime) as stub:
        stub.PutUser(pb.PutUserRequest(user=ADA))
        acknowledged = Writers(stub).acknowledged()
    with in_process(own_runtime) as stub:
        assert seen(stub) == acknowledged
        assert len(acknowledged) == WRITERS * MOST


def test_killing_redis_loses_no_acknowledged_event(own_runtime: RuntimeSettings, own_redis: EmbeddedRedis) -> None:
    with in_process(own_runtime) as stub:
        stub.PutUser(pb.PutUserRequest(user=ADA))
        writers = Writers(stub)
        writers.under_way()
        kill(own_redis)
        acknowledged = writers.acknowledged()
        own_redis.start()
        await_recovery(stub)
        assert acknowledged <= seen(stub)
        again = stub.RecordEvents(request("0-0"), timeout=CALL_S).results[0]
        assert again.outcome == pb.EVENT_OUTCOME_DUPLICATE


def kill(server: EmbeddedRedis) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    server.wait()


def await_recovery(stub: ProfileServiceStub) -> None:
    """Until a call is answered; before that UNAVAILABLE is the right answer."""
    end = time.monotonic() + CALL_S
    while (code := status_of_get(stub)) is not grpc.StatusCode.OK:
        assert code is grpc.StatusCode.UNAVAILABLE
        assert time.monotonic() < end


def status_of_get(stub: ProfileServiceStub) -> grpc.StatusCode:
    try:
        stub.GetUser(pb.GetUserRequest(user_id="planted-person"), timeout=CALL_S)
    except grpc.RpcError as failure:
        return failure.code()
    return grpc.StatusCode.OK


class ServiceProcess:
    """`python -m services profile`, as the launcher starts it, with its log in a file."""

    def __init__(self, runtime: RuntimeSettings, indexer_target: str, log: Path) -> None:
        self._environment = os.environ | {
            "VISREC_REDIS_URL": runtime.redis_url,
            "VISREC_VAR_DIR": str(runtime.var_dir),
            "VISREC_INDEXER_TARGET": indexer_target,
            "VISREC_CANARY_EVERY_S": "0.05",
            "VISREC_LOG_LEVEL": "debug",
            "VISREC_PROFILE_METRICS_PORT": "0",
            "VISREC_PROFILE_MAX_EVENTS_PER_MINUTE": str(MANY),
        }
        self._log = log

    @contextmanager
    def running(self) -> Iterator[tuple[ProfileServiceStub, subprocess.Popen[bytes]]]:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        environment = self._environment | {"VISREC_PROFILE_PORT": str(port)}
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "services", "profile"], cwd=ROOT, env=environment, stderr=log, stdout=log
            )
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                await_serving(channel)
                yield ProfileServiceStub(channel), process
        finally:
            process.kill()
            process.wait()


def test_killing_the_service_loses_no_acknowledged_event_and_its_log_names_nobody(
    own_runtime: RuntimeSettings, tmp_path: Path
) -> None:
    log = tmp_path / "profile.log"
    with indexer(fake_indexer(catalogue())) as target:
        service = ServiceProcess(own_runtime, target, log)
        with service.running() as (stub, process):
            stub.PutUser(pb.PutUserRequest(user=ADA))
            writers = Writers(stub)
            writers.under_way()
            process.kill()
            acknowledged = writers.acknowledged()
        with service.running() as (stub, process):
            assert acknowledged <= seen(stub)
            with pytest.raises(grpc.RpcError):
                stub.GetUser(pb.GetUserRequest(user_id="planted-stranger"))
            process.send_signal(signal.SIGTERM)
            assert process.wait(CALL_S) == 0
    told = log.read_text()
    assert "RecordEvents" in told
    assert "planted" not in told
    assert "red-0" not in told
