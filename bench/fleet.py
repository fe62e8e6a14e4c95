"""The four services to measure: those that run already, or a private set on free ports, started and stopped here."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.failure import BenchFailed
from demo import fleet
from visrec.connection import Targets

SETTLE_S = 300.0
IDLE_CPU_S = 0.2
"""CPU that five idle processes may use in a second: health, metrics, Redis' timers."""

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / "var" / "bench.log"
"""What the services said that were last started here."""


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
            if name := next((name for name in fleet.SERVICES if words[-1:] == [name]), None):
                found[name] = process
            elif words and "redis" in words[0]:
                found["redis"] = process
        return found


def running(targets: Targets) -> Fleet:
    """The services at `targets`. Raises BenchFailed unless all four are serving."""
    if missing := fleet.not_ready(targets):
        name = missing[0]
        raise BenchFailed(f"the {name} at {getattr(targets, name)} is not serving; start all: python -m services all")
    return Fleet(targets)


@contextmanager
def running_or_started(targets: Targets) -> Iterator[Fleet]:
    """The services at `targets` when all of them run, else `started`."""
    try:
        found = running(targets)
    except BenchFailed:
        with started() as found:
            yield found
    else:
        yield found


@contextmanager
def started(settings: Mapping[str, str] | None = None) -> Iterator[Fleet]:
    """A private set with an empty record, on free ports of this machine, gone at the end. `settings` are further
    variables of its environment. Raises BenchFailed."""
    ports = fleet.free_ports([0] * (2 * len(fleet.SERVICES)))
    targets = fleet.on_loopback(ports[: len(fleet.SERVICES)])
    metrics_ports = dict(zip(fleet.SERVICES, ports[len(fleet.SERVICES) :], strict=True))
    LOG.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="visrec-bench-") as folder:
        private = {"VISREC_VAR_DIR": folder, "VISREC_REDIS_URL": "", "VISREC_LOG_LEVEL": "warning"}
        private |= {f"VISREC_{name.upper()}_METRICS_PORT": str(port) for name, port in metrics_ports.items()}
        try:
            with fleet.started(targets, {**private, **(settings or {})}, LOG) as process:
                yield Fleet(targets, psutil.Process(process.pid), metrics_ports)
        except fleet.FleetError as problem:
            raise BenchFailed(str(problem)) from problem
