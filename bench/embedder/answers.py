"""Answers as a caller saw them, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.embedder.meter import Reading
from bench.failure import BenchFailed


class Answer(NamedTuple):
    """When it was there, in seconds since the epoch, and how long it took."""

    end_s: float
    ms: float


@dataclass(frozen=True)
class Latency:
    """Percentiles, in milliseconds, by nearest rank."""

    p50_ms: float
    p99_ms: float

    @classmethod
    def of(cls, ms: Iterable[float]) -> Latency:
        """Raises BenchFailed when there are none."""
        ascending = sorted(ms)
        if not ascending:
            raise BenchFailed("not a single answer came")
        return cls(*(ascending[min(len(ascending) - 1, int(len(ascending) * part))] for part in (0.50, 0.99)))


@dataclass(frozen=True)
class Figures:
    """Of one run: answers per second, how long they took, and the CPU of the whole server for each."""

    per_s: float
    latency: Latency
    cpu_ms: float

    @classmethod
    def between(cls, before: Reading, after: Reading, answers: Sequence[Answer]) -> Figures:
        """Of the answers that came between two readings of the meter. What was being worked on at the first is counted
        with the answer, at the last it is not: with a steady load the two are equal. Raises BenchFailed when none
        came."""
        within = [each.ms for each in answers if before.at_s < each.end_s <= after.at_s]
        latency = Latency.of(within)
        spent_ms = (after.cpu_s - before.cpu_s) * 1e3
        return cls(len(within) / (after.at_s - before.at_s), latency, spent_ms / len(within))
