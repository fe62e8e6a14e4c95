"""The record of a catalogue: its items, their vectors, and a log of which changed. The index is derived from it.

A record is split into partitions by item id. Each has its own log, which holds ids only: whoever follows it reads the
items as they are now, so reading an entry twice or late does no harm. Logs are trimmed; a follower that comes too late
is told so by `LogLost` and reads the partition as a whole again.

Which spaces there are, the layout, is written into the log of every partition, too. That of partition 0 decides; the
others follow it before `relayout` returns, and what a crash kept from them, the next one that needs it makes up for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.errors import Conflict, NotFound
from services.indexer.definition import Definition
from services.indexer.item import Record
from services.indexer.record.layout import Added, Layout
from services.indexer.version import Mark
from services.spaces import Float16


@dataclass(frozen=True)
class Receipt:
    """Makes a write act once: for a while, a write of the same `key` and `digest` gives the answer of the first.
    `answer`: opaque, kept beside the write."""

    key: str
    digest: bytes
    answer: bytes = b""


@dataclass(frozen=True)
class Written:
    """A write that is kept. `mark`: contains it. `removed`: ids that existed. `answer`: the first receipt's. `skipped`:
    positions of the items that were left out, for want of room or because they are not there any more."""

    mark: Mark
    removed: int = 0
    answer: bytes = b""
    skipped: Sequence[int] = ()


@dataclass(frozen=True)
class Wanted:
    """What to read of an item beside the item and its own vectors: those in further spaces, and its raw features."""

    spaces: Collection[str] = ()
    raw: bool = False


PLAIN = Wanted()
"""Nothing more."""


@dataclass(frozen=True)
class ItemVectors:
    """Vectors (photos, D) of an item in a further space. `stamp`: only if the item is still the one that was read with
    it; empty: whatever it is by now."""

    item_id: str
    vectors: Float16
    stamp: bytes = b""


@dataclass(frozen=True)
class Changes:
    """Items as they are now, with their vectors in every space, and ids that are gone. `mark`: up to where the log has
    been read. `layout`: the partition's, when it changed."""

    upserts: Sequence[Record]
    removed: Sequence[str]
    mark: Mark
    layout: Layout | None = None


class LogLost(Exception):
    """The log does not go on from this mark: it was trimmed, or restored from the past. Read the partition again."""


class ScanLost(Exception):
    """The cursor leads nowhere any more: the store was restarted, or another server took over. Scan it all again."""


class LayoutChanged(Exception):
    """Spaces came or went since the layout was read. Read it again."""


class Catalogue(ABC):
    """The record of one catalogue. Safe to use from any number of threads.

    Every method raises NotFound when the catalogue has been deleted and NotReady when the record cannot be reached.
    """

    definition: Definition

    @abstractmethod
    def write(
        self,
        partition: int,
        upserts: Sequence[Record],
        removed: Sequence[str],
        receipt: Receipt | None,
        generation: int | None = None,
    ) -> Written:
        """Puts and removes items of one partition, all or nothing; kept as safely as the record can when it returns.

        An item that replaces another keeps its `created_us`; vectors in further spaces and raw features that it does
        not bring are dropped. New items that the partition has no room for are skipped. Raises Conflict when the
        receipt's key was used with another digest, LayoutChanged when `generation` is given and no longer the layout's.
        """

    @abstractmethod
    def put_vectors(
        self,
        partition: int,
        space: str,
        items: Sequence[ItemVectors],
        receipt: Receipt | None,
        added: Added | None = None,
    ) -> Written:
        """Gives items of one partition vectors in a further space, all or nothing; items that are not there, or are no
        longer what was read, are skipped. Raises Conflict as `write`, NotFound for an unknown space, LayoutChanged when
        `added` is given and the space of that name is another one by now."""

    @abstractmethod
    def remembered(self, partition: int, receipt: Receipt) -> Written | None:
        """What `write` with this receipt did, None when it has not been. Raises Conflict as `write`."""

    @abstractmethod
    def get(self, item_ids: Sequence[str], wanted: Wanted = PLAIN) -> list[Record | None]:
        """In the order asked for; None: there is no such item."""

    @abstractmethod
    def scan(self, partition: int, cursor: int, count: int, wanted: Wanted = PLAIN) -> tuple[list[Record], int]:
        """About `count` items and the cursor of the next ones; 0 begins and ends.

        What is there from beginning to end of a scan is in it at least once, and once if nothing changes meanwhile.
        Raises ScanLost for a cursor that is of no use any more.
        """

    def first_cursor(self, partition: int) -> int:  # noqa: ARG002 - most need not ask
        """It begins a scan as 0 does, and is lost as those that follow: for who comes back to the first items."""
        return 0

    @abstractmethod
    def count(self) -> int:
        """How many items there are."""

    @abstractmethod
    def layout(self, partition: int = 0) -> Layout:
        """As this partition has it."""

    def level(self, partition: int) -> Layout:
        """The layout of this partition, which first gets the spaces that partition 0 has, should a crash have kept it
        from them."""
        return self.layout(partition)

    @abstractmethod
    def relayout(self, before: Layout, after: Layout) -> Mark:
        """Replaces the layout, in every partition where spaces came or went; vectors of a space that goes are dropped.
        Without a change it still brings the spaces to every partition.

        Returns a mark of partition 0 that contains it. Raises LayoutChanged when it is no longer `before`.
        """

    @abstractmethod
    def head(self, partition: int) -> Mark:
        """The end of the log."""

    @abstractmethod
    def follow(self, partition: int, after: Mark, wait_s: float) -> Changes:
        """What changed after the mark; waits up to `wait_s` for something. Raises LogLost."""


def other_payload() -> Conflict:
    """The error of a receipt that was used before."""
    return Conflict("this request_id was used with another payload", reason="REQUEST_ID_REUSED")


def gone(definition: Definition) -> NotFound:
    """The error of a catalogue that was deleted."""
    return NotFound("catalogue", definition.name)
