"""The index without an index: every row is compared. The oracle of the tests, and enough for a small catalogue."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.indexer.filters import Filter
from services.indexer.index.port import Accuracy, Aims, Bools, Eligible, Index, PackItem, Proceed, RowArray, Size, View
from services.indexer.item import Kind, Record
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


@dataclass(frozen=True)
class MaskedRows(Eligible):
    """`mask`: (rows of the view,) bool."""

    mask: Bools
    count: int

    def has(self, row: int) -> bool:
        return bool(self.mask[row])


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

    @property
    def rows(self) -> int:
        return len(self._ids)

    @property
    def nbytes(self) -> int:
        return self._matrix.nbytes

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
        return MaskedRows(mask, int(mask.sum()))

    def nearest(
        self,
        aims: Aims,
        limit: int,
        eligible: Eligible,
        accuracy: Accuracy,  # noqa: ARG002 - always exact
        proceed: Proceed,  # noqa: ARG002 - soon done
    ) -> list[list[int]]:
        return [self._nearest(weighed, limit, eligible) for weighed in aims.weighed]

    def _nearest(self, weighed: Float32, limit: int, eligible: Eligible) -> list[int]:
        passing = np.array([eligible.has(row) for row in range(len(self._ids))], bool)
        scores = np.where(passing, self._matrix @ weighed, -np.inf)
        best = np.argsort(-scores, kind="stable")[: eligible.count]
        items = dict.fromkeys(self._firsts[self._ids[row]] for row in best)
        return list(items)[:limit]

    def word(self, first: int, field: str) -> str:
        facts = self.records[self._ids[first]].item.facts()
        return next((str(fact.value) for fact in facts if fact.field == field), "")

    def facets(self, field: str, eligible: Eligible, proceed: Proceed) -> Mapping[str, int]:  # noqa: ARG002 - quick
        passing = {self._ids[row] for row in range(len(self._ids)) if eligible.has(row)}
        facts = (fact for item_id in passing for fact in self.records[item_id].item.facts() if fact.field == field)
        counted = (fact for fact in facts if fact.kind in (Kind.WORD, Kind.TRUTH))
        return Counter(str(fact.value) if fact.kind is Kind.WORD else str(fact.value).lower() for fact in counted)

    def expand(self, firsts: Sequence[int] | RowArray) -> tuple[RowArray, RowArray]:
        counts = [len(self.records[self._ids[int(first)]].vectors) for first in firsts]
        rows = [row for first, count in zip(firsts, counts, strict=True) for row in range(first, first + count)]
        return np.array(rows, np.int64), np.repeat(np.arange(len(firsts)), counts)

    def vectors(self, rows: RowArray) -> Float32:
        return self._matrix[rows]

    def item_id(self, first: int) -> str:
        return self._ids[first]

    def packed(self, first: int) -> bytes:
        return self._pack(self.records[self._ids[first]].dated())
