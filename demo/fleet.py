"""The running services: those that answer already, or `python -m services all` started for the demonstration."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from visrec.connection import Targets

SERVICES = ("embedder", "indexer", "profile", "ranker")

START_WITHIN_S = 240.0
"""The first start builds and quantises the network."""

STOP_WITHIN_S = 40.0


class FleetError(RuntimeError):
    """The services do not start or do not become ready; says where to look."""


@dataclass(frozen=True)
class Fleet:
    """Where the services are. `process` is None when they ran before and go on running."""

    targets: Targets
    process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which another caller finds them."""
        return {f"VISREC_{name.upper()}_TARGET": getattr(self.targets, name) for name in SERVICES}

    def wait(self) -> None:
        """Until a signal ends this process. Raises FleetError when services that were started here end before that."""
        if self.process is None:
            Event().wait()
        else:
            raise FleetError(f"the services ended by themselves, with exit code {self.process.wait()}")


@contextmanager
def running(var: Path, log: Path, say: Callable[[str], None], waiting: Callable[[list[str]], None]) -> Iterator[Fleet]:
    """The services while the context lasts. Those that were started here are stopped at its end.

    `var` is where they keep their data and `log` gets what they print; `waiting` is told again and again which services
    are not ready yet. Raises FleetError.
    """
    known = Targets.from_environment(os.environ)
    if not _not_ready(known):
        say(f"using the services that run already (ranker at {known.ranker})")
        yield Fleet(known)
        return
    fleet = _start(known, var, log)
    try:
        _wait(fleet, log, waiting)
        yield fleet
    finally:
        say("stopping the services …")
        _stop(fleet)


def _start(known: Targets, var: Path, log: Path) -> Fleet:
    ports = _ports(known)
    embedder, indexer, profile, ranker = (f"127.0.0.1:{ports[name]}" for name in SERVICES)
    targets = Targets(embedder, indexer, profile, ranker)
    fleet = Fleet(targets)
    environment = {**os.environ, **fleet.environment, "VISREC_VAR_DIR": str(var), "VISREC_HOST": "127.0.0.1"}
    for name, port in ports.items():
        environment[f"VISREC_{name.upper()}_PORT"] = str(port)
        environment[f"VISREC_{name.upper()}_METRICS_PORT"] = "0"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "services", "all"], stdout=output, stderr=subprocess.STDOUT, env=environment
        )
    return Fleet(targets, process)


def _ports(known: Targets) -> dict[str, int]:
    """The services' usual ports as far as nobody has them, else any free ones."""
    with ExitStack() as stack:
        return {name: _free_port(stack, getattr(known, name)) for name in SERVICES}


def _free_port(stack: ExitStack, usual: str) -> int:
    """All sockets stay open until every port is chosen, so that none is chosen twice."""
    number = usual.rpartition(":")[2]
    for port in (int(number) if number.isdigit() else 0, 0):
        candidate = stack.enter_context(socket.socket())
        # Connections of an earlier run that linger for a minute do not count as somebody who has the port.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            continue
        return int(candidate.getsockname()[1])
    raise FleetError("no free port on loopback")


def _wait(fleet: Fleet, log: Path, waiting: Callable[[list[str]], None]) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while missing := _not_ready(fleet.targets):
        waiting(missing)
        assert fleet.process is not None
        if fleet.process.poll() is not None:
            raise FleetError(
                f"the services ended with exit code {fleet.process.returncode}: {_last_line(log)} (all of it: {log})"
            )
        if time.monotonic() > deadline:
            raise FleetError(f"{', '.join(missing)} not ready within {START_WITHIN_S:.0f} s; {log} has what they said")
        time.sleep(0.2)


def _not_ready(targets: Targets) -> list[str]:
    return [name for name in SERVICES if not _serving(targets, name)]


def _serving(targets: Targets, name: str) -> bool:
    target, tls = getattr(targets, name), targets.tls
    channel = grpc.secure_channel(target, tls.credentials()) if tls else grpc.insecure_channel(target)
    request = health_pb2.HealthCheckRequest(service=f"visrec.v1.{name.capitalize()}Service")
    with channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=1)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _stop(fleet: Fleet) -> None:
    process = fleet.process
    if process is None:
        return
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1][:300] if lines else "they said nothing"
