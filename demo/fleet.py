"""The running services: those that answer already, or `python -m services all` started to be shown or measured."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from visrec.connection import Targets

SERVICES = ("embedder", "indexer", "profile", "ranker")

METRICS_PORTS = (9151, 9152, 9153, 9154)
"""Where the services tell their metrics unless the environment says otherwise or somebody has the ports, in the
order of SERVICES."""

START_WITHIN_S = 240.0
"""The first start builds and quantises the network."""

STOP_WITHIN_S = 40.0

Waiting = Callable[[list[str]], None]


class FleetError(RuntimeError):
    """The services do not start or do not become ready; says where to look."""


@dataclass(frozen=True)
class Fleet:
    """Where the services are. `process` is None when they ran before and go on running; `metrics` has the ports, of
    this machine, where each tells its metrics, as far as they were started here to do so."""

    targets: Targets
    process: subprocess.Popen[bytes] | None = None
    metrics: Mapping[str, int] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which another caller finds them."""
        return {f"VISREC_{name.upper()}_TARGET": getattr(self.targets, name) for name in SERVICES}

    @property
    def addresses(self) -> str:
        """Where each of them is, for people."""
        return ", ".join(f"{name} at {getattr(self.targets, name)}" for name in SERVICES)

    def wait(self) -> None:
        """Until a signal ends this process. Raises FleetError when services that were started here end before that."""
        if self.process is not None:
            raise FleetError(f"the services ended by themselves, with exit code {self.process.wait()}")


def found() -> Fleet | None:
    """The services that another start left running where the environment says they are; None unless all are ready."""
    known = named(os.environ)
    return None if not_ready(known) else Fleet(known)


def named(environment: Mapping[str, str]) -> Targets:
    """Where the services are or shall be: VISREC_…_PORT of this machine, as the services read it, else …_TARGET. Raises
    FleetError for a port that is none."""
    told = Targets.from_environment(environment)
    ports = {name: _port_named(environment, name, "PORT") for name in SERVICES}
    embedder, indexer, profile, ranker = (
        str(getattr(told, name)) if port is None else f"127.0.0.1:{port}" for name, port in ports.items()
    )
    return Targets(embedder, indexer, profile, ranker, told.tls)


def _metrics_ports(environment: Mapping[str, str]) -> dict[str, int]:
    """Of those that are to tell any."""
    named = {name: _port_named(environment, name, "METRICS_PORT") for name in SERVICES}
    ports = zip(named.items(), METRICS_PORTS, strict=True)
    return {name: usual if port is None else port for (name, port), usual in ports if port != 0}


def _port_named(environment: Mapping[str, str], service: str, what: str) -> int | None:
    variable = f"VISREC_{service.upper()}_{what}"
    value = environment.get(variable, "")
    if value and not (value.isdecimal() and int(value) < 2**16):
        raise FleetError(f"{variable}: give a number from 0 to 65535, not {value!r}")
    return int(value) if value else None


@contextmanager
def own(var: Path, log: Path, say: Callable[[str], None], waiting: Waiting) -> Iterator[Fleet]:
    """Services started here, on the ports that the environment names as far as they are free (0 of metrics: none);
    stopped at the end.

    `var` is where they keep their data unless VISREC_VAR_DIR says otherwise; `log` and `waiting` as for `started`.
    Raises FleetError.
    """
    known = named(os.environ)
    telling = _metrics_ports(os.environ)
    ports = free_ports([*(_port(known, name) for name in SERVICES), *telling.values()])
    targets = on_loopback(ports[: len(SERVICES)])
    metrics = dict(zip(telling, ports[len(SERVICES) :], strict=True))
    settings = {f"VISREC_{name.upper()}_METRICS_PORT": str(port) for name, port in metrics.items()}
    settings["VISREC_VAR_DIR"] = os.environ.get("VISREC_VAR_DIR") or str(var)
    with started(targets, settings, log, waiting) as process:
        try:
            yield Fleet(targets, process, metrics)
        finally:
            say("stopping the services …")


@contextmanager
def started(
    targets: Targets, settings: Mapping[str, str], log: Path, waiting: Waiting = lambda _: None
) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m services all` on the ports of `targets`, of this machine, from when all are ready; stopped at the end.

    `settings` are further variables of its environment; `log` gets what it prints; `waiting` is told again and again
    which services are not ready yet. Raises FleetError.
    """
    environment = {**os.environ, **Fleet(targets).environment, "VISREC_HOST": "127.0.0.1"}
    for name in SERVICES:
        environment[f"VISREC_{name.upper()}_PORT"] = str(_port(targets, name))
        environment[f"VISREC_{name.upper()}_METRICS_PORT"] = "0"
    command = [sys.executable, "-m", "services", "all"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment | dict(settings))
    try:
        _wait(process, targets, log, waiting)
        yield process
    finally:
        _stop(process)


def on_loopback(ports: Sequence[int]) -> Targets:
    """The services at these ports of this machine, in the order of SERVICES."""
    embedder, indexer, profile, ranker = (f"127.0.0.1:{port}" for port in ports)
    return Targets(embedder, indexer, profile, ranker)


def free_ports(wanted: Sequence[int]) -> list[int]:
    """These ports as far as nobody has them, else (and for 0) any free ones. All are held until the last is known, so
    that none comes twice. Raises FleetError."""
    with ExitStack() as stack:
        return [_free_port(stack, port) for port in wanted]


def _port(targets: Targets, name: str) -> int:
    number = str(getattr(targets, name)).rpartition(":")[2]
    return int(number) if number.isdigit() else 0


def _free_port(stack: ExitStack, wanted: int) -> int:
    for port in (wanted, 0):
        candidate = stack.enter_context(socket.socket())
        # Connections of an earlier run that linger for a minute do not count as somebody who has the port.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            continue
        return int(candidate.getsockname()[1])
    raise FleetError("no free port on loopback")


def _wait(process: subprocess.Popen[bytes], targets: Targets, log: Path, waiting: Waiting) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while missing := not_ready(targets):
        waiting(missing)
        if process.poll() is not None:
            raise FleetError(
                f"the services ended with exit code {process.returncode}: {_last_line(log)} (all of it: {log})"
            )
        if time.monotonic() > deadline:
            raise FleetError(f"{', '.join(missing)} not ready within {START_WITHIN_S:.0f} s; {log} has what they said")
        time.sleep(0.2)


def not_ready(targets: Targets) -> list[str]:
    """Names of the services that are not serving now."""
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


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_line(log: Path) -> str:
    """The last one that gives a reason, as lines of the log do, or else the very last."""
    lines = log.read_text(errors="replace").splitlines()
    reasons = [reason for line in lines if (reason := _reason(line))]
    return (reasons or lines or ["they said nothing"])[-1][:300]


def _reason(line: str) -> str:
    try:
        told = json.loads(line)
    except ValueError:
        return ""
    cannot_start = isinstance(told, dict) and told.get("event") == "cannot start"
    return str(told.get("why", "")) if cannot_start else ""
