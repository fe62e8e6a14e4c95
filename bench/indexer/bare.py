"""The bare search in a process of its own, to hold the indexer against: at the efSearch with which it finds as much."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.indexer import dialogue, exact
from bench.indexer.data import FOLDER, Rows
from bench.indexer.dialogue import Dialogue
from bench.indexer.exact import Numbers
from bench.indexer.space import Float32

LINKS, EF_CONSTRUCTION = 16, 100
"""Those of the indexer."""
KEPT_STEP = 20_000
LEAST_EF, GREATEST_EF = 10, 2048


@dataclass(frozen=True)
class Timed:
    """A search, in milliseconds, and how many a second."""

    cpu_ms: float
    p50_ms: float
    p99_ms: float
    per_s: float


@dataclass(frozen=True)
class Equal:
    """The least efSearch with which the bare search finds what it should, and how much it then finds."""

    ef: int
    recall: float


class Bare:
    """Ask it while nothing else runs, or while it should suffer the same."""

    def __init__(self, dialogue: Dialogue, wanted: Numbers) -> None:
        self._dialogue, self._wanted = dialogue, wanted
        self._limit = wanted.shape[1]

    def recall(self, ef: int) -> float:
        """Of all queries."""
        return self.recall_of(ef, self._wanted)

    def recall_of(self, ef: int, wanted: Numbers) -> float:
        """The same, of other rows that should be among those that it finds."""
        return exact.recall(self._dialogue.ask(ef=ef, limit=self._limit)["found"], wanted)

    def timed(self, ef: int, seconds: float, *, threads: int = 1, queries: int | None = None) -> Timed:
        """For so long, query after query: the first `queries`, or all."""
        return Timed(**self._dialogue.ask(ef=ef, seconds=seconds, threads=threads, queries=queries, limit=self._limit))

    def equal(self, recall: float) -> Equal:
        """To a search of that recall."""
        ef = least(lambda ef: self.recall(ef) >= recall, LEAST_EF, GREATEST_EF)
        return Equal(ef, self.recall(ef))


@contextmanager
def built(rows: Rows, aims: Float32, wanted: Numbers) -> Iterator[Bare]:
    """Over these rows, for these aims (queries, D), whose nearest rows are `wanted` (queries, n): it finds n. Building
    takes long; what was built is kept for the next run."""
    # How many rows there are differs a little from run to run; most of them are the same.
    kept_rows = len(rows) // KEPT_STEP * KEPT_STEP
    keep = FOLDER / f"bare-{rows.space.slug}-{kept_rows}-{LINKS}-{EF_CONSTRUCTION}.faiss"
    queries = FOLDER / "bare-queries.npy"
    np.save(queries, aims)
    task = {
        "vectors": str(rows.path),
        "rows": len(rows),
        "dimension": rows.space.dimension,
        "queries": str(queries),
        "links": LINKS,
        "ef_construction": EF_CONSTRUCTION,
        "kept_rows": kept_rows,
        "keep": str(keep),
    }
    command: list[str | Path] = [sys.executable, "-m", "bench.indexer.peers.loop", json.dumps(task)]
    with dialogue.started("the bare search", command, FOLDER / "bare.log") as said:
        said.hear()
        yield Bare(said, wanted)


def least(enough: Callable[[int], bool], low: int, high: int) -> int:
    """The least number from `low` to `high` that is enough, where more of a thing never is less; `high` when none
    is."""
    while low < high:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle + 1
    return low
