"""The record of one catalogue in Redis. `connection_redis` names its keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from services.errors import Internal, NotFound
from services.indexer.definition import Definition, RandomBytes
from services.indexer.item import Record
from services.indexer.record.catalogue import (
    PLAIN,
    Catalogue,
    Changes,
    ItemVectors,
    LayoutChanged,
    LogLost,
    Receipt,
    ScanLost,
    Wanted,
    Written,
    gone,
    other_payload,
)
from services.indexer.record.connection_redis import Connection, Keys, RecordRules
from services.indexer.record.layout import Added, Layout
from services.indexer.record.packing_redis import (
    STAMP_BYTES,
    pack_layout,
    pack_record,
    pack_rows,
    unpack_joined,
    unpack_layout,
    unpack_record,
)
from services.indexer.version import EPOCH_BYTES, Mark, Position
from services.runtime.redis import redis_errors

ENTRIES_AT_ONCE = 8
"""Log entries read in one look; a write has at most 500 ids."""
RECORDS_AT_ONCE = 500
"""Records fetched by one command, about a megabyte."""
RESEND_S = 600
"""Until then a client has given up sending a command again whose answer was lost."""
CURSOR_BITS = 64
"""Of a cursor, those that are Redis's own. Above them stands of which run of the server it is."""
RECEIPT = ("digest", "epoch", "position", "removed", "answer", "made")


class _Asked(NamedTuple):
    """A receipt, and for how many seconds it is kept."""

    receipt: Receipt
    kept_s: int


UNASKED = _Asked(Receipt("", b""), 0)
"""Not to be remembered."""


