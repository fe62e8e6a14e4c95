"""Who sends the photos: h2load where there is one (C, hardly any CPU of its own), else Python. What comes at a fixed
rate always comes from Python, which sends each photo when it is due, however many answers are still out.

h2load sends one body again and again. So each of the callers is a process of its own with another photo, and one caller
alone is one process after the other.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from bench.embedder.answers import Answer
from bench.embedder.endpoints import HTTP_HEADERS, Endpoint
from bench.embedder.photos import Photos
from bench.failure import BenchFailed

CALLERS = 16
GRACE_S = 60.0
OK = "200"


class Callers(Protocol):
    """`name` says which, for the report. All raise BenchFailed when a call fails."""

    name: str

    def alone(self, endpoint: Endpoint, photos: Photos, each: int) -> list[Answer]:
        """One caller, one call at a time: every photo `each` times."""

    def together(self, endpoint: Endpoint, photos: Photos, seconds: float) -> list[Answer]:
        """CALLERS of them, each one call at a time, for so long."""


def best() -> Callers:
    """Those that take the least CPU away from what is measured."""
    return H2load() if shutil.which("h2load") else Python()


def steadily(endpoint: Endpoint, photos: Photos, rate: float, seconds: float) -> list[Answer]:
    """`rate` photos per second, evenly, whether answers come or not; each counts from when it was due."""
    return _python(endpoint, photos, {"rate": rate, "seconds": seconds}, seconds)


class Python:
    """asyncio in a process of its own."""

    name = "python"

    def alone(self, endpoint: Endpoint, photos: Photos, each: int) -> list[Answer]:
        return _python(endpoint, photos, {"callers": 1, "each": each}, GRACE_S)

    def together(self, endpoint: Endpoint, photos: Photos, seconds: float) -> list[Answer]:
        return _python(endpoint, photos, {"callers": CALLERS, "seconds": seconds}, seconds)


def _python(endpoint: Endpoint, photos: Photos, how: dict[str, float], seconds: float) -> list[Answer]:
    task = {
        "protocol": endpoint.protocol,
        "address": endpoint.address,
        "path": endpoint.path,
        "bodies": [str(path) for path in endpoint.bodies(photos)],
        **how,
    }
    command = [sys.executable, "-m", "bench.embedder.calls", json.dumps(task)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + GRACE_S)
    if done.returncode:
        raise BenchFailed(f"{endpoint.path}: {done.stderr.strip()[-500:]}")
    return [Answer(*each) for each in json.loads(done.stdout)]


class H2load:
    """h2load of nghttp2, over its log of single requests."""

    name = "h2load"

    def alone(self, endpoint: Endpoint, photos: Photos, each: int) -> list[Answer]:
        answers: list[Answer] = []
        for photo in range(len(photos.pictures)):
            with tempfile.TemporaryDirectory() as folder:
                answers += _finished(_started(endpoint, photos, photo, Path(folder), ["-n", str(each)]), GRACE_S)
        return answers

    def together(self, endpoint: Endpoint, photos: Photos, seconds: float) -> list[Answer]:
        duration = ["-D", f"{seconds * 1e3:.0f}ms"]
        with tempfile.TemporaryDirectory() as folder:
            started = [_started(endpoint, photos, caller, Path(folder), duration) for caller in range(CALLERS)]
            return [answer for each in started for answer in _finished(each, seconds + GRACE_S)]


Started = tuple[subprocess.Popen[str], Path]
"""A process and the log that it writes."""


def _started(endpoint: Endpoint, photos: Photos, photo: int, folder: Path, how_long: Sequence[str]) -> Started:
    log = folder / f"{photo}.log"
    number = photo % len(photos.pictures)
    command = ["h2load", "-c", "1", "-m", "1", *how_long, "--log-file", str(log)]
    if endpoint.protocol == "grpc":
        command += ["-d", str(photos.framed[number]), "-H", "content-type: application/grpc", "-H", "te: trailers"]
    else:
        headers = [word for name, value in HTTP_HEADERS.items() for word in ("-H", f"{name}: {value}")]
        command += ["--h1", "-d", str(photos.pictures[number]), *headers]
    command.append(f"http://{endpoint.address}{endpoint.path}")
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True), log


def _finished(started: Started, timeout_s: float) -> list[Answer]:
    process, log = started
    with process:
        said, _ = process.communicate(timeout=timeout_s)
    if process.returncode or not log.exists():
        raise BenchFailed(f"h2load: {said.strip()[-500:]}")
    return answers_of_log(log.read_text())


def answers_of_log(text: str) -> list[Answer]:
    """h2load's log has a line for each answer: its start in microseconds since the epoch, the HTTP status, microseconds
    until its end. Raises BenchFailed for any status but 200; gRPC's own is in trailers, which h2load does not read."""
    answers = []
    for line in text.splitlines():
        start_us, status, took_us = line.split("\t")[:3]
        if status != OK:
            raise BenchFailed(f"a call was answered with HTTP status {status}")
        answers.append(Answer((int(start_us) + int(took_us)) / 1e6, int(took_us) / 1e3))
    return answers
