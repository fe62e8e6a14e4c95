"""The bare loop in a process of its own, to hold the servers against."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from bench.embedder.answers import Latency
from bench.embedder.servers import one_thread_each
from bench.failure import BenchFailed

GRACE_S = 60.0


@dataclass(frozen=True)
class Bare:
    """What a photo takes without a server: by one thread, wall (`latency`) and CPU; by two threads, how many per second
    and CPU. `features` are those of the first photo."""

    latency: Latency
    cpu_ms: float
    per_s: float
    two_cpu_ms: float
    features: tuple[float, ...]

    @property
    def cores(self) -> float:
        """How much of the processors the two threads got: less than two when somebody else had some of them."""
        return self.per_s * self.two_cpu_ms / 1e3

    @classmethod
    def parse(cls, said: str) -> Bare:
        """From what peers/loop.py prints."""
        found = json.loads(said)
        return cls(
            Latency.of(found["wall_ms"]), found["cpu_ms"], found["per_s"], found["two_cpu_ms"], tuple(found["features"])
        )

    @classmethod
    def mean(cls, several: Sequence[Bare]) -> Bare:
        """Of each figure: a machine's speed drifts, so the loop runs between the runs that are compared with it."""
        return cls(
            Latency(mean(each.latency.p50_ms for each in several), mean(each.latency.p99_ms for each in several)),
            mean(each.cpu_ms for each in several),
            mean(each.per_s for each in several),
            mean(each.two_cpu_ms for each in several),
            several[0].features,
        )


def measure(graph: Path, pictures: Sequence[Path], seconds: float) -> Bare:
    """`seconds` with one thread, and again with two. Raises BenchFailed."""
    command = [sys.executable, "-m", "bench.embedder.peers.loop", str(graph), str(seconds), *map(str, pictures)]
    done = subprocess.run(
        command, env=one_thread_each(), capture_output=True, text=True, check=False, timeout=2 * seconds + GRACE_S
    )
    if done.returncode:
        raise BenchFailed(f"the bare loop failed: {done.stderr.strip()[-500:]}")
    return Bare.parse(done.stdout)


def drift(several: Sequence[Bare]) -> float:
    """How much the slowest run took above the fastest, as a fraction: what the figures cannot be more exact than."""
    took = [each.cpu_ms for each in several]
    return max(took) / min(took) - 1
