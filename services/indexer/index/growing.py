"""An array that only grows at its end, with one writer and any number of readers that take no lock."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray


class Growing:
    """Rows of one dtype; `shape` is that of a row, () for a plain column.

    A reader that knows from elsewhere that n rows are complete takes `head(n)`: the writer replaces the buffer as a
    whole when it is full and never touches a row again, so what was handed out stays as it is.
    """

    __slots__ = ("_buffer", "count")

    def __init__(self, dtype: DTypeLike, shape: tuple[int, ...] = (), capacity: int = 4) -> None:
        self._buffer: NDArray[Any] = np.empty((capacity, *shape), dtype)
        self.count = 0

    def append(self, row: ArrayLike) -> None:
        """One row more."""
        self._reserve(1)
        self._buffer[self.count] = row
        self.count += 1

    def extend(self, rows: NDArray[Any]) -> None:
        """Several rows more."""
        self._reserve(len(rows))
        self._buffer[self.count : self.count + len(rows)] = rows
        self.count += len(rows)

    def head(self, count: int | None = None) -> NDArray[Any]:
        """The first `count` rows (all of them by default), as a view without a copy."""
        # The count before the buffer: a newer buffer holds at least as many rows.
        known = self.count
        return self._buffer[: known if count is None else min(count, known)]

    @property
    def nbytes(self) -> int:
        """Bytes of memory held."""
        return int(self._buffer.nbytes)

    def _reserve(self, more: int) -> None:
        needed = self.count + more
        if needed > len(self._buffer):
            larger = np.empty((max(needed, 2 * len(self._buffer)), *self._buffer.shape[1:]), self._buffer.dtype)
            larger[: self.count] = self._buffer[: self.count]
            self._buffer = larger
