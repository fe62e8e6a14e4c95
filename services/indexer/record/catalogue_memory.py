"""The record of one catalogue in dictionaries, for tests."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from services.errors import NotFound
from services.indexer.definition import Definition
from services.indexer.item import Record
from services.indexer.record.catalogue import (
    PLAIN,
    Catalogue,
    Changes,
    ItemVectors,
    LayoutChanged,
    LogLost,
    Receipt,
    Wanted,
    Written,
    gone,
    other_payload,
)
from services.indexer.record.layout import Added, Layout
from services.indexer.version import Mark, Position

LAYOUT: list[str] = []
"""The log entry that says that spaces or aliases changed."""


@dataclass
class _Partition:
    """`ever`: all ids that there ever were, in their order, so that a scan loses none when others go."""

    records: dict[str, Record] = field(default_factory=dict)
    ever: dict[str, None] = field(default_factory=dict)
    log: list[list[str]] = field(default_factory=list)
    receipts: dict[str, tuple[bytes, Written]] = field(default_factory=dict)


class InMemoryCatalogue(Catalogue):
    """Trims nothing, forgets no receipt. `max_items`: of a catalogue that names no number."""

    def __init__(self, definition: Definition, epoch: bytes, max_items: int = 0, *, deleted: bool = False) -> None:
        self.definition = definition
        self._epoch = epoch
        self._max_items = max_items
        self._deleted = deleted
        self._partitions = [_Partition() for _ in range(definition.partitions)]
        self._layout = Layout.first(definition.space)
        self._stamps = 0
        self._changed = threading.Condition()

    def write(
        self,
        partition: int,
        upserts: Sequence[Record],
        removed: Sequence[str],
        receipt: Receipt | None,
        generation: int | None = None,
    ) -> Written:
        with self._changed:
            present = self.remembered(partition, receipt) if receipt else None
            if present is not None:
                return present
            mine = self._require(partition)
            if generation not in (None, self._layout.generation):
                raise LayoutChanged
            room = self.definition.room(partition, self._max_items)
            put, skipped = [], []
            for position, record in enumerate(upserts):
                if room is not None and record.item.id not in mine.records and len(mine.records) >= room:
                    skipped.append(position)
                    continue
                self._put(mine, record)
                put.append(record.item.id)
            went = [item_id for item_id in removed if mine.records.pop(item_id, None)]
            return self._logged(partition, put + went, receipt, len(went), skipped)

    def put_vectors(
        self,
        partition: int,
        space: str,
        items: Sequence[ItemVectors],
        receipt: Receipt | None,
        added: Added | None = None,
    ) -> Written:
        with self._changed:
            present = self.remembered(partition, receipt) if receipt else None
            if present is not None:
                return present
            mine = self._require(partition)
            if space not in self._layout.further:
                raise NotFound("space", space)
            if added not in (None, self._layout.further[space]):
                raise LayoutChanged
            put, skipped = [], []
            for position, one in enumerate(items):
                old = mine.records.get(one.item_id)
                if old is None or one.stamp not in (b"", old.stamp):
                    skipped.append(position)
                    continue
                mine.records[one.item_id] = replace(old, others={**old.others, space: one.vectors})
                put.append(one.item_id)
            return self._logged(partition, put, receipt, 0, skipped)

    def remembered(self, partition: int, receipt: Receipt) -> Written | None:
        with self._changed:
            known = self._partitions[partition].receipts.get(receipt.key)
            if known is None:
                return None
            if known[0] != receipt.digest:
                raise other_payload()
            return known[1]

    def get(self, item_ids: Sequence[str], wanted: Wanted = PLAIN) -> list[Record | None]:
        with self._changed:
            found = [self._require(self.definition.partition_of(one)).records.get(one) for one in item_ids]
            return [record and _only(record, wanted) for record in found]

    def scan(self, partition: int, cursor: int, count: int, wanted: Wanted = PLAIN) -> tuple[list[Record], int]:
        with self._changed:
            mine, end = self._require(partition), cursor + count
            ids = list(mine.ever)
            found = [mine.records[one] for one in ids[cursor:end] if one in mine.records]
            return [_only(record, wanted) for record in found], end if end < len(ids) else 0

    def count(self) -> int:
        with self._changed:
            return sum(len(partition.records) for partition in self._partitions)

    def layout(self, partition: int = 0) -> Layout:
        with self._changed:
            self._require(partition)
            return self._layout

    def relayout(self, before: Layout, after: Layout) -> Mark:
        with self._changed:
            self._require(0)
            if self._layout not in (before, after):
                raise LayoutChanged
            self._layout = after
            for partition in self._partitions:
                for item_id, record in partition.records.items():
                    kept = {name: rows for name, rows in record.others.items() if _same(before, after, name)}
                    partition.records[item_id] = replace(record, others=kept)
                partition.log.append(LAYOUT)
            self._changed.notify_all()
            return self.head(0)

    def head(self, partition: int) -> Mark:
        with self._changed:
            return Mark(self._epoch, Position(len(self._require(partition).log), 0))

    def follow(self, partition: int, after: Mark, wait_s: float) -> Changes:
        with self._changed:
            self._changed.wait_for(lambda: self._deleted or self.head(partition) != after, wait_s)
            head = self.head(partition)
            if after.epoch != head.epoch or after.position > head.position:
                raise LogLost
            mine = self._partitions[partition]
            entries = mine.log[after.position.milliseconds :]
            item_ids = list(dict.fromkeys(item_id for entry in entries for item_id in entry))
            upserts = [replace(mine.records[one], raw=None) for one in item_ids if one in mine.records]
            layout = self._layout if LAYOUT in entries else None
            return Changes(upserts, [one for one in item_ids if one not in mine.records], head, layout)

    def close(self) -> int:
        """Everything is gone from here on; returns how many items that were."""
        with self._changed:
            self._deleted = True
            self._changed.notify_all()
            return self.count()

    def _put(self, mine: _Partition, record: Record) -> None:
        old = mine.records.get(record.item.id, record)
        self._stamps += 1
        mine.ever.setdefault(record.item.id)
        others = {name: rows for name, rows in record.others.items() if name in self._layout.further}
        mine.records[record.item.id] = replace(
            record, created_us=old.created_us, others=others, stamp=self._stamps.to_bytes(8, "big")
        )

    def _logged(
        self, partition: int, item_ids: list[str], receipt: Receipt | None, removed: int, skipped: Sequence[int]
    ) -> Written:
        if item_ids:
            self._partitions[partition].log.append(item_ids)
            self._changed.notify_all()
        written = Written(self.head(partition), removed, receipt.answer if receipt else b"", skipped)
        if receipt:
            self._partitions[partition].receipts[receipt.key] = (receipt.digest, written)
        return written

    def _require(self, partition: int) -> _Partition:
        if self._deleted:
            raise gone(self.definition)
        return self._partitions[partition]


def _only(record: Record, wanted: Wanted) -> Record:
    others = {name: rows for name, rows in record.others.items() if name in wanted.spaces}
    return replace(record, others=others, raw=record.raw if wanted.raw else None)


def _same(before: Layout, after: Layout, name: str) -> bool:
    return name in after.further and before.further[name] == after.further[name]
