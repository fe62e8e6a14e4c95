"""A command, run to its end or killed before it, and what it and the services take meanwhile."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.embedder.meter import Meter
from bench.failure import BenchFailed
from bench.fleet import ROOT, Fleet
from bench.indexer import memory
from demo import fleet as demo

LOOK_EVERY_S = 0.2
MOST_S = 3600.0
MB = 1e6


@dataclass(frozen=True)
class Ran:
    """A command that took `wall_s` seconds and `cpu_s` of processors, and at most `peak_mb` of memory (resident set).

    `services_cpu_s`: what each process of the services took meanwhile. `services_mb`: what these held together, at
    most, and `before_mb` when it began; pages that two of them share count twice. `exit_code`: negative, the number
    of a signal. `printed`: what came of it.
    """

    exit_code: int
    wall_s: float
    cpu_s: float
    peak_mb: float
    services_cpu_s: Mapping[str, float]
    before_mb: float
    services_mb: float
    printed: str

    @property
    def grown_mb(self) -> float:
        """What the services held more, at most, than before."""
        return self.services_mb - self.before_mb


@dataclass(frozen=True)
class Household:
    """The services of a fleet and their Redis, as they are measured."""

    meters: Mapping[str, Meter]

    @classmethod
    def of(cls, fleet: Fleet) -> Household:
        """Those that run now."""
        return cls({name: Meter(process.pid) for name, process in fleet.processes().items()})

    def cpu_s(self) -> dict[str, float]:
        """Of each, until now."""
        return {name: meter.read().cpu_s for name, meter in self.meters.items()}

    def held_mb(self) -> float:
        """Resident sets, summed."""
        return sum(_resident(process) for meter in self.meters.values() for process in meter.processes()) / MB


def run(
    arguments: Sequence[str], fleet: Fleet, household: Household, folder: Path, kill_after_s: float | None = None
) -> Ran:
    """`python -m jobs` with these arguments, against that fleet. `folder` gets what it prints. `kill_after_s`: it is
    sent SIGKILL after so many seconds, if it has not ended by then. Raises BenchFailed when it never ends."""
    command = [sys.executable, "-m", "jobs", *arguments]
    environment = {**os.environ, **demo.Fleet(fleet.targets).environment}
    out, notes = folder / "printed", folder / "notes"
    before, held = household.cpu_s(), household.held_mb()
    most, own, begin = held, 0.0, time.monotonic()
    with out.open("wb") as printed, notes.open("wb") as said:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=printed, stderr=said
        )

    def look() -> None:
        nonlocal most, own
        most = max(most, household.held_mb())
        own = max(own, _peak_mb(process.pid))

    used = _ended(process, MOST_S if kill_after_s is None else kill_after_s, look)
    took = time.monotonic() - begin
    if took > MOST_S:
        raise BenchFailed(f"jobs {' '.join(arguments)} does not end")
    spent = {name: used_s - before[name] for name, used_s in household.cpu_s().items()}
    return Ran(
        process.returncode,
        took,
        used.ru_utime + used.ru_stime,
        own,
        spent,
        held,
        most,
        out.read_text() + ("" if process.returncode in (0, -signal.SIGKILL) else notes.read_text()),
    )


def _ended(process: subprocess.Popen[bytes], most_s: float, look: Callable[[], None]) -> resource.struct_rusage:
    """What the process has used when it is gone, of itself or killed after `most_s` seconds. Now and then, `look`."""
    end = time.monotonic() + most_s
    try:
        while True:
            if time.monotonic() >= end:
                # Not process.kill, which may find it ended, and then wait4 does not.
                os.kill(process.pid, signal.SIGKILL)
            look()
            time.sleep(LOOK_EVERY_S)
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return used
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()


def _peak_mb(pid: int) -> float:
    """The most that it has had in memory until now. Not ru_maxrss, which begins with what its parent had."""
    try:
        return memory.told(Path(f"/proc/{pid}/status").read_text().splitlines(), "VmHWM") / MB
    except OSError as error:
        raise BenchFailed("memory is measured by /proc/PID, which this system does not have") from error


def _resident(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0.0
