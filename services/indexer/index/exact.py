"""The index without an index: every row is compared. The oracle of the tests, and enough for a small catalogue."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from services.indexer.filters import Filter
from services.indexer.index.port import Accuracy, Eligible, Index, PackItem, RowArray, Size, View
from services.indexer.item import Record
from services.indexer.version import Version
from services.spaces import Float32, Space


class ExactIndex(Index):
    """Keeps the records as they are; a view costs time in the order of the catalogue."""

    def __init__(self, space: Space, partitions: int, pack: PackItem) -> None:
        self._lock = threading.Lock()
        self._pack = pack
        self._view = ExactView(space, {}, Version.nothing(partitions), pack)

    def view(self) -> ExactView:
        return self._view

    def item_ids(self) -> list[str]:
        return list(self._view.records)

    def apply(self, upserts: Sequence[Record], removed: Sequence[str], version: Version) -> None:
        with self._lock:
            records = dict(self._view.records)
            for item_id in removed:
                records.pop(item_id, None)
            records |= {record.item.id: record for record in upserts}
            self._view = ExactView(self._view.space, records, version, self._pack)


class ExactView(View):
    """The records of one moment."""

    def __init__(self, space: Space, records: dict[str, Record], version: Version, pack: PackItem) -> None:
        self.space = space
        self.version = version
        self.records = records
        self._pack = pack
        self._ids = [record.item.id for record in records.values() for _ in record.vectors]
        self._firsts = {item_id: row for row, item_id in reversed(list(enumerate(self._ids)))}

    @cached_property
    def _matrix(self) -> Float32:
        vectors = [record.vectors for record in self.records.values()]
        return np.concatenate([np.empty((0, self.space.dimension), np.float16), *vectors]).astype(np.float32)

    def size(self) -> Size:
        domains = [record.item.domain for record in self.records.values()]
        by_domain = {domain: domains.count(domain) for domain in sorted(set(domains))}
        rows = len(self._ids)
        return Size(len(self.records), rows, rows, 0, self._matrix.nbytes, by_domain)

    def find(self, item_id: str) -> int | None:
        return self._firsts.get(item_id)

    def eligible(self, filter_: Filter) -> Eligible:
        passing = {item_id for item_id, record in self.records.items() if filter_.matches(record.dated())}
        mask = np.array([item_id in passing for item_id in self._ids], dtype=bool)
        return Eligible(mask, int(mask.sum()))

    def nearest(self, weighed: Float32, limit: int, eligible: Eligible, accuracy: Accuracy) -> list[int]:  # noqa: ARG002 - always exact
        scores = np.where(eligible.mask, self._matrix @ weighed, -np.inf)
        best = np.argsort(-scores, kind="stable")[: eligible.count]
        items = dict.fromkeys(self._firsts[self._ids[row]] for row in best)
        return list(items)[:limit]

    def expand(self, firsts: Sequence[int]) -> tuple[RowArray, RowArray]:
        counts = [len(self.records[self._ids[first]].vectors) for first in firsts]
        rows = [row for first, count in zip(firsts, counts, strict=True) for row in range(first, first + count)]
        return np.array(rows, np.int64), np.repeat(np.arange(len(firsts)), counts)

    def vectors(self, rows: RowArray) -> Float32:
        return self._matrix[rows]

    def item_id(self, first: int) -> str:
        return self._ids[first]

    def packed(self, first: int) -> bytes:
        return self._pack(self.records[self._ids[first]].dated())
