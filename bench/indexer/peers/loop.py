"""The bare search: no server at all, query after query in one process over FAISS.

`python -m bench.indexer.peers.loop TASK`, one JSON object: `vectors` (a file of float16), `rows`, `dimension`,
`queries` (a .npy file, float32), `links` (HNSW's M), `ef_construction`, `keep` (a file for the index of the first
`kept_rows`, which another run with the same name finds). It builds the index, prints a line, and answers each line that
it is given:

    {"ef": 64}                                 {"found": [[row, ...], ...]}, ten for each query
    {"ef": 64, "seconds": 4.0, "threads": 1, "queries": null}
                                               {"cpu_ms": ..., "p50_ms": ..., "p99_ms": ..., "per_s": ...}: a search of
                                               the first so many queries (null: of all) in turn

With `"limit": 100` both are of that many rows for each query.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import Any

import faiss as untyped_faiss
import numpy as np
from numpy.typing import NDArray

# The stubs that come with FAISS describe its C++ side, not what its Python wrappers take.
faiss: Any = untyped_faiss

LIMIT = 10
STEP_ROWS = 10_000
BUILD_THREADS = 2

Queries = NDArray[np.float32]
"""(queries, dimension)."""


class Bare:
    """An index and the queries to put to it."""

    def __init__(self, task: dict[str, Any]) -> None:
        self._queries: Queries = np.load(task["queries"])
        self._index = built(task)
        self._limit = LIMIT
        faiss.omp_set_num_threads(1)

    def answer(
        self, ef: int, seconds: float = 0.0, threads: int = 1, queries: int | None = None, limit: int = LIMIT
    ) -> dict[str, object]:
        """As the module says."""
        self._limit = limit
        parameters = faiss.SearchParametersHNSW(efSearch=ef)
        if not seconds:
            return {"found": self._found(parameters)}
        return self._timed(parameters, self._queries[:queries], seconds, threads)

    def _found(self, parameters: Any) -> list[list[int]]:
        return [self._search(query, parameters)[1][0].tolist() for query in self._queries]

    def _search(self, query: Queries, parameters: Any) -> Any:
        return self._index.search(query[None], self._limit, params=parameters)

    def _timed(self, parameters: Any, queries: Queries, seconds: float, threads: int) -> dict[str, object]:
        begin, used = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(threads) as pool:
            turned = [np.roll(queries, number * len(queries) // threads, axis=0) for number in range(threads)]
            runs = pool.map(lambda each: list(self._walls(parameters, begin + seconds, each)), turned)
            walls = sorted(wall for run in runs for wall in run)
        cpu_s, wall_s = time.process_time() - used, time.perf_counter() - begin
        p50, p99 = (walls[min(len(walls) - 1, int(len(walls) * part))] * 1e3 for part in (0.5, 0.99))
        return {"cpu_ms": cpu_s * 1e3 / len(walls), "p50_ms": p50, "p99_ms": p99, "per_s": len(walls) / wall_s}

    def _walls(self, parameters: Any, end: float, queries: Queries) -> Iterator[float]:
        """Seconds of each search, query after query."""
        for query in cycle(queries):
            begin = time.perf_counter()
            self._search(query, parameters)
            now = time.perf_counter()
            yield now - begin
            if now >= end:
                return


def built(task: dict[str, Any]) -> Any:
    """HNSW over float16, inner product; most of it from the file `keep` if it is there."""
    faiss.omp_set_num_threads(BUILD_THREADS)
    keep, dimension = Path(task["keep"]), int(task["dimension"])
    vectors = np.memmap(task["vectors"], "<f2", "r", shape=(int(task["rows"]), dimension))
    if keep.exists():
        index = faiss.read_index(str(keep))
    else:
        index = faiss.IndexHNSWSQ(dimension, faiss.ScalarQuantizer.QT_fp16, task["links"], faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = task["ef_construction"]
        add(index, vectors[: task["kept_rows"]])
        partial = keep.with_suffix(".part")
        faiss.write_index(index, str(partial))
        partial.rename(keep)
    add(index, vectors[index.ntotal :])
    return index


def add(index: Any, vectors: NDArray[np.float16]) -> None:
    """In steps: as float32 they are twice as large."""
    for start in range(0, len(vectors), STEP_ROWS):
        index.add(np.ascontiguousarray(vectors[start : start + STEP_ROWS], np.float32))


def main() -> None:
    """Until there is no line any more."""
    bare = Bare(json.loads(sys.argv[1]))
    sys.stdout.write("{}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(bare.answer(**json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
