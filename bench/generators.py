"""What makes the calls: h2load where there is one (C, hardly any CPU of its own), else ghz (Go), else Python.

A generator sends one and the same serialised request from a number of callers, each one call at a time, and measures
how long each answer takes. Statuses are counted by the services' own metrics, since h2load reads no trailers.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench import ghz
from bench.contract import descriptors
from bench.failure import BenchFailed

CONNECTIONS = 8
"""At most; a server spreads its connections, not its calls, over the threads that read them."""

GRACE_S = 60


@dataclass(frozen=True)
class Request:
    """One call to repeat: a gRPC target, the method as "/package.Service/Method", the serialised message."""

    target: str
    method: str
    body: bytes


@dataclass(frozen=True)
class Run:
    """What one run came to: its length and the latency of each answer, ascending, in milliseconds."""

    seconds: float
    latencies_ms: tuple[float, ...]

    @property
    def answers(self) -> int:
        """How many."""
        return len(self.latencies_ms)

    @property
    def per_s(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """The latency that `percent` of the answers stay within (nearest rank)."""
        rank = min(self.answers - 1, int(self.answers * percent / 100))
        return self.latencies_ms[rank]


class Generator(Protocol):
    """A way to make calls. `name` says which, for the report."""

    name: str

    def run(self, request: Request, callers: int, seconds: float) -> Run:
        """Raises BenchFailed when not a single answer came."""


def best() -> Generator:
    """The generator that takes the least CPU away from what it measures."""
    if shutil.which("h2load"):
        return H2load()
    return Ghz() if shutil.which("ghz") else Callers()


class H2load:
    """h2load of nghttp2, over its log of single requests."""

    name = "h2load"

    def run(self, request: Request, callers: int, seconds: float) -> Run:
        with tempfile.TemporaryDirectory() as folder:
            body, log = Path(folder) / "body", Path(folder) / "log"
            # gRPC's frame: not compressed, and the length of what follows.
            body.write_bytes(b"\0" + len(request.body).to_bytes(4, "big") + request.body)
            clients = min(callers, CONNECTIONS)
            command = ["h2load", "-D", f"{seconds * 1000:.0f}ms", "-c", str(clients), "-m", str(callers // clients)]
            command += ["-d", str(body), "--log-file", str(log)]
            command += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
            said = _output([*command, f"http://{request.target}{request.method}"], seconds)
            return _finished(said, (int(line.split("\t")[2]) / 1e3 for line in log.read_text().splitlines()))


def _finished(said: str, latencies_ms: Iterable[float]) -> Run:
    length = re.search(r"finished in ([\d.]+)(ms|s)", said)
    latencies = tuple(sorted(latencies_ms))
    if not length or not latencies:
        raise BenchFailed(said.strip()[-500:])
    return Run(float(length[1]) / (1000 if length[2] == "ms" else 1), latencies)


class Ghz:
    """ghz, given the descriptors of the contract so that it need not ask for them."""

    name = "ghz"

    def run(self, request: Request, callers: int, seconds: float) -> Run:
        with tempfile.TemporaryDirectory() as folder:
            body, protoset = Path(folder) / "body", Path(folder) / "protoset"
            body.write_bytes(request.body)
            protoset.write_bytes(descriptors().SerializeToString())
            command = ["ghz", "--insecure", "--format", "json", "--protoset", str(protoset)]
            command += ["--call", request.method.strip("/"), "--binary-file", str(body)]
            command += ["--duration", f"{seconds}s", "--duration-stop", "wait"]
            command += ["--concurrency", str(callers), "--connections", str(min(callers, CONNECTIONS))]
            _, answer = ghz.report([*command, request.target], request.method)
            latencies = tuple(sorted(each["latency"] / 1e6 for each in answer.get("details") or ()))
            if not latencies:
                raise BenchFailed(f"{request.method}: no answer")
            return Run(answer["total"] / 1e9, latencies)


class Callers:
    """Python's own asyncio client in a process beside this one; it takes more CPU than the servers it calls."""

    name = "python"

    def run(self, request: Request, callers: int, seconds: float) -> Run:
        command = [sys.executable, "-m", "bench.callers", request.target, request.method, str(callers), str(seconds)]
        latencies = tuple(sorted(json.loads(_output(command, seconds, request.body))))
        if not latencies:
            raise BenchFailed(f"{request.method}: no answer")
        return Run(seconds, latencies)


def _output(command: list[str], seconds: float, given: bytes = b"") -> str:
    done = subprocess.run(command, input=given, capture_output=True, check=False, timeout=seconds + GRACE_S)
    if done.returncode:
        raise BenchFailed(done.stderr.decode(errors="replace").strip()[-500:])
    return done.stdout.decode()
