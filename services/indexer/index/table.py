"""Which item each row of an index belongs to, and what is known of it. Only grows: a change of an item makes new rows,
and what no longer counts is masked elsewhere until the table is made anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from services.indexer.index.columns import Columns, Rows
from services.indexer.index.growing import Growing
from services.indexer.index.port import RowArray
from services.indexer.item import Fact


class Table:
    """One writer, any number of readers that each know a number of complete rows."""

    def __init__(self) -> None:
        self.columns = Columns()
        self._ids: list[str] = []
        self._packed: list[bytes] = []
        self._fingerprints: list[int] = []
        self._firsts = Growing(np.int32)
        self._photos = Growing(np.uint8)
        self._latest: dict[str, int] = {}
        self._previous: dict[int, int] = {}

    def __len__(self) -> int:
        """Rows so far."""
        return len(self._ids)

    def add(self, item_id: str, photos: int, packed: bytes, fingerprint: int, facts: Iterator[Fact]) -> int:
        """Adds an item of `photos` rows and returns the first of them. `fingerprint`: any hash of all its contents."""
        first = len(self._ids)
        self._append(item_id, photos, packed, fingerprint)
        self.columns.add(first, photos, facts)
        if item_id in self._latest:
            self._previous[first] = self._latest[item_id]
        self._latest[item_id] = first
        return first

    def find(self, item_id: str, rows: int) -> int | None:
        """The newest first row of an item among the first `rows` rows, be it masked or not.

        A reader may be behind the writer by any number of changes of this item, hence the way back.
        """
        first = self._latest.get(item_id)
        while first is not None and first >= rows:
            first = self._previous.get(first)
        return first

    def item_id(self, row: int) -> str:
        """The item of a row."""
        return self._ids[row]

    def packed(self, row: int) -> bytes:
        """The packed item of a row."""
        return self._packed[row]

    def fingerprint(self, row: int) -> int:
        """The fingerprint of a row's item."""
        return self._fingerprints[row]

    def firsts(self, rows: RowArray) -> NDArray[np.int32]:
        """For each row the first row of its item."""
        return self._firsts.head()[rows]

    def photos(self, firsts: Sequence[int] | RowArray) -> NDArray[np.uint8]:
        """For each item, by its first row, the number of its rows."""
        return self._photos.head()[firsts]

    def is_first(self, rows: int) -> NDArray[np.bool_]:
        """(rows,) bool: whether a row is the first one of its item."""
        first: NDArray[np.bool_] = self._firsts.head(rows) == np.arange(rows)
        return first

    def renumbered(self, new_rows: Rows) -> Table:
        """A copy under other row numbers, as `Columns.renumbered`. Items stay or go as a whole."""
        copy = Table()
        copy.columns = self.columns.renumbered(new_rows)
        for row in np.flatnonzero((new_rows >= 0) & self.is_first(len(new_rows))).tolist():
            item_id = self._ids[row]
            copy._latest[item_id] = len(copy)
            copy._append(item_id, int(self._photos.head()[row]), self._packed[row], self._fingerprints[row])
        return copy

    def _append(self, item_id: str, photos: int, packed: bytes, fingerprint: int) -> None:
        first = len(self._ids)
        self._firsts.extend(np.full(photos, first, np.int32))
        self._photos.extend(np.full(photos, photos, np.uint8))
        self._packed.extend([packed] * photos)
        self._fingerprints.extend([fingerprint] * photos)
        self._ids.extend([item_id] * photos)
