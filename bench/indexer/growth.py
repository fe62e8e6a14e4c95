"""The indexer as its catalogue grows: writing, memory, restarts, freshness, and searches beside a merge.

One catalogue grows from size to size. At each: rows are written without a pause until the burst is left to write, which
says what rate lasts; then the burst, made up beforehand, at rest before and after; then what it holds, and the rest.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.embedder.bars import Bar
from bench.indexer import filling, freshness, merging, question, snapshot
from bench.indexer.data import Data
from bench.indexer.freshness import Fresh
from bench.indexer.house import FRESH_BOUND, House
from bench.indexer.memory import Memory
from bench.indexer.merging import Merging
from bench.indexer.peer import Say
from bench.indexer.question import Question

BURST = 50_000
QUERIES = 500
LINKS = 16
FRESH_S = 15.0
POLL_S = 0.05

LEAST_PER_S = 3000.0
LARGEST_SHARE = 1.5
"""Of the vectors and the links."""
ROWS_THAT_COUNT = 100_000
"""With fewer, what a process holds is mostly not theirs."""
SERVING_WITHIN_S = 10.0
FRESH_WITHIN_MS = 200.0


@dataclass(frozen=True)
class Grown:
    """At a size. `lasting_per_s`: written until no more are fresh than may stay so, over `lasting_rows`. `burst_per_s`:
    acknowledged, of `burst_rows`; `rest_s` later the indexer computed nothing any more. `base` is the memory of the
    process before its first item. `restart_s` is None when there was none, and `why_not` says why."""

    rows: int
    dimension: int
    lasting_rows: int
    lasting_per_s: float
    burst_rows: int
    burst_per_s: float
    rest_s: float
    base: Memory
    memory: Memory
    memory_after_restart: Memory | None
    snapshot_s: float | None
    restart_s: float | None
    why_not: str
    fresh: Fresh
    merging: Merging

    @property
    def row_bytes(self) -> float:
        """At rest, above the process that had no items yet: the more of what was held before and after a restart."""
        held = [each.held for each in (self.memory, self.memory_after_restart) if each]
        return (max(held) - self.base.held) / self.rows

    @property
    def least_row_bytes(self) -> float:
        """float16 and the links of a row in the lowest level of the graph."""
        return 2 * self.dimension + 8 * LINKS + 16


def bars(found: Sequence[Grown]) -> list[Bar]:
    """The burst and freshness at each size; the restart at the largest, and memory where it is mostly that of rows."""
    bars = list[Bar]()
    for each in found:
        size = f"{each.rows:,} rows"
        bars.append(Bar(f"burst, items/s, {size}", each.burst_per_s, LEAST_PER_S, at_least=True, unit="/s"))
        bars.append(Bar(f"found after, p99, {size}", each.fresh.latency.p99_ms, FRESH_WITHIN_MS, unit="ms"))
    if found:
        last = found[-1]
        share, size = last.row_bytes / last.least_row_bytes, f"{last.rows:,} rows"
        if last.rows >= ROWS_THAT_COUNT:
            bars.append(Bar(f"memory at rest / vectors and links, {size}", share, LARGEST_SHARE))
        if last.restart_s is not None:
            bars.append(Bar(f"restart to SERVING, {size}", last.restart_s, SERVING_WITHIN_S, unit="s"))
    return bars


class Growth:
    """One catalogue in one house, from nothing to the largest size."""

    def __init__(self, house: House, data: Data, seconds: float, say: Say) -> None:
        self._house, self._data, self._seconds, self._say = house, data, seconds, say
        self._rows = 0
        self._base = house.memory()
        house.create(data.space)

    def run(self, sizes: Sequence[int]) -> Iterator[Grown]:
        """One after the other, ascending. What is measured at a size adds rows, as many again and more, and a size that
        is passed by then is left out. Raises BenchFailed."""
        for size in sorted(sizes):
            if size > self._rows:
                yield self._at(size)

    def _at(self, size: int) -> Grown:
        burst = min(BURST, max(0, size - self._rows) // 2)
        lasting = max(0, size - self._rows - burst)
        lasting_per_s = self._lasting(lasting)
        burst_per_s, rest_s = self._burst(burst)
        rows, endpoint = self._rows, question.endpoint(self._house.address, self._questions())
        self._say(f"growth: at rest with {rows:,} rows")
        held = self._house.memory()
        self._say(f"growth: restart with {rows:,} rows")
        written_s, restart_s, why_not = snapshot.restart_s(self._house)
        after = self._house.memory() if restart_s is not None else None
        self._say(f"growth: freshness with {rows:,} rows")
        fresh = self._fresh(lasting_per_s / 2)
        self._say(f"growth: searches beside a merge, {rows:,} rows")
        merged = merging.measure(self._house, self._data, endpoint, self._rows, self._seconds)
        self._rows += merged.written
        self._house.settle()
        return Grown(
            rows=rows,
            dimension=self._data.space.dimension,
            lasting_rows=lasting,
            lasting_per_s=lasting_per_s,
            burst_rows=burst,
            burst_per_s=burst_per_s,
            rest_s=rest_s,
            base=self._base,
            memory=held,
            memory_after_restart=after,
            snapshot_s=written_s,
            restart_s=restart_s,
            why_not=why_not,
            fresh=fresh,
            merging=merged,
        )

    def _lasting(self, count: int) -> float:
        """Rows per second, written without a pause, until no more of them are fresh than may stay so."""
        begin = time.perf_counter()
        self._write(count, "written without a pause", ready=False)
        while self._house.stats().fresh_rows >= FRESH_BOUND:
            time.sleep(POLL_S)
        per_s = count / (time.perf_counter() - begin)
        self._house.settle()
        return per_s

    def _burst(self, count: int) -> tuple[float, float]:
        """Rows per second that are acknowledged, and seconds after which the indexer is at rest."""
        per_s = self._write(count, "burst", ready=True)
        self._say("growth: settling")
        begin = time.perf_counter()
        self._house.settle()
        return per_s, time.perf_counter() - begin

    def _write(self, count: int, what: str, *, ready: bool) -> float:
        """`count` rows more; how many were acknowledged per second."""
        done = [0]

        def advance(more: int) -> None:
            done[0] += more
            self._say(f"growth: {what}, {self._rows + done[0]:,} rows")

        filled = filling.fill(self._house, self._data, self._rows, count, advance, ready=ready)
        self._rows += filled.rows
        return filled.per_s

    def _fresh(self, rate: float) -> Fresh:
        """At this rate, for so long that the catalogue does not become another one."""
        seconds = min(FRESH_S, self._rows / 2 / rate)
        fresh = freshness.measure(self._house, self._data, self._rows, rate, seconds)
        self._rows += int(rate * seconds)
        self._house.settle()
        return fresh

    def _questions(self) -> Sequence[Question]:
        return [Question(self._data.space, vector) for vector in self._data.queries(QUERIES)]
