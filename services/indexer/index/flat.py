"""The canonical vectors of settled rows, compared one by one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import faiss as untyped_faiss
import numpy as np
from numpy.typing import NDArray

from services.indexer.index.port import Proceed
from services.spaces import Float16, Float32

# The stubs that come with FAISS describe its C++ side, not what its Python wrappers take.
faiss: Any = untyped_faiss

SCAN_SHARE = 0.08
"""To look at each row's bit costs as much as to copy a twelfth of them."""

Near = tuple[Float32, NDArray[np.int64]]
"""(n, count) inner products and rows, best first; row -1 where there are no more."""


class Flat:
    """Rows of float16 in a FAISS index, which widens them as it compares: 0.03 µs a row of 384, where NumPy takes 0.5.
    Immutable once it is made; search it from any thread."""

    def __init__(self, index: Any, *, mapped: bool = False) -> None:
        """`index`: an IndexScalarQuantizer of float16; `mapped`: from a file."""
        self.index = index
        self._mapped = mapped
        self.rows = int(index.ntotal)
        self.canonical = _codes(index)

    @classmethod
    def empty(cls, dimension: int) -> Self:
        """No rows. float16 needs no training."""
        return cls(_empty(dimension))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Mapped: its pages are read when they are needed, and given back when memory is short."""
        return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC), mapped=True)

    def save(self, path: Path) -> None:
        """Writes the vectors."""
        faiss.write_index(self.index, str(path))

    def extended(self, chunks: Iterable[Float16], proceed: Proceed) -> Flat:
        """Another one with these rows after those of this one."""
        index = owned(self.index) if self._mapped else faiss.clone_index(self.index)
        for chunk in chunks:
            proceed()
            index.add_sa_codes(np.ascontiguousarray(chunk, "<f2").view(np.uint8))
        return Flat(index)

    def compare(self, weighed: Float32, count: int, rows: NDArray[np.intp] | None) -> Near:
        """(n, D) queries against all rows, or some of them (ascending)."""
        if rows is None or len(rows) > SCAN_SHARE * self.rows:
            selector = None if rows is None else faiss.IDSelectorBitmap(_bits(rows, self.rows))
            scores, found = self.index.search(weighed, count, params=faiss.SearchParameters(sel=selector))
            return scores, found
        some = _empty(self.index.d)
        some.add_sa_codes(self.canonical[rows].view(np.uint8))
        scores, found = some.search(weighed, count)
        return scores, np.where(found < 0, found, rows[found])


SIGN_AND_NUMBER = np.int32(-0x70002000)
"""0x8fffe000: the bits of a float32 that a float16 has, once its exponent stands where that of a float32 does."""
EXPONENTS_APART = np.float32(2.0**112)
"""The exponent of a float16 is counted from 15, that of a float32 from 127."""


def widen(rows: Float16, out: Float32) -> None:
    """(n, D) float16 -> float32, the same numbers, which must be finite. By whole registers: a quarter of what NumPy's
    own conversion takes, which is the dearest part of scoring some hundred rows."""
    bits = out.view(np.int32)
    bits[...] = rows.view(np.int16)
    bits <<= 13
    bits &= SIGN_AND_NUMBER
    out *= EXPONENTS_APART


def owned(index: Any) -> Any:
    """A copy in memory that may be added to. FAISS aborts the process when that is tried with an index that was mapped,
    or with a clone of it."""
    return faiss.deserialize_index(faiss.serialize_index(index))


def _empty(dimension: int) -> Any:
    return faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


def _bits(rows: NDArray[np.intp], of: int) -> NDArray[np.uint8]:
    """One bit a row, least significant first."""
    mask = np.zeros(of, bool)
    mask[rows] = True
    return np.packbits(mask, bitorder="little")


def _codes(index: Any) -> Float16:
    """(rows, D), not copied."""
    if index.ntotal == 0:
        return np.empty((0, index.d), np.float16)
    codes: NDArray[np.uint8] = faiss.rev_swig_ptr(index.codes.data(), index.ntotal * index.code_size)
    return codes.view("<f2").reshape(-1, index.d)