class RedisCatalogue(Catalogue):
    """`random_bytes`: for stamps, and for the epochs that begin when Redis turns out to have been restored from its
    past."""

    def __init__(
        self, definition: Definition, connection: Connection, rules: RecordRules, random_bytes: RandomBytes
    ) -> None:
        self.definition = definition
        self._client = connection.client
        self._connection = connection
        self._rules = rules
        self._random_bytes = random_bytes
        self._keys = [Keys(definition, partition) for partition in range(definition.partitions)]
        self._layouts: list[Layout | None] = [None] * definition.partitions

    def write(
        self,
        partition: int,
        upserts: Sequence[Record],
        removed: Sequence[str],
        receipt: Receipt | None,
        generation: int | None = None,
    ) -> Written:
        asked = _Asked(receipt, self._rules.receipt_s) if receipt else self._unasked(removed)
        keys, room = self._keys[partition], self.definition.room(partition, self._rules.max_items)
        stamp = self._random_bytes(STAMP_BYTES)
        records = [(record.item.id, pack_record(record, stamp), pack_rows(record.raw)) for record in upserts]

        def attempt(layout: Layout) -> list[Any]:
            if generation not in (None, layout.generation):
                # The layout that is known here may be the older one.
                if generation == self.layout(partition).generation:
                    return [b"changed"]
                raise LayoutChanged
            puts = [
                part
                for record, fixed in zip(upserts, records, strict=True)
                for part in (*fixed, *(pack_rows(record.others.get(space)) for space in layout.further))
            ]
            beside = (keys.raw, *map(keys.vectors, layout.further))
            counts = (layout.generation, -1 if room is None else room, len(upserts))
            return self._ask(self._connection.write, partition, asked, beside, [*counts, *puts, *removed])

        return self._written(self._agreed(partition, attempt))

    def put_vectors(
        self,
        partition: int,
        space: str,
        items: Sequence[ItemVectors],
        receipt: Receipt | None,
        added: Added | None = None,
    ) -> Written:
        asked = _Asked(receipt, self._rules.receipt_s) if receipt else UNASKED
        puts = [part for one in items for part in (one.item_id, one.stamp, pack_rows(one.vectors))]
        beside = (self._keys[partition].vectors(space),)

        def attempt(layout: Layout) -> list[Any]:
            if not _has(layout, space, added):
                layout = self.level(partition)
            if space not in layout.further:
                raise NotFound("space", space)
            if not _has(layout, space, added):
                raise LayoutChanged
            return self._ask(self._connection.put, partition, asked, beside, [layout.generation, *puts])

        return self._written(self._agreed(partition, attempt))

    def remembered(self, partition: int, receipt: Receipt) -> Written | None:
        with redis_errors:
            digest, *written = self._client.hmget(self._keys[partition].receipt(receipt.key), RECEIPT)
        if digest is None:
            return None
        if digest != receipt.digest:
            raise other_payload()
        return self._written([b"repeated", *written])

    def get(self, item_ids: Sequence[str], wanted: Wanted = PLAIN) -> list[Record | None]:
        found: dict[str, Record] = {}
        by_partition: dict[int, list[str]] = {}
        for item_id in item_ids:
            by_partition.setdefault(self.definition.partition_of(item_id), []).append(item_id)
        for partition, ids in by_partition.items():
            found.update(self._fetch(partition, ids, wanted))
        if not found:
            self.head(0)
        return [found.get(item_id) for item_id in item_ids]

    def scan(self, partition: int, cursor: int, count: int, wanted: Wanted = PLAIN) -> tuple[list[Record], int]:
        ids_only = bool(wanted.spaces or wanted.raw)
        run, following, found = self._scan(partition, cursor, count, ids_only=ids_only)
        if not found:
            self.head(partition)
        follows = _cursor(run, following) if following else 0
        if ids_only:
            # All of an item at one moment: one that is written in between must not be seen by half.
            return list(self._fetch(partition, [one.decode() for one in found], wanted).values()), follows
        return [unpack_record(data) for data in found[1::2]], follows

    def first_cursor(self, partition: int) -> int:
        run, *_ = self._scan(partition, 0, 0, ids_only=True)
        return _cursor(run, 0)

    def count(self) -> int:
        with redis_errors:
            return sum(int(self._client.hlen(keys.items)) for keys in self._keys)

    def layout(self, partition: int = 0) -> Layout:
        with redis_errors:
            known = self._client.hget(self._keys[partition].layout, "layout")
        if known is None:
            raise gone(self.definition)
        return self._learn(partition, unpack_layout(known))

    def level(self, partition: int) -> Layout:
        while (layout := self.layout(partition)).generation < (first := self.layout(0)).generation:
            try:
                self._relayout(partition, layout, first)
            except LayoutChanged:
                continue  # by another one who does the same
        return layout

    def relayout(self, before: Layout, after: Layout) -> Mark:
        mark = self._relayout(0, before, after)
        # Also when nothing changes here: who did this before may not have come to every partition.
        for partition in range(1, self.definition.partitions):
            self.level(partition)
        return mark

    def head(self, partition: int) -> Mark:
        _, epoch, position, *_ = self._look(partition, "")
        return _mark(epoch, position)

    def follow(self, partition: int, after: Mark, wait_s: float) -> Changes:
        keys = self._keys[partition]
        with redis_errors:
            self._connection.waiting.xread({keys.log: str(after.position)}, count=1, block=max(1, int(wait_s * 1000)))
        outcome, epoch, *found = self._look(partition, str(after.position))
        if outcome == b"rewound" and epoch == after.epoch:
            with redis_errors:
                self._connection.renew([keys.epoch], [epoch, self._random_bytes(EPOCH_BYTES)])
        if outcome != b"found" or epoch != after.epoch:
            raise LogLost
        position, changed, *entries = found
        layout = self._learn(partition, unpack_layout(changed)) if changed else None
        item_ids = list(dict.fromkeys(item_id for entry in entries for item_id in entry.decode().split("\n")))
        spaces = self._known(partition).further if item_ids else ()
        records = self._fetch(partition, item_ids, Wanted(tuple(spaces)))
        gone_ids = [item_id for item_id in item_ids if item_id not in records]
        return Changes(list(records.values()), gone_ids, _mark(epoch, position), layout)

    def begin(self) -> None:
        """Makes the logs of a new catalogue; without them it counts as deleted."""
        layout = Layout.first(self.definition.space)
        with redis_errors:
            for keys in self._keys:
                with self._client.pipeline(transaction=True) as pipe:
                    pipe.set(keys.epoch, self._random_bytes(EPOCH_BYTES))
                    pipe.hset(keys.layout, mapping={"layout": pack_layout(layout), "generation": layout.generation})
                    pipe.xadd(keys.log, {"ids": ""})
                    pipe.execute()

    def end(self) -> int:
        """Removes everything but the receipts, which expire; returns how many items there were."""
        # Counted before any is removed, so that a command that is sent again does not count what is gone.
        items = self.count()
        with redis_errors:
            for keys in self._keys:
                known = self._client.hget(keys.layout, "layout")
                self._client.unlink(*keys.contents(unpack_layout(known).further if known else ()))
        return items

    def _ask(self, script: Any, partition: int, asked: _Asked, beside: Sequence[str], rest: Sequence[Any]) -> list[Any]:
        keys, rules, receipt = self._keys[partition], self._rules, asked.receipt
        with redis_errors:
            answer: list[Any] = script(
                [keys.epoch, keys.items, keys.log, keys.receipt(receipt.key), keys.layout, *beside],
                [receipt.digest, receipt.answer, asked.kept_s, rules.entries, rules.age_s * 1000, *rest],
            )
        return answer

    def _agreed(self, partition: int, attempt: Any) -> list[Any]:
        """The answer of an attempt with the layout that the partition has, as often as that changes meanwhile."""
        answer: list[Any] = attempt(self._known(partition))
        while answer == [b"changed"]:
            answer = attempt(self.layout(partition))
        return answer

    def _written(self, answer: Sequence[Any]) -> Written:
        match answer:
            case [b"gone"]:
                raise gone(self.definition)
            case [b"conflict"]:
                raise other_payload()
            case [_, epoch, position, removed, kept, made]:
                skipped = [at for at, digit in enumerate(made) if digit == ord("0")] if b"0" in made else ()
                return Written(_mark(epoch, position), int(removed), kept, skipped)
        raise Internal("a script answered something unknown")

    def _known(self, partition: int) -> Layout:
        """The layout as it was when it was last read."""
        return self._layouts[partition] or self.layout(partition)

    def _learn(self, partition: int, layout: Layout) -> Layout:
        self._layouts[partition] = layout
        return layout

    def _relayout(self, partition: int, before: Layout, after: Layout) -> Mark:
        keys = self._keys[partition]
        went = [name for name in before.further if after.further.get(name) != before.further[name]]
        with redis_errors:
            outcome, *where = self._connection.relayout(
                [keys.epoch, keys.layout, keys.log, *map(keys.vectors, went)],
                [pack_layout(before), pack_layout(after), after.generation],
            )
        if outcome == b"gone":
            raise gone(self.definition)
        if outcome == b"changed":
            raise LayoutChanged
        self._learn(partition, after)
        return _mark(*where)

    def _unasked(self, removed: Sequence[str]) -> _Asked:
        """For a write that nobody asked to remember. One that removes counts what was there, so it is remembered until
        its client has given up sending it again: the second time nothing is there any more."""
        return _Asked(Receipt(f"once:{self._random_bytes(16).hex()}", b"once"), RESEND_S) if removed else UNASKED

    def _scan(self, partition: int, cursor: int, count: int, *, ids_only: bool) -> tuple[bytes, int, list[bytes]]:
        """The run of the server, the cursor within it, and what was found. Raises ScanLost."""
        run, own = divmod(cursor, 1 << CURSOR_BITS)
        asked = f"{run:016x}" if cursor else ""
        with redis_errors:
            present, *step = self._connection.scan([self._keys[partition].items], [asked, own, count, int(ids_only)])
        if not step:
            raise ScanLost
        following, found = step
        return present, int(following), found

    def _look(self, partition: int, position: str) -> list[bytes]:
        keys = self._keys[partition]
        with redis_errors:
            answer: list[bytes] = self._connection.follow(
                [keys.epoch, keys.log, keys.layout], [position, ENTRIES_AT_ONCE]
            )
        if answer[0] == b"gone":
            raise gone(self.definition)
        return answer

    def _fetch(self, partition: int, item_ids: Sequence[str], wanted: Wanted) -> Mapping[str, Record]:
        """The records that exist, by id, each with what stands beside it at the same moment."""
        keys, found = self._keys[partition], dict[str, Record]()
        known = self._known(partition) if wanted.spaces else None
        spaces = [space for space in wanted.spaces if known and space in known.further]
        beside = [keys.vectors(space) for space in spaces] + ([keys.raw] if wanted.raw else [])
        for start in range(0, len(item_ids), RECORDS_AT_ONCE):
            ids = item_ids[start : start + RECORDS_AT_ONCE]
            with redis_errors, self._client.pipeline(transaction=bool(beside)) as pipe:
                for key in (keys.items, *beside):
                    pipe.hmget(key, ids)
                records, *others = pipe.execute()
            for item_id, data, *more in zip(ids, records, *others, strict=True):
                if data:
                    found[item_id] = unpack_joined(data, spaces, more)
        return found


def _has(layout: Layout, space: str, added: Added | None) -> bool:
    return space in layout.further and added in (None, layout.further[space])


def _cursor(run: bytes, own: int) -> int:
    return (int(run, 16) << CURSOR_BITS) + own


def _mark(epoch: bytes, position: bytes) -> Mark:
    return Mark(epoch, Position.parse(position.decode()))
