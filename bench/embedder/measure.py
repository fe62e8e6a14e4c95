"""One server, measured: one caller, 16 callers, and photos at a fixed rate."""

from __future__ import annotations

import re
import resource
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.embedder.answers import Answer, Figures
from bench.embedder.callers import Callers, steadily
from bench.embedder.endpoints import Endpoint
from bench.embedder.meter import Meter
from bench.embedder.photos import Photos
from bench.embedder.servers import Server
from bench.failure import BenchFailed

WARM_UP_S = 2.0
TAIL_S = 0.5
"""For so long the load goes on after the last reading, so that its end is not among what is measured."""
STEADY_TIMES = 2
"""As long as the others is the run at a fixed rate: it has fewer answers, and a p99 to tell of them."""
ALONE_AT_LEAST = 5
"""Times that one caller sends each photo, however slow the answers."""

Say = Callable[[str], None]
"""Told what is being done, for people."""


@dataclass(frozen=True)
class Measured:
    """`alone` with one caller, `together` with 16, `steady` at `steady_rate` photos per second. Memory in MB, of all
    processes together, after the start and after it all. `callers_cores` is what the 16 callers themselves took of the
    processor, in cores."""

    name: str
    alone: Figures
    together: Figures
    steady_rate: float
    steady: Figures
    start_mb: float
    end_mb: float
    callers_cores: float


@dataclass(frozen=True)
class Method:
    """How: by which callers, with which photos, for how long each time; `say` is told what is being done."""

    callers: Callers
    photos: Photos
    seconds: float
    say: Say


def measure(
    server: Server,
    meter: Meter,
    method: Method,
    rate_of: Callable[[float], float],
    before_each: Callable[[], None] = lambda: None,
) -> Measured:
    """Three runs. `rate_of` says at which rate the third one is, given how many photos per second 16 callers got
    answered; `before_each` is called while the server has nothing to do. Raises BenchFailed, also when a call failed.
    """
    endpoint, callers, photos, seconds = server.endpoint, method.callers, method.photos, method.seconds
    method.say(f"{server.name}: warming up")
    callers.together(endpoint, photos, WARM_UP_S)
    start_mb = meter.memory_mb()
    before_each()
    method.say(f"{server.name}: one caller")
    alone = _alone(endpoint, meter, method)
    before_each()
    method.say(f"{server.name}: 16 callers")
    busy = _children_cpu_s()
    together = _during(meter, seconds, lambda length: callers.together(endpoint, photos, length))
    busy = (_children_cpu_s() - busy) / (WARM_UP_S + seconds + TAIL_S)
    rate = rate_of(together.per_s)
    before_each()
    method.say(f"{server.name}: {rate:.0f} photos per second")
    steady = _during(meter, STEADY_TIMES * seconds, lambda length: steadily(endpoint, photos, rate, length))
    if server.metrics and (failed := failed_calls(_read(server.metrics))):
        raise BenchFailed(f"{server.name}: {failed:.0f} calls failed while they were measured")
    return Measured(server.name, alone, together, rate, steady, start_mb, meter.memory_mb(), busy)


def _alone(endpoint: Endpoint, meter: Meter, method: Method) -> Figures:
    """Every photo as often as fits into the time, as the first ones let expect."""
    first = method.callers.alone(endpoint, method.photos, 2)
    each = method.seconds * 1e3 / sum(answer.ms for answer in first) * 2
    before = meter.read()
    answers = method.callers.alone(endpoint, method.photos, max(ALONE_AT_LEAST, int(each)))
    return Figures.between(before, meter.read(), answers)


def _during(meter: Meter, seconds: float, load: Callable[[float], list[Answer]]) -> Figures:
    """Of the middle of a load that began a little before and ends a little after."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(load, WARM_UP_S + seconds + TAIL_S)
        time.sleep(WARM_UP_S)
        before = meter.read()
        time.sleep(seconds)
        after = meter.read()
        return Figures.between(before, after, running.result())


def _children_cpu_s() -> float:
    """Of the processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - of a server that was started here
        text: str = answer.read().decode()
        return text


def failed_calls(metrics: str) -> float:
    """Calls that were answered with another status than OK. Those that a generator broke off when its time was up are
    CANCELLED, and did not fail."""
    failed = 0.0
    for line in metrics.splitlines():
        if line.startswith("grpc_server_handled_total") and not re.search(r'grpc_code="(OK|CANCELLED)"', line):
            failed += float(line.rpartition(" ")[2])
    return failed
