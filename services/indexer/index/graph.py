"""A FAISS graph over settled rows, for parts so large that looking at every row's sketch takes too long.

FAISS forbids adding beside searching, and an HNSW graph forgets nothing. So more rows make another graph, and what is
deleted is masked.
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
from services.indexer.index.flat import Flat, Near, owned
from services.indexer.index.port import Proceed
from services.spaces import Float16, Float32

faiss: Any = untyped_faiss

FACTORIES = re.compile(r"HNSW([1-9][0-9]?)(,SQ(?:fp16|8))?")


@dataclass(frozen=True)
class GraphTuning:
    """`factory`: FAISS' name of what is built, HNSW with M links a row (8 M bytes) over the float16 vectors themselves
    or over 8-bit numbers beside them. `ef_construction` candidates are weighed for each row added. `threads`: of one
    build."""

    factory: str = "HNSW16,SQfp16"
    ef_construction: int = 100
    threads: int = 1

    def check(self, at: str) -> None:
        """Raises InvalidInput for a factory that cannot be appended to, or of which nothing is known."""
        if not FACTORIES.fullmatch(self.factory):
            raise InvalidInput(
                at, f"{self.factory[:80]!r} is none of HNSWm, HNSWm,SQfp16 and HNSWm,SQ8, m from 1 to 99"
            )

    @property
    def neighbours(self) -> int:
        """HNSW's M."""
        match = FACTORIES.fullmatch(self.factory)
        assert match
        return int(match[1])

    @property
    def codes(self) -> int:
        """What FAISS keeps of a number."""
        return int(faiss.ScalarQuantizer.QT_8bit if self.factory.endswith("SQ8") else faiss.ScalarQuantizer.QT_fp16)


class Graph:
    """Immutable once it is made; search it from any thread. `flat`: the vectors, when the graph keeps them itself."""

    def __init__(self, index: Any, *, mapped: bool = False) -> None:
        """`index`: an IndexHNSWSQ; `mapped`: from a file."""
        self._index = index
        self._mapped = mapped
        self.rows = int(index.ntotal)
        storage = faiss.downcast_index(index.storage)
        whole = storage.sq.qtype == faiss.ScalarQuantizer.QT_fp16
        self.flat = Flat(storage, mapped=mapped, owner=index) if whole else None
        self._code_bytes = 0 if whole else int(storage.code_size)

    @classmethod
    def empty(cls, dimension: int, tuning: GraphTuning) -> Self:
        """No rows."""
        index = faiss.IndexHNSWSQ(dimension, tuning.codes, tuning.neighbours, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = tuning.ef_construction
        return cls(index)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Mapped."""
        return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC), mapped=True)

    def save(self, path: Path) -> None:
        """Writes it."""
        faiss.write_index(self._index, str(path))

    def extended(self, chunks: Iterable[Float16], tuning: GraphTuning, proceed: Proceed) -> Graph:
        """Another graph with these rows after those of this one. `proceed` is called before each chunk."""
        index = owned(self._index) if self._mapped else faiss.clone_index(self._index)
        faiss.omp_set_num_threads(tuning.threads)
        for chunk in chunks:
            proceed()
            wide = np.ascontiguousarray(chunk, np.float32)
            if not index.is_trained:
                index.train(wide)
            index.add(wide)
        return Graph(index)

    @property
    def nbytes(self) -> int:
        """Bytes of links, about (M links a row above the lowest level are rare), and of what is not in `flat`."""
        return self.rows * (self._code_bytes + 4 * int(self._index.hnsw.nb_neighbors(0)) + 16)

    def nearest(self, weighed: Float32, count: int, ef: int) -> Near:
        """(n, D) -> what a walk of this efSearch finds."""
        parameters = faiss.SearchParametersHNSW(efSearch=max(ef, count))
        scores, rows = self._index.search(weighed, count, params=parameters)
        return scores, rows
