"""One catalogue as this process has it: its record, its index, and who carries one over into the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from services.errors import NotFound, NotReady, Overloaded
from services.indexer.catalogue import Catalogue, Definition, LogLost
from services.indexer.filters import NO_FILTER
from services.indexer.index.port import Accuracy, Aims, Index, View
from services.indexer.item import Record
from services.indexer.version import Mark, Version

FOLLOW_WAIT_S = 0.5
"""How long a follower waits for the log before it looks whether it should stop."""
RETRY_S = 0.5
SCAN_ITEMS = 500


class Shelf:
    """`catalogue`: the record. A thread for each partition reads it as a whole, then follows its log."""

    def __init__(self, catalogue: Catalogue, index: Index, report: Callable[[str, Exception], None]) -> None:
        """`report`: told when a follower failed and will try again, with the catalogue's name."""
        self.catalogue = catalogue
        self.index = index
        self._report = report
        self._marks: list[Mark | None] = [None] * catalogue.definition.partitions
        self._unread = set(range(catalogue.definition.partitions))
        self._applied = threading.Condition()
        self._stop = threading.Event()
        self._gone = False
        self._threads = [
            threading.Thread(target=self._follow, args=(partition,), name=f"follow-{partition}", daemon=True)
            for partition in range(catalogue.definition.partitions)
        ]

    @property
    def definition(self) -> Definition:
        """Of the catalogue."""
        return self.catalogue.definition

    def start(self) -> None:
        """Begins to read the record."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Asks the followers to end; they do within `FOLLOW_WAIT_S` and a command of the record."""
        self._stop.set()

    def join(self, timeout_s: float) -> None:
        """Waits for the followers."""
        for thread in self._threads:
            thread.join(timeout_s)

    @property
    def ready(self) -> bool:
        """True once all of the record has been read, and from then on: while a lost log makes a partition be read
        again, what was there before is served. A catalogue that was deleted keeps nobody waiting."""
        return self._gone or not self._unread

    @property
    def gone(self) -> bool:
        """True once the catalogue was found deleted."""
        return self._gone

    def view(self) -> View:
        """The index as it is. Raises NotFound when the catalogue was deleted, NotReady before `ready`."""
        if self._gone:
            raise NotFound("catalogue", self.definition.name)
        if not self.ready:
            raise NotReady(f"catalogue {self.definition.name!r} is still being read", reason="CATALOGUE_LOADING")
        return self.index.view()

    def wait_until_ready(self, timeout_s: float) -> bool:
        """Waits for the first reading; False when `timeout_s` passed before it ended."""
        with self._applied:
            return self._applied.wait_for(lambda: self.ready, timeout_s)

    def probe(self) -> None:
        """Searches once. Raises NotReady before `ready`; a catalogue that was deleted has nothing to search."""
        if not self.gone:
            view = self.view()
            direction = view.space.normalise(np.ones(view.space.dimension, np.float32))
            weights = view.space.weights({})
            aims = Aims(view.space.weigh(direction, weights)[None], weights[None])
            view.nearest(aims, 1, view.eligible(NO_FILTER), Accuracy.FAST, lambda: None)

    def reach(self, version: Version, timeout_s: float) -> bool:
        """Waits until the index contains the version; False when `timeout_s` passed before."""
        with self._applied:
            return self._applied.wait_for(lambda: self._gone or self._contains(version), timeout_s)

    def require_room(self, timeout_s: float) -> None:
        """Waits while the index has more to settle than it may. Raises Overloaded after `timeout_s`."""
        if not self.index.wait_for_room(timeout_s):
            raise Overloaded("the index is still working off what was written before", retry_after_ms=1000)

    def _contains(self, version: Version) -> bool:
        return self.ready and self.index.view().version.contains(version)

    def _follow(self, partition: int) -> None:
        while not (self._stop.is_set() or self._gone):
            try:
                self._step(partition)
            except LogLost:
                self._marks[partition] = None
            except NotFound:
                self._end()
            except Exception as problem:  # noqa: BLE001 - a follower that dies would leave the index behind for ever
                self._report(self.definition.name, problem)
                self._stop.wait(RETRY_S)

    def _step(self, partition: int) -> None:
        mark = self._marks[partition]
        if mark is None:
            self._read_all(partition)
        elif self.index.wait_for_room(FOLLOW_WAIT_S):
            changes = self.catalogue.follow(partition, mark, FOLLOW_WAIT_S)
            if changes.mark != mark:
                self._apply(partition, changes.upserts, changes.removed, changes.mark)

    def _read_all(self, partition: int) -> None:
        """What is written after the head was noted is in the log after it, so the next steps make up for it."""
        head = self.catalogue.head(partition)
        seen: set[str] = set()
        cursor, begun = 0, False
        while cursor or not begun:
            begun = True
            while not self.index.wait_for_room(FOLLOW_WAIT_S):
                if self._stop.is_set():
                    return
            records, cursor = self.catalogue.scan(partition, cursor, SCAN_ITEMS)
            seen.update(record.item.id for record in records)
            self._apply(partition, records, (), None)
            if self._stop.is_set():
                return
        left = [one for one in self.index.item_ids() if self.definition.partition_of(one) == partition]
        self._apply(partition, (), [item_id for item_id in left if item_id not in seen], head)

    def _apply(self, partition: int, upserts: Sequence[Record], removed: Sequence[str], mark: Mark | None) -> None:
        """Brings the index forward; without a mark, one version says nothing yet of what it contains."""
        with self._applied:
            version = self.index.view().version
            self.index.apply(upserts, removed, version.reaching(partition, mark) if mark else version)
            if mark:
                self._marks[partition] = mark
                self._unread.discard(partition)
            self._applied.notify_all()

    def _end(self) -> None:
        with self._applied:
            self._gone = True
            self._applied.notify_all()
