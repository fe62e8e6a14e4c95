"""The four services to measure: those that run already, or a private set on free ports, started and stopped here."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bench.failure import BenchFailed
from visrec.connection import Targets

SERVICES = ("embedder", "indexer", "profile", "ranker")

START_S = 300.0
"""The first start builds and quantises the network."""

STOP_S = 60.0

SETTLE_S = 300.0
IDLE_CPU_S = 0.2
"""CPU that five idle processes may use in a second: health, metrics, Redis' timers."""

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Fleet:
    """Where the services are. `launcher` and `metrics_ports` are known only of a set that was started here."""

    targets: Targets
    launcher: psutil.Process | None = None
    metrics_ports: Mapping[str, int] | None = None

    def settle(self) -> None:
        """Waits until no service computes any more, as an index does for some time after an ingest. Raises
        BenchFailed."""
        deadline = time.monotonic() + SETTLE_S
        processes = self.processes().values()
        while time.monotonic() < deadline:
            before = sum(sum(process.cpu_times()[:2]) for process in processes)
            time.sleep(1.0)
            if sum(sum(process.cpu_times()[:2]) for process in processes) - before < IDLE_CPU_S:
                return
        raise BenchFailed(f"the services still compute {SETTLE_S:.0f} s after the ingest")

    def processes(self) -> dict[str, psutil.Process]:
        """Name to process: the four services and `redis`. Empty for services that were not started here."""
        found: dict[str, psutil.Process] = {}
        for process in self.launcher.children(recursive=True) if self.launcher else []:
            words = process.cmdline()
            if name := next((name for name in SERVICES if words[-1:] == [name]), None):
                found[name] = process
            elif words and "redis" in words[0]:
                found["redis"] = process
        return found


def running(targets: Targets) -> Fleet:
    """The services at `targets`. Raises BenchFailed unless all four are serving."""
    for name in SERVICES:
        target = getattr(targets, name)
        with grpc.insecure_channel(target) as channel:
            if not _is_serving(channel):
                raise BenchFailed(f"the {name} at {target} is not serving; start all: python -m services all")
    return Fleet(targets)


@contextmanager
def running_or_started(targets: Targets) -> Iterator[Fleet]:
    """The services at `targets` when all of them run, else `started`."""
    try:
        fleet = running(targets)
    except BenchFailed:
        with started() as fleet:
            yield fleet
    else:
        yield fleet


@contextmanager
def started(settings: Mapping[str, str] | None = None) -> Iterator[Fleet]:
    """A private set with an empty record, on free ports of this machine, gone at the end. `settings` are further
    variables of its environment. Raises BenchFailed."""
    ports = dict(zip(SERVICES, _free_ports(4), strict=True))
    metrics_ports = dict(zip(SERVICES, _free_ports(4), strict=True))
    with tempfile.TemporaryDirectory(prefix="visrec-bench-") as folder:
        environment = {**os.environ, **_environment(Path(folder), ports, metrics_ports), **(settings or {})}
        log = Path(folder) / "services.log"
        with log.open("wb") as output:
            command = [sys.executable, "-m", "services", "all"]
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        targets = Targets.from_environment(environment)
        try:
            _await(process, targets, log)
            yield Fleet(targets, psutil.Process(process.pid), metrics_ports)
        finally:
            _stop(process)


def _environment(folder: Path, ports: Mapping[str, int], metrics_ports: Mapping[str, int]) -> dict[str, str]:
    values = {"VISREC_VAR_DIR": str(folder), "VISREC_REDIS_URL": "", "VISREC_LOG_LEVEL": "warning"}
    for name in SERVICES:
        values[f"VISREC_{name.upper()}_PORT"] = str(ports[name])
        values[f"VISREC_{name.upper()}_METRICS_PORT"] = str(metrics_ports[name])
        values[f"VISREC_{name.upper()}_TARGET"] = f"127.0.0.1:{ports[name]}"
    return values


def _await(process: subprocess.Popen[bytes], targets: Targets, log: Path) -> None:
    deadline = time.monotonic() + START_S
    for name in SERVICES:
        with grpc.insecure_channel(getattr(targets, name)) as channel:
            while not _came_up(channel):
                if process.poll() is not None or time.monotonic() > deadline:
                    tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
                    raise BenchFailed(f"the services did not start; the end of their log:\n{tail}")


def _came_up(channel: grpc.Channel) -> bool:
    """Waits up to two seconds for SERVING; returns early, after the connection, when it comes."""
    try:
        grpc.channel_ready_future(channel).result(timeout=2.0)
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=2.0)
        return any(status.status == health_pb2.HealthCheckResponse.SERVING for status in watch)
    except (grpc.RpcError, grpc.FutureTimeoutError):
        return False


def _is_serving(channel: grpc.Channel) -> bool:
    try:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2.0)
    except grpc.RpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_ports(count: int) -> list[int]:
    """Ports that were free just now; all are held until all are known, so that none comes twice."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
