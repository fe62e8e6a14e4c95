"""One run: everything that is compared, on the same machine within the same minutes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.embedder import bare
from bench.embedder.bare import Bare
from bench.embedder.measure import Measured, Method, measure
from bench.embedder.servers import Server, litserve, mosec, started, visrec

BARE_RUNS = 5
SAYS = 5
"""Times that something is said of each server."""


@dataclass(frozen=True)
class Run:
    """The bare loop, before, between and after the embedder's own runs; and the servers, the embedder first."""

    bare: tuple[Bare, ...]
    servers: tuple[Measured, ...]


def steps(others: bool) -> int:
    """How often a run says something."""
    return BARE_RUNS + SAYS * (3 if others else 1)


def run(graph: Path, method: Method, folder: Path, *, others: bool) -> Run:
    """`folder` is for what the embedder keeps. Other servers are measured, too, unless `others` is false. Raises
    BenchFailed."""
    photos, loops = method.photos.pictures, list[Bare]()

    def loop() -> None:
        method.say("bare loop")
        loops.append(bare.measure(graph, photos, method.seconds / 2))

    def measured(server: Server, rate_of: Callable[[float], float], before_each: Callable[[], None]) -> Measured:
        method.say(f"{server.name}: starting")
        with started(server, photos[0].read_bytes(), loops[0].features) as meter:
            return measure(server, meter, method, rate_of, before_each)

    loop()
    embedder = measured(visrec(folder), lambda full: full / 2, loop)
    loop()
    peers = [mosec(graph), litserve(graph)] if others else []
    # At the embedder's rate, or at as much as they can.
    found = [measured(server, lambda full: min(embedder.steady_rate, full), lambda: None) for server in peers]
    return Run(tuple(loops), (embedder, *found))
