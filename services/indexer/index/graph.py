"""The settled part of an index: a FAISS HNSW graph over float16 rows that nobody changes any more.

FAISS forbids adding beside searching, and an HNSW graph forgets nothing. So more rows make another graph, and what is
deleted is masked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import faiss as untyped_faiss
import numpy as np
from numpy.typing import NDArray

from services.indexer.index.port import RowArray
from services.spaces import Float32

# The stubs that come with FAISS describe its C++ side, not what its Python wrappers take.
faiss: Any = untyped_faiss

Bitmap = NDArray[np.uint8]
"""One bit a row, least significant first, as `numpy.packbits(mask, bitorder="little")` makes them."""

CHUNK_ROWS = 512
"""Rows added between two looks at whether the builder has been asked to stop: a quarter of a second of work."""


@dataclass(frozen=True)
class GraphTuning:
    """`neighbours` (HNSW's M) cost 8 bytes a row each; `ef_construction` candidates are weighed for each row added.
    `threads`: of one build."""

    neighbours: int = 16
    ef_construction: int = 100
    threads: int = 1


class Graph:
    """Immutable once it is made; search it from any thread."""

    def __init__(self, index: Any, tuning: GraphTuning) -> None:
        self._index = index
        self._storage = faiss.downcast_index(index.storage)
        self._tuning = tuning

    @classmethod
    def empty(cls, dimension: int, tuning: GraphTuning) -> Graph:
        """No rows. float16 needs no training."""
        index = faiss.IndexHNSWSQ(
            dimension, faiss.ScalarQuantizer.QT_fp16, tuning.neighbours, faiss.METRIC_INNER_PRODUCT
        )
        index.hnsw.efConstruction = tuning.ef_construction
        return cls(index, tuning)

    def extended(self, chunks: Iterable[Float32], proceed: Callable[[], None]) -> Graph:
        """Another graph with these rows after those of this one. `proceed` is called before each chunk and may raise
        to give up."""
        index = faiss.clone_index(self._index)
        faiss.omp_set_num_threads(self._tuning.threads)
        for chunk in chunks:
            proceed()
            index.add(np.ascontiguousarray(chunk))
        return Graph(index, self._tuning)

    @property
    def rows(self) -> int:
        """How many."""
        return int(self._index.ntotal)

    @property
    def nbytes(self) -> int:
        """Bytes of vectors and of links, about: M links a row above the lowest level are rare."""
        return self.rows * (2 * int(self._index.d) + 8 * self._tuning.neighbours + 16)

    def nearest(self, weighed: Float32, count: int, bitmap: Bitmap | None, ef: int) -> tuple[RowArray, Float32]:
        """Up to `count` rows and their inner products with `weighed` (D,), best first, among the rows of the bitmap.

        `ef` is HNSW's efSearch. Far from the query a filtered graph search may find few rows or none.
        """
        parameters = faiss.SearchParametersHNSW(efSearch=max(ef, count), **_selector(bitmap))
        return _trimmed(self._index.search(weighed[None], count, params=parameters))

    def exact(self, weighed: Float32, count: int, bitmap: Bitmap | None) -> tuple[RowArray, Float32]:
        """The same, comparing every row."""
        parameters = faiss.SearchParameters(**_selector(bitmap))
        return _trimmed(self._storage.search(weighed[None], count, params=parameters))

    def vectors(self, rows: RowArray) -> Float32:
        """(n,) rows -> (n, D), exactly the float16 values."""
        found: Float32 = self._index.reconstruct_batch(rows)
        return found


def _selector(bitmap: Bitmap | None) -> dict[str, Any]:
    return {} if bitmap is None else {"sel": faiss.IDSelectorBitmap(bitmap)}


def _trimmed(found: tuple[Float32, RowArray]) -> tuple[RowArray, Float32]:
    """FAISS fills what it did not find with row -1."""
    scores, rows = found[0][0], found[1][0]
    there = rows >= 0
    return rows[there], scores[there]
