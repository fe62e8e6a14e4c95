"""What a server takes: processor time and memory of its process and of everything that it started.

Workers may come and go. Processor time that an ended one has used stands in its parent's account of its children, so
the sum over the tree never loses any. Memory is the proportional set size: a page that n processes share counts 1/n in
each, so the sum over the tree counts it once.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.failure import BenchFailed


@dataclass(frozen=True)
class Reading:
    """Seconds since the epoch, and seconds of CPU (user and system) used until then."""

    at_s: float
    cpu_s: float


class Meter:
    """Reads the tree below the process `pid`, that one included."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def processes(self) -> list[psutil.Process]:
        """All that live now. Raises BenchFailed when the root does not."""
        try:
            return [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess as error:
            raise BenchFailed(f"the process that is measured ended ({error.pid})") from error

    def read(self) -> Reading:
        """Processor time until now."""
        used = 0.0
        for process in self.processes():
            try:
                used += sum(process.cpu_times()[:4])
            except psutil.NoSuchProcess:
                continue
        return Reading(time.time(), used)

    def memory_mb(self) -> float:
        """Proportional set size of all of them, in MB (10^6 bytes)."""
        return sum(_pss_mb(process.pid) for process in self.processes())


def _pss_mb(pid: int) -> float:
    try:
        return pss_mb(Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines())
    except ProcessLookupError:
        return 0.0
    except OSError as error:
        # One that has just ended has no file any more; a system without them has none of itself either.
        if Path("/proc/self/smaps_rollup").exists():
            return 0.0
        raise BenchFailed("memory is measured by /proc/PID/smaps_rollup, which this system does not have") from error


def pss_mb(lines: Iterable[str]) -> float:
    """The proportional set size that smaps_rollup tells, in MB; 0 when it tells none, as of a process that ends."""
    for line in lines:
        if match := re.fullmatch(r"Pss:\s+(\d+) kB", line.strip()):
            return int(match[1]) * 1024 / 1e6
    return 0.0
