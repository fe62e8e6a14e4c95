"""The servers that are measured, each a process that is started here and gone at the end, with all that it started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from bench.embedder.endpoints import Endpoint, cosine
from bench.embedder.meter import Meter
from bench.failure import BenchFailed
from bench.fleet import ROOT
from demo import fleet

FOLDER = ROOT / "var" / "bench"
PEERS_PYTHON = ROOT / "var" / "envs" / "peers" / "bin" / "python"

START_WITHIN_S = 240.0
"""The first start of the embedder builds the network."""
STOP_WITHIN_S = 30.0

SAME = 0.98
"""Least cosine between the features of a server and of the bare loop. The embedder scales photos a little differently
and answers in float16; another network, or another photo, comes nowhere near."""


@dataclass(frozen=True)
class Server:
    """How one is started, and where it then is. `metrics` is the URL of its metrics, if they tell of failed calls."""

    name: str
    command: Sequence[str]
    endpoint: Endpoint
    environment: Mapping[str, str] = field(default_factory=dict)
    metrics: str = ""

    @property
    def log(self) -> Path:
        """What it printed when it was last started."""
        return FOLDER / f"embedder-{self.name}.log"


def one_thread_each() -> dict[str, str]:
    """The environment of this process, and no pool of threads below a matrix product: the processes and threads of
    whoever serves are the parallelism."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def visrec(var: Path) -> Server:
    """The embedder as it is served, metrics on, every photo embedded anew; `var` is where it keeps its graph."""
    port, metrics_port = fleet.free_ports([0, 0])
    environment = {
        "VISREC_HOST": "127.0.0.1",
        "VISREC_EMBEDDER_PORT": str(port),
        "VISREC_EMBEDDER_METRICS_PORT": str(metrics_port),
        "VISREC_EMBEDDER_CACHE_BYTES": "0",
        "VISREC_VAR_DIR": str(var),
        "VISREC_LOG_LEVEL": "warning",
    }
    endpoint = Endpoint("grpc", f"127.0.0.1:{port}", "/visrec.v1.EmbedderService/EmbedImage")
    metrics = f"http://127.0.0.1:{metrics_port}/metrics"
    return Server("visrec", [sys.executable, "-m", "services", "embedder"], endpoint, environment, metrics)


def mosec(graph: Path) -> Server:
    """A model server whose front is written in Rust."""
    (port,) = fleet.free_ports([0])
    arguments = ["--address", "127.0.0.1", "--port", str(port), "--log-level", "error"]
    return _peer("mosec", graph, arguments, port, "/inference")


def litserve(graph: Path) -> Server:
    """A model server on FastAPI."""
    (port,) = fleet.free_ports([0])
    return _peer("litserve", graph, [str(port)], port, "/predict")


def _peer(name: str, graph: Path, arguments: Sequence[str], port: int, path: str) -> Server:
    command = [str(PEERS_PYTHON), "-m", f"bench.embedder.peers.{name}_server", *arguments]
    return Server(name, command, Endpoint("http1", f"127.0.0.1:{port}", path), {"BENCH_GRAPH": str(graph)})


def peer_versions() -> dict[str, str]:
    """What is compared with. Raises BenchFailed when it is not installed."""
    names = ("mosec", "litserve")
    program = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    try:
        done = subprocess.run([PEERS_PYTHON, "-c", program, *names], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchFailed("the other servers are not installed: make var/envs/peers/.packages") from error
    return dict(zip(names, done.stdout.split(), strict=True))


@contextmanager
def started(server: Server, photo: bytes, features: Sequence[float]) -> Iterator[Meter]:
    """From when it answers `photo` with `features`. Raises BenchFailed when it does not, or answers otherwise."""
    server.log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**one_thread_each(), **server.environment}
    with server.log.open("wb") as output:
        process = subprocess.Popen(
            server.command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
    try:
        _check(server, _first_answer(server, photo, process.poll), np.asarray(features))
        yield Meter(process.pid)
    finally:
        _stop(process)


def _first_answer(server: Server, photo: bytes, ended: Callable[[], int | None]) -> NDArray[np.float64]:
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        if (code := ended()) is not None:
            raise BenchFailed(f"{server.name} ended with exit code {code}: {server.log} has what it said")
        try:
            found = server.endpoint.features(photo)
        except ValueError as error:
            raise BenchFailed(f"{server.name}: {error}") from error
        if found is not None:
            return found
        time.sleep(0.2)
    raise BenchFailed(f"{server.name} does not answer within {START_WITHIN_S:.0f} s: {server.log} has what it said")


def _check(server: Server, found: NDArray[np.float64], wanted: NDArray[np.float64]) -> None:
    if found.shape != wanted.shape or cosine(found, wanted) < SAME:
        raise BenchFailed(f"{server.name} computes something else than the bare loop; comparing them says nothing")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Politely, then not; and what it left behind."""
    try:
        below = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        below = []
    process.terminate()
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, left = psutil.wait_procs(below, timeout=2.0)
    for each in left:
        each.kill()
