"""Callers that make one call at a time each, all from one thread, over any lines: the same load for every server.

Bodies are sent in turn, so no two calls in a row ask for the same. A call costs the callers about 20 microseconds, as
much as it costs h2load; what they took is said beside the figures, `own_cores`.
"""

from __future__ import annotations

import gc
import select
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, takewhile

from bench.embedder.answers import Latency
from bench.failure import BenchFailed
from bench.indexer.line import TIMEOUT_S, CallFailed, Line

OpenLine = Callable[[], Line]


@dataclass(frozen=True)
class Endpoint:
    """A server to call: `open_line` connects, `bodies` are the calls to make in turn, ready to be sent."""

    open_line: OpenLine
    bodies: Sequence[bytes]


@dataclass(frozen=True)
class Load:
    """What a run came to. `cpu_ms`: of what was read, for each answer. `own_cores`: what the callers took."""

    per_s: float
    latency: Latency
    cpu_ms: float
    own_cores: float


@dataclass(frozen=True)
class Reading:
    """At a moment: answers until then, seconds of CPU of what is measured, and of this process."""

    at_s: float
    answers: int
    cpu_s: float
    own_s: float


def asked(endpoint: Endpoint, times: int = 1) -> tuple[list[bytes], Latency]:
    """Every body `times` times from one caller, and the answers of the first round. Raises BenchFailed."""
    answers, took = list[bytes](), list[float]()
    with lines(endpoint, 1) as (line,):
        for body in list(endpoint.bodies) * times:
            begin = time.perf_counter()
            answers.append(line.call(body))
            took.append((time.perf_counter() - begin) * 1e3)
    return answers[: len(endpoint.bodies)], Latency.of(took)


def loaded(
    endpoint: Endpoint, callers: int, seconds: float, cpu_s: Callable[[], float] = lambda: 0.0, warm_s: float = 1.0
) -> Load:
    """`callers` for `warm_s` that do not count and `seconds` that do. `cpu_s` reads the CPU of what is measured. Raises
    BenchFailed, also when a single call fails."""
    begun = time.perf_counter()
    latencies = list[float]()
    marks = list[Reading]()
    ends = [begun + warm_s, begun + warm_s + seconds]
    # Calls that are out at the end are waited for: a server may count what is broken off as failed.
    bodies = takewhile(lambda _: len(marks) < len(ends), cycle(endpoint.bodies))
    with lines(endpoint, callers) as opened:
        for took_ms, now in calls(opened, bodies):
            latencies.append(took_ms)
            if len(marks) < len(ends) and now >= ends[len(marks)]:
                marks.append(Reading(time.perf_counter(), len(latencies), cpu_s(), time.process_time()))
    before, after = marks
    return between(before, after, latencies[before.answers : after.answers])


def between(before: Reading, after: Reading, latencies_ms: Sequence[float]) -> Load:
    """Of the answers between two readings. Raises BenchFailed when there are none."""
    latency, seconds = Latency.of(latencies_ms), after.at_s - before.at_s
    return Load(
        len(latencies_ms) / seconds,
        latency,
        (after.cpu_s - before.cpu_s) * 1e3 / len(latencies_ms),
        (after.own_s - before.own_s) / seconds,
    )


def once(endpoint: Endpoint, callers: int) -> None:
    """Every body once, whatever the answers are, from so many callers. Raises BenchFailed."""
    with lines(endpoint, callers) as opened:
        for _ in calls(opened, iter(endpoint.bodies)):
            pass


def steady(endpoint: Endpoint, callers: int, rate: float, seconds: float) -> Latency:
    """From callers that each ask evenly, together `rate` times a second; counted from when a call was due. Lines are
    open before the first is: what it takes to open them is none of the service's. Raises BenchFailed."""
    took: list[float] = []
    with lines(endpoint, callers) as opened:
        begin = time.perf_counter() + 0.1

        def caller(number: int, line: Line) -> None:
            every = callers / rate
            for turn in range(int(seconds / every)):
                due = begin + (turn + number / callers) * every
                time.sleep(max(0.0, due - time.perf_counter()))
                line.call(endpoint.bodies[(turn * callers + number) % len(endpoint.bodies)])
                took.append((time.perf_counter() - due) * 1e3)

        with ThreadPoolExecutor(callers) as pool:
            # A call that fails is told, not left behind in its thread.
            list(pool.map(caller, range(callers), opened))
    return Latency.of(took)


def calls(opened: Sequence[Line], bodies: Iterator[bytes]) -> Iterator[tuple[float, float]]:
    """Milliseconds that an answer took, and when it was there by time.perf_counter. Each line is asked again at once,
    until there are no more bodies. Raises CallFailed."""
    since, by_number = dict[int, float](), {line.fileno(): line for line in opened}
    poll = select.poll()

    def ask(number: int) -> None:
        if (body := next(bodies, None)) is not None:
            since[number] = time.perf_counter()
            by_number[number].send(body)

    for number in by_number:
        poll.register(number, select.POLLIN)
        ask(number)
    while since:
        ready = poll.poll(TIMEOUT_S * 1e3)
        if not ready:
            raise CallFailed(f"no answer within {TIMEOUT_S:.0f} s")
        for number, _ in ready:
            if by_number[number].receive() is not None:
                now = time.perf_counter()
                yield (now - since.pop(number)) * 1e3, now
                ask(number)


@contextmanager
def lines(endpoint: Endpoint, callers: int) -> Iterator[list[Line]]:
    """So many, open, while Python's garbage collector rests. Raises BenchFailed for what goes wrong with them."""
    opened = list[Line]()
    gc.collect()
    gc.disable()
    try:
        opened += [endpoint.open_line() for _ in range(callers)]
        yield opened
    except (CallFailed, OSError) as error:
        raise BenchFailed(f"a call failed: {error}") from error
    finally:
        gc.enable()
        for line in opened:
            line.close()
