"""The record of a catalogue: its items, and a log of which of them changed. The index is derived from it.

A record is split into partitions by item id. Each has its own log, which holds ids only: whoever follows it reads the
items as they are now, so reading an entry twice or late does no harm. Logs are trimmed; a follower that comes too late
is told so by `LogLost` and reads the partition as a whole again.
"""

from __future__ import annotations

import re
import threading
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from services.errors import Conflict, InvalidInput, NotFound
from services.indexer.item import Record
from services.indexer.version import EPOCH_BYTES, Mark, Position
from services.spaces import Space

MAX_PARTITIONS = 64

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,47}")

RandomBytes = Callable[[int], bytes]
"""A number -> so many random bytes; `secrets.token_bytes` outside of tests."""


@dataclass(frozen=True)
class Definition:
    """What a catalogue is. `incarnation`: random hex that tells it from one of the same name that was deleted.
    `created_us`: microseconds since 1970."""

    name: str
    space: Space
    partitions: int
    created_us: int
    incarnation: str

    def __post_init__(self) -> None:
        """Raises InvalidInput for a name or a number of partitions that is out of bounds."""
        if not _NAME.fullmatch(self.name):
            raise InvalidInput("catalogue", "a name is of a-z, 0-9, _ and -, starts with a letter, at most 48 letters")
        if not 1 <= self.partitions <= MAX_PARTITIONS:
            raise InvalidInput("partitions", f"must be 1 to {MAX_PARTITIONS}")

    def partition_of(self, item_id: str) -> int:
        """Where an item is kept. Part of the stored format: never change it."""
        return zlib.crc32(item_id.encode()) % self.partitions


@dataclass(frozen=True)
class Receipt:
    """Makes a write act once: for a while, a write of the same `key` and `digest` gives the answer of the first.
    `answer`: opaque, kept beside the write."""

    key: str
    digest: bytes
    answer: bytes = b""


@dataclass(frozen=True)
class Written:
    """A write that is kept. `mark`: contains it. `removed`: ids that existed. `answer`: the first receipt's."""

    mark: Mark
    removed: int = 0
    answer: bytes = b""


@dataclass(frozen=True)
class Changes:
    """Items as they are now, and ids that are gone. `mark`: up to where the log has been read."""

    upserts: Sequence[Record]
    removed: Sequence[str]
    mark: Mark


class LogLost(Exception):
    """The log does not go on from this mark: it was trimmed, or restored from the past. Read the partition again."""


class Catalogue(ABC):
    """The record of one catalogue. Safe to use from any number of threads.

    Every method raises NotFound when the catalogue has been deleted and NotReady when the record cannot be reached.
    """

    definition: Definition

    @abstractmethod
    def write(
        self, partition: int, upserts: Sequence[Record], removed: Sequence[str], receipt: Receipt | None
    ) -> Written:
        """Puts and removes items of one partition, all or nothing; kept as safely as the record can when it returns.

        An item that replaces another keeps its `created_us`. Raises Conflict when the receipt's key was used with
        another digest.
        """

    @abstractmethod
    def remembered(self, partition: int, receipt: Receipt) -> Written | None:
        """What `write` with this receipt did, None when it has not been. Raises Conflict as `write`."""

    @abstractmethod
    def get(self, item_ids: Sequence[str]) -> list[Record | None]:
        """In the order asked for; None: there is no such item."""

    @abstractmethod
    def scan(self, partition: int, cursor: int, count: int) -> tuple[list[Record], int]:
        """About `count` items and the cursor of the next ones; 0 begins and ends.

        What is there from beginning to end of a scan is in it at least once, and once if nothing changes meanwhile.
        """

    @abstractmethod
    def head(self, partition: int) -> Mark:
        """The end of the log."""

    @abstractmethod
    def follow(self, partition: int, after: Mark, wait_s: float) -> Changes:
        """What changed after the mark; waits up to `wait_s` for something. Raises LogLost."""


class Catalogues(ABC):
    """All catalogues of the record."""

    @abstractmethod
    def create(self, definition: Definition, receipt: Receipt | None) -> Definition:
        """Makes an empty catalogue and returns its definition, with the same receipt that of the first time.

        Raises Conflict when one of that name exists.
        """

    @abstractmethod
    def all(self) -> list[Definition]:
        """By name."""

    @abstractmethod
    def open(self, definition: Definition) -> Catalogue:
        """The record of a catalogue. Does not ask whether it is still there."""

    @abstractmethod
    def delete(self, definition: Definition) -> int:
        """Removes a catalogue; returns how many items went with it. Raises NotFound when it was gone already."""

    @abstractmethod
    def ping(self) -> None:
        """Raises NotReady when the record cannot be reached, Refused when its server is too old."""


