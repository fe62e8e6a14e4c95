"""The real ghz (github.com/bojand/ghz): found on the PATH, or built by go into var/bin."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from bench.failure import BenchFailed

VERSION = "v0.121.0"
PACKAGE = f"github.com/bojand/ghz/cmd/ghz@{VERSION}"

BUILD_S = 600
RUN_S = 600
"""Bounds for what hangs; a run is as long as its configuration says."""


@dataclass(frozen=True)
class Report:
    """What one run came to. Latencies in milliseconds; `errors` counts each status that was not OK."""

    name: str
    count: int
    per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    errors: dict[str, int]

    @classmethod
    def parse(cls, name: str, report: dict[str, Any]) -> Self:
        """From ghz's JSON, whose latencies are nanoseconds. A run without a single answer has no percentiles: 0."""
        latency = {each["percentage"]: each["latency"] / 1e6 for each in report.get("latencyDistribution") or []}
        statuses = report.get("statusCodeDistribution") or {}
        return cls(
            name=report.get("name") or name,
            count=report["count"],
            per_s=report["rps"],
            p50_ms=latency.get(50, 0.0),
            p95_ms=latency.get(95, 0.0),
            p99_ms=latency.get(99, 0.0),
            errors={status: count for status, count in statuses.items() if status != "OK"},
        )

    @property
    def good(self) -> bool:
        """Answers came, and all of them were OK."""
        return self.count > 0 and not self.errors


def find(folder: Path) -> Path:
    """The program: on the PATH, or in `folder`, where go builds it at the first call. Raises BenchFailed."""
    if found := shutil.which("ghz"):
        return Path(found)
    program = folder / "ghz"
    if not program.exists():
        _build(folder)
    return program


def _build(folder: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise BenchFailed("ghz is not on the PATH, and without go it cannot be built: see https://ghz.sh/docs/install")
    environment = {**os.environ, "GOBIN": str(folder.resolve())}
    done = subprocess.run(
        [go, "install", PACKAGE], env=environment, capture_output=True, text=True, check=False, timeout=BUILD_S
    )
    if done.returncode:
        raise BenchFailed(f"go install {PACKAGE} failed: {done.stderr.strip()[-500:]}")


def run(program: Path, configuration: Path, host: str, arguments: Sequence[str]) -> Report:
    """One run of a configuration against `host`; `arguments` come after, and so before, what it says. Raises
    BenchFailed."""
    command = [str(program), "--config", str(configuration), "--format", "json", *arguments, host]
    return report(command, configuration.stem)[0]


def report(command: list[str], name: str) -> tuple[Report, dict[str, Any]]:
    """Runs ghz with JSON output: the summary and everything it said. Raises BenchFailed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=RUN_S)
    try:
        answer = json.loads(done.stdout)
        return Report.parse(name, answer), answer
    except (json.JSONDecodeError, KeyError) as error:
        raise BenchFailed(f"{name}: {(done.stderr or done.stdout).strip()[-500:]}") from error
