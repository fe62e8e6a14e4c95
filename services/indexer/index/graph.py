"""A FAISS graph over settled rows, for parts so large that looking at every row's sketch takes too long.

FAISS forbids adding beside searching, and an HNSW graph forgets nothing. So more rows make another graph, and what is
deleted is masked.

Links join what is near in all blocks together, and a walk by few of them is lost where blocks say different things. So
rows are linked by the mix that is asked for most, the space's default weights: each block is scaled by the root of its
weight while links are made, and the walk itself goes over the vectors as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import faiss as untyped_faiss
import numpy as np

from services.errors import InvalidInput
from services.indexer.index.flat import Flat, Near
from services.indexer.index.port import Proceed
from services.spaces import Float16, Float32, Space

faiss: Any = untyped_faiss

FACTORY = re.compile(r"HNSW([1-9][0-9]?)(,SQfp16)?")

LEAST_WEIGHT = 0.1
"""Of a block, in the mix that links are made by, relative to the greatest: rows that are alike in all others are linked
by it, too."""


@dataclass(frozen=True)
class GraphTuning:
    """`factory`: FAISS' name of what is built, HNSW with M links a row (8 M bytes) over the float16 vectors.
    `ef_construction` candidates are weighed for each row added. `threads`: of one build."""

    factory: str = "HNSW16,SQfp16"
    ef_construction: int = 100
    threads: int = 1

    def check(self, at: str) -> None:
        """Raises InvalidInput for a factory that cannot be appended to, or does not keep the canonical values."""
        if not FACTORY.fullmatch(self.factory):
            raise InvalidInput(at, f"{self.factory[:80]!r} is not of the form HNSWm,SQfp16 with m from 1 to 99")

    @property
    def neighbours(self) -> int:
        """HNSW's M."""
        match = FACTORY.fullmatch(self.factory)
        assert match
        return int(match[1])


class Graph:
    """Links between the first `rows` rows of `flat`. Immutable once it is made; search it from any thread."""

    def __init__(self, index: Any, flat: Flat) -> None:
        """`index`: an IndexHNSW without vectors of its own."""
        self.rows = int(index.ntotal)
        if self.rows > flat.rows:
            raise ValueError(f"links of {self.rows} rows, vectors of {flat.rows}")
        index.own_fields = False
        index.storage = flat.index
        # Assigned so, it would not be Python's to free any more, and nobody would.
        flat.index.thisown = True
        self._index = index
        self._flat = flat

    @classmethod
    def over(cls, flat: Flat, space: Space, tuning: GraphTuning, proceed: Proceed) -> Self:
        """Links between all rows."""
        index = _empty(space, tuning)
        _add(index, _chunks(flat, 0, _scale(space)), tuning, proceed)
        return cls(_links(index), flat)

    def onto(self, flat: Flat) -> Graph:
        """The same links between the first rows of `flat`, which must be the same vectors."""
        return Graph(_links(self._index), flat)

    def extended(self, flat: Flat, space: Space, tuning: GraphTuning, proceed: Proceed) -> Graph:
        """These links, and others for the rows that `flat` has after those of this one."""
        rows, scale = self.rows, _scale(space)
        index = _empty(space, tuning)
        index.hnsw = self._index.hnsw
        index.hnsw.efConstruction = tuning.ef_construction
        vectors = faiss.downcast_index(index.storage)
        for chunk in _chunks(flat, 0, scale, rows):
            proceed()
            vectors.add(chunk)
        index.ntotal = rows
        _add(index, _chunks(flat, rows, scale), tuning, proceed)
        return Graph(_links(index), flat)

    @classmethod
    def load(cls, path: Path, flat: Flat) -> Self:
        """The links are read; there are few of them beside the vectors."""
        return cls(faiss.read_index(str(path), faiss.IO_FLAG_SKIP_STORAGE), flat)

    def save(self, path: Path) -> None:
        """Writes the links."""
        faiss.write_index(self._index, str(path), faiss.IO_FLAG_SKIP_STORAGE)

    @property
    def nbytes(self) -> int:
        """Bytes of links, about: M links a row above the lowest level are rare."""
        return self.rows * (4 * int(self._index.hnsw.nb_neighbors(0)) + 16)

    def nearest(self, weighed: Float32, count: int, ef: int) -> Near:
        """(n, D) -> what a walk of this efSearch finds."""
        parameters = faiss.SearchParametersHNSW(efSearch=max(ef, count))
        scores, rows = self._index.search(weighed, count, params=parameters)
        return scores, rows


CHUNK_ROWS = 512
"""Rows added between two looks at whether the builder has been asked to stop: up to half a second of work."""


def _scale(space: Space) -> Float32:
    """(D,): the root of each number's weight."""
    weights = np.array([block.default_weight for block in space.blocks], np.float32)
    weights = np.maximum(weights / (weights.max() or 1), LEAST_WEIGHT)
    return np.sqrt(np.repeat(weights, [block.dimension for block in space.blocks])).astype(np.float32)


def _chunks(flat: Flat, start: int, scale: Float32, end: int | None = None) -> Iterable[Float32]:
    for at in range(start, flat.rows if end is None else end, CHUNK_ROWS):
        chunk: Float16 = flat.canonical[at : min(at + CHUNK_ROWS, flat.rows if end is None else end)]
        yield chunk.astype(np.float32) * scale


def _empty(space: Space, tuning: GraphTuning) -> Any:
    """With vectors of its own, which are scaled."""
    index = faiss.IndexHNSWSQ(
        space.dimension, faiss.ScalarQuantizer.QT_fp16, tuning.neighbours, faiss.METRIC_INNER_PRODUCT
    )
    index.hnsw.efConstruction = tuning.ef_construction
    return index


def _add(index: Any, chunks: Iterable[Float32], tuning: GraphTuning, proceed: Proceed) -> None:
    # Of this thread only: searches on others stay with one. And not of what this one does next, which threads that wait
    # for each other would slow down.
    faiss.omp_set_num_threads(tuning.threads)
    try:
        for chunk in chunks:
            proceed()
            index.add(chunk)
    finally:
        faiss.omp_set_num_threads(1)


def _links(index: Any) -> Any:
    """A copy of the links, without vectors. To exchange the vectors of an index instead corrupts memory: FAISS and its
    Python wrappers do not agree on who frees them."""
    writer = faiss.VectorIOWriter()
    faiss.write_index(index, writer, faiss.IO_FLAG_SKIP_STORAGE)
    reader = faiss.VectorIOReader()
    faiss.copy_array_to_vector(faiss.vector_to_array(writer.data), reader.data)
    return faiss.read_index(reader, faiss.IO_FLAG_SKIP_STORAGE)