class InMemoryCatalogues(Catalogues):
    """For tests: keeps everything, trims nothing, forgets no receipt."""

    def __init__(self, random_bytes: RandomBytes) -> None:
        self._random_bytes = random_bytes
        self._catalogues: dict[str, InMemoryCatalogue] = {}
        self._receipts: dict[str, Receipt | None] = {}
        self._lock = threading.Lock()

    def create(self, definition: Definition, receipt: Receipt | None) -> Definition:
        with self._lock:
            present = self._catalogues.get(definition.name)
            if present is None:
                self._catalogues[definition.name] = InMemoryCatalogue(definition, self._random_bytes(EPOCH_BYTES))
                self._receipts[definition.name] = receipt
                return definition
            if receipt is not None and receipt == self._receipts[definition.name]:
                return present.definition
            raise already_exists(definition.name)

    def all(self) -> list[Definition]:
        with self._lock:
            return [self._catalogues[name].definition for name in sorted(self._catalogues)]

    def open(self, definition: Definition) -> Catalogue:
        with self._lock:
            present = self._catalogues.get(definition.name)
        if present is None or present.definition != definition:
            return InMemoryCatalogue(definition, b"", deleted=True)
        return present

    def delete(self, definition: Definition) -> int:
        with self._lock:
            present = self._catalogues.get(definition.name)
            if present is None or present.definition != definition:
                raise NotFound("catalogue", definition.name)
            del self._catalogues[definition.name]
        return present.close()

    def ping(self) -> None:
        """It is always there."""


class InMemoryCatalogue(Catalogue):
    """One catalogue in dictionaries."""

    def __init__(self, definition: Definition, epoch: bytes, *, deleted: bool = False) -> None:
        self.definition = definition
        self._epoch = epoch
        self._deleted = deleted
        self._records: list[dict[str, Record]] = [{} for _ in range(definition.partitions)]
        self._logs: list[list[list[str]]] = [[] for _ in range(definition.partitions)]
        self._receipts: dict[tuple[int, str], tuple[bytes, Written]] = {}
        self._changed = threading.Condition()

    def write(
        self, partition: int, upserts: Sequence[Record], removed: Sequence[str], receipt: Receipt | None
    ) -> Written:
        with self._changed:
            present = self.remembered(partition, receipt) if receipt else None
            if present is not None:
                return present
            records = self._require(partition)
            gone = sum(records.pop(item_id, None) is not None for item_id in removed)
            for record in upserts:
                old = records.get(record.item.id, record)
                records[record.item.id] = replace(record, created_us=old.created_us)
            if upserts or gone:
                self._logs[partition].append([record.item.id for record in upserts] + list(removed))
                self._changed.notify_all()
            written = Written(self.head(partition), gone, receipt.answer if receipt else b"")
            if receipt:
                self._receipts[partition, receipt.key] = (receipt.digest, written)
            return written

    def remembered(self, partition: int, receipt: Receipt) -> Written | None:
        with self._changed:
            digest, written = self._receipts.get((partition, receipt.key), (receipt.digest, None))
            if digest != receipt.digest:
                raise other_payload()
            return written

    def get(self, item_ids: Sequence[str]) -> list[Record | None]:
        with self._changed:
            return [self._require(self.definition.partition_of(item_id)).get(item_id) for item_id in item_ids]

    def scan(self, partition: int, cursor: int, count: int) -> tuple[list[Record], int]:
        with self._changed:
            records = [record for _, record in sorted(self._require(partition).items())]
            end = cursor + count
            return records[cursor:end], end if end < len(records) else 0

    def head(self, partition: int) -> Mark:
        with self._changed:
            self._require(partition)
            return Mark(self._epoch, Position(len(self._logs[partition]), 0))

    def follow(self, partition: int, after: Mark, wait_s: float) -> Changes:
        with self._changed:
            self._changed.wait_for(lambda: self._deleted or self.head(partition) != after, wait_s)
            head = self.head(partition)
            if after.epoch != head.epoch or after.position > head.position:
                raise LogLost
            entries = self._logs[partition][after.position.milliseconds :]
            item_ids = list(dict.fromkeys(item_id for entry in entries for item_id in entry))
            records = self._records[partition]
            upserts = [records[item_id] for item_id in item_ids if item_id in records]
            return Changes(upserts, [item_id for item_id in item_ids if item_id not in records], head)

    def close(self) -> int:
        """Everything is gone from here on; returns how many items that were."""
        with self._changed:
            self._deleted = True
            self._changed.notify_all()
            return sum(map(len, self._records))

    def _require(self, partition: int) -> dict[str, Record]:
        if self._deleted:
            raise NotFound("catalogue", self.definition.name)
        return self._records[partition]


def already_exists(name: str) -> Conflict:
    """The error of `Catalogues.create`."""
    return Conflict(f"a catalogue {name!r} exists already", reason="CATALOGUE_EXISTS")


def other_payload() -> Conflict:
    """The error of a receipt that was used before."""
    return Conflict("this request_id was used with another payload", reason="REQUEST_ID_REUSED")
