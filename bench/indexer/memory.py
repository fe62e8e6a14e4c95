"""What a process holds of the machine's memory."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.failure import BenchFailed

PEAK_FROM_NOW = "5"
"""What /proc/PID/clear_refs takes to begin a new peak."""


@dataclass(frozen=True)
class Memory:
    """In bytes: its own pages (`anonymous`), files below its folder that it has mapped (`mapped`, in full, whether or
    not they have been read yet), and the most that was resident since the last look at the peak."""

    anonymous: int
    mapped: int
    peak: int

    @property
    def held(self) -> int:
        """Its own and what it has mapped."""
        return self.anonymous + self.mapped


def of(pid: int, folder: Path) -> Memory:
    """A process that keeps its files below `folder`. Begins a new peak. Raises BenchFailed where there is no /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
        Path(f"/proc/{pid}/clear_refs").write_text(PEAK_FROM_NOW)
    except OSError as error:
        raise BenchFailed("memory is measured by /proc/PID, which this system does not have") from error
    return Memory(told(status, "RssAnon"), mapped(maps, folder), told(status, "VmHWM"))


def told(status: Iterable[str], name: str) -> int:
    """Bytes that a line of /proc/PID/status tells; 0 when there is none of that name."""
    found = (re.fullmatch(rf"{name}:\s+(\d+) kB", line.strip()) for line in status)
    return next((int(match[1]) * 1024 for match in found if match), 0)


def mapped(maps: Iterable[str], folder: Path) -> int:
    """Bytes of the files below `folder` that /proc/PID/maps names."""
    total = 0
    for line in maps:
        span, *_, path = line.split(maxsplit=5)
        if path.startswith(f"{folder}/"):
            start, _, end = span.partition("-")
            total += int(end, 16) - int(start, 16)
    return total
