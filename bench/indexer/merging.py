"""Searches while the index takes in what was written, beside searches while it rests.

When a merge runs is nobody's to say but the indexer's: a caller sees that it computes. So one caller asks evenly and
seldom enough that its searches are little work, and what came while the indexer computed more than that is beside a
merge. Each search counts from when it was due.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice

from bench.embedder.answers import Latency
from bench.indexer import filling, load
from bench.indexer.data import Data
from bench.indexer.house import House
from bench.indexer.line import Line
from bench.indexer.load import Endpoint

RATE = 50.0
"""Searches per second."""
WINDOW_S = 0.25
BUSY = 0.5
"""Cores that the indexer takes in a window beside a merge; RATE searches alone take a quarter of one at most."""
RESTED_S = 2.0
"""Of windows in which it does not, after which nothing runs any more."""
WITHIN_S = 90.0
"""So long is a merge watched; that of a million rows takes longer."""

ROWS = 73_728
"""Written to be merged: more than what the indexer's small part holds (65,536), and what is fresh beside it."""


@dataclass(frozen=True)
class Window:
    """Answers of a quarter of a second, and cores that the indexer took meanwhile."""

    ms: tuple[float, ...]
    cores: float


@dataclass(frozen=True)
class Merging:
    """From one caller, RATE searches per second. `written` rows were there to be merged, `seconds` of it are in
    `merging`, which is None when all was over at once."""

    idle: Latency
    merging: Latency | None
    written: int
    seconds: float


def measure(house: House, data: Data, endpoint: Endpoint, first: int, seconds: float) -> Merging:
    """At rest for `seconds`; then rows are written from row `first` on, as many as there are already or ROWS, and
    searches count from the last acknowledgement until the index rests again. Raises BenchFailed."""
    with load.lines(endpoint, 1) as (line,):
        idle = list(islice(_windows(house, line, endpoint), round(seconds / WINDOW_S)))
    written = filling.fill(house, data, first, min(ROWS, first), lambda _: None, ready=True).rows
    with load.lines(endpoint, 1) as (line,):
        busy = beside(_windows(house, line, endpoint))
    return Merging(
        Latency.of(ms for window in idle for ms in window.ms),
        Latency.of(ms for window in busy for ms in window.ms) if busy else None,
        written,
        len(busy) * WINDOW_S,
    )


def beside(windows: Iterator[Window]) -> list[Window]:
    """Those in which the indexer computed, until it has rested or WITHIN_S have passed."""
    busy, rested = list[Window](), 0
    for number, window in enumerate(windows, 1):
        if window.cores >= BUSY:
            busy.append(window)
            rested = 0
        else:
            rested += 1
        if rested * WINDOW_S >= RESTED_S or number * WINDOW_S >= WITHIN_S:
            break
    return busy


def _windows(house: House, line: Line, endpoint: Endpoint) -> Iterator[Window]:
    due, bodies = _clock(RATE), cycle(endpoint.bodies)
    while True:
        begin, used, took = time.perf_counter(), house.indexer.cpu_s(), list[float]()
        while (now := time.perf_counter()) < begin + WINDOW_S:
            since = due(now)
            time.sleep(max(0.0, since - now))
            line.call(next(bodies))
            took.append((time.perf_counter() - since) * 1e3)
        yield Window(tuple(took), (house.indexer.cpu_s() - used) / (time.perf_counter() - begin))


def _clock(rate: float) -> Callable[[float], float]:
    """Says when the next call is due, given what time it is: evenly, from the first time that it is asked."""
    times = 0
    begin: float | None = None

    def due(now: float) -> float:
        nonlocal times, begin
        begin = now if begin is None else begin
        times += 1
        return begin + times / rate

    return due
