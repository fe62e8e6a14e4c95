"""One catalogue as this process has it: its record, an index for each of its spaces, and who carries one over into the
others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.errors import NotFound, NotReady, Overloaded
from services.indexer.definition import Definition
from services.indexer.filters import NO_FILTER
from services.indexer.index.port import Accuracy, Aims, Index, Proceed, View
from services.indexer.item import Record
from services.indexer.record.catalogue import Catalogue, LogLost, ScanLost, Wanted
from services.indexer.record.layout import Layout
from services.indexer.serving.backlog import MOST_ITEMS, Backlog
from services.indexer.version import Mark, Version, earliest
from services.spaces import Space

FOLLOW_WAIT_S = 0.5
"""How long a follower waits for the log before it looks whether it should stop."""
RETRY_S = 0.5
SCAN_ITEMS = 500

MakeIndex = Callable[[Definition, Space], Index]
RestoreIndex = Callable[[Definition, Space, int, Proceed], Index | None]
"""The index as it was at an earlier time, with the version it had; None: there is none. With the space goes the
revision of the layout that added it."""


class GiveUp(Exception):
    """Raised into long work when the process ends."""


class Misfits(Exception):
    """Items with vectors of a wrong dimension, which were left out. Reported, never raised."""


@dataclass(frozen=True)
class Shown:
    """What searches see: the layout, and an index for each of its spaces, by name. Replaced as a whole."""

    layout: Layout
    indexes: Mapping[str, Index]


class Shelf:
    """`catalogue`: the record. A thread for each partition reads it as a whole, then follows its log. All indexes are
    brought forward together, so one version says what each of them contains."""

    def __init__(
        self,
        catalogue: Catalogue,
        make_index: MakeIndex,
        report: Callable[[str, Exception], None],
        restore_index: RestoreIndex = lambda *_: None,
        *,
        clock: Callable[[], float],
    ) -> None:
        """`report`: told when a follower failed and will try again, with the catalogue's name. `clock`: monotonic
        seconds."""
        self.catalogue = catalogue
        self._make_index = make_index
        self._restore_index = restore_index
        self._restoring = threading.Lock()
        self._restored = False
        self._report = report
        self._clock = clock
        definition = catalogue.definition
        self._version = Version.nothing(definition.partitions)
        own = definition.space
        self._shown = Shown(Layout.first(own), {own.name: make_index(definition, own)})
        self._marks: list[Mark | None] = [None] * definition.partitions
        self._unread: dict[int, Mark | None] = dict.fromkeys(range(definition.partitions))
        """Partitions that have not been read to the end once; for those that were restored, where that end is."""
        self._applied = threading.Condition()
        self._backlog = Backlog()
        self._stop = threading.Event()
        self._gone = False
        self._threads = [
            threading.Thread(target=self._follow, args=(partition,), name=f"follow-{partition}", daemon=True)
            for partition in range(definition.partitions)
        ]

    @property
    def definition(self) -> Definition:
        """Of the catalogue."""
        return self.catalogue.definition

    @property
    def shown(self) -> Shown:
        """What searches see."""
        return self._shown

    @property
    def layout(self) -> Layout:
        """As far as it has been read."""
        return self._shown.layout

    @property
    def indexes(self) -> Mapping[str, Index]:
        """One for each space, by name."""
        return self._shown.indexes

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

    def view(self, space: str = "") -> View:
        """The index of a space, by its name or an alias (empty: `visual`), as it is.

        Raises NotFound when the catalogue was deleted, NotReady before `ready`, SpaceMismatch for an unknown space.
        """
        if self._gone:
            raise NotFound("catalogue", self.definition.name)
        if not self.ready:
            raise NotReady(f"catalogue {self.definition.name!r} is still being read", reason="CATALOGUE_LOADING")
        shown = self._shown
        return shown.indexes[shown.layout.resolve(space).name].view()

    def wait_until_ready(self, timeout_s: float) -> bool:
        """Waits for the first reading; False when `timeout_s` passed before it ended."""
        with self._applied:
            return self._applied.wait_for(lambda: self.ready, timeout_s)

    def probe(self) -> None:
        """Searches each index once. Raises NotReady before `ready`; one that was deleted has nothing to search."""
        if not self.gone:
            self.view()
            for index in self.indexes.values():
                _search_once(index.view())

    def reach(self, version: Version, timeout_s: float) -> bool:
        """Waits until the index contains the version; False when `timeout_s` passed before."""
        with self._applied:
            return self._applied.wait_for(lambda: self._gone or self._contains(version), timeout_s)

    def written(self, version: Version, items: int) -> None:
        """So many items were acknowledged by this process; `version` contains them."""
        with self._applied:
            self._backlog.add(version, items)

    def has_room(self, timeout_s: float = 0) -> bool:
        """Waits while an index has too much to settle, or is too far behind; False when `timeout_s` passed before."""
        until = self._clock() + timeout_s
        with self._applied:
            near = self._applied.wait_for(self._is_near, timeout_s)
        return near and self._has_room(until)

    def require_room(self, timeout_s: float) -> None:
        """As `has_room`. Raises Overloaded."""
        if not self.has_room(timeout_s):
            raise Overloaded("the index is still working off what was written before", retry_after_ms=1000)

    def _is_near(self) -> bool:
        return not self.ready or self._backlog.items(self._version) <= MOST_ITEMS

    def _contains(self, version: Version) -> bool:
        return self.ready and self._version.contains(version)

    def _follow(self, partition: int) -> None:
        while not (self._stop.is_set() or self._gone):
            try:
                self._step(partition)
            except (LogLost, ScanLost) as lost:
                # Somebody has to hear of it: the log was trimmed too early, or the record was restored from the past,
                # or it was restarted under a reading, which begins again.
                self._report(self.definition.name, lost)
                self._marks[partition] = None
            except NotFound:
                self._end()
            except GiveUp:
                return
            except Exception as problem:  # noqa: BLE001 - a follower that dies would leave the index behind for ever
                self._report(self.definition.name, problem)
                self._stop.wait(RETRY_S)

    def _step(self, partition: int) -> None:
        with self._restoring:
            if not self._restored:
                self._restore()
                self._restored = True
        mark = self._marks[partition]
        if mark is None:
            self._read_all(partition)
        elif self._has_room(self._clock() + FOLLOW_WAIT_S):
            changes = self.catalogue.follow(partition, mark, FOLLOW_WAIT_S)
            if changes.mark != mark or partition in self._unread:
                if changes.layout:
                    self._arrange(changes.layout)
                self._apply(partition, changes.upserts, changes.removed, changes.mark)

    def _restore(self) -> None:
        """Begins with what was kept of each index. Where they stood apart, the log is read from the earlier place."""
        layout = self.catalogue.layout(0)
        definition, spaces = self.definition, layout.spaces()
        kept = {
            name: self._restore_index(definition, space, layout.made(name), self._proceed)
            for name, space in spaces.items()
        }
        if not any(kept.values()):
            return
        indexes = {name: index or self._make_index(definition, spaces[name]) for name, index in kept.items()}
        versions = [index.view().version for index in indexes.values()]
        marks = [earliest(of_one) for of_one in zip(*(version.marks for version in versions), strict=True)]
        ends = {partition: self.catalogue.head(partition) for partition, mark in enumerate(marks) if mark}
        with self._applied:
            self._shown = Shown(layout, indexes)
            self._version = Version(tuple(marks))
            self._marks = marks
            self._unread.update(ends)

    def _proceed(self) -> None:
        if self._stop.is_set():
            raise GiveUp

    def _has_room(self, until: float) -> bool:
        return all(index.wait_for_room(max(0.0, until - self._clock())) for index in self.indexes.values())

    def _read_all(self, partition: int) -> None:
        """What is written after the head was noted is in the log after it, so the next steps make up for it."""
        head = self.catalogue.head(partition)
        # A record that was restored from its past may have an older layout than the one that is known here.
        self._arrange(self.catalogue.layout(partition), anew=partition == 0)
        seen: dict[str, set[str]] = {}
        cursor, begun = 0, False
        while cursor or not begun:
            begun = True
            while not self._has_room(self._clock() + FOLLOW_WAIT_S):
                if self._stop.is_set():
                    return
            records, cursor = self.catalogue.scan(partition, cursor, SCAN_ITEMS, Wanted(tuple(self.indexes)))
            for name, space in self.layout.spaces().items():
                seen.setdefault(name, set()).update(one.item.id for one in self._within(space, records))
            self._apply(partition, records, (), None)
            if self._stop.is_set():
                return
        of = self.definition.partition_of
        for name, index in self.indexes.items():
            left = [one for one in index.item_ids() if of(one) == partition and one not in seen.get(name, ())]
            with self._applied:
                index.apply((), left, self._version)
        self._apply(partition, (), (), head)

    def _apply(self, partition: int, upserts: Sequence[Record], removed: Sequence[str], mark: Mark | None) -> None:
        """Brings every index forward; without a mark, one version says nothing yet of what it contains."""
        with self._applied:
            shown = self._shown
            self._version = self._version.reaching(partition, mark) if mark else self._version
            for name, space in shown.layout.spaces().items():
                here = self._within(space, upserts)
                gone = {record.item.id for record in upserts}.difference(record.item.id for record in here)
                shown.indexes[name].apply(here, [*removed, *gone], self._version)
            if mark:
                self._marks[partition] = mark
                end = self._unread.get(partition)
                if end is None or mark.epoch != end.epoch or mark.position >= end.position:
                    self._unread.pop(partition, None)
            self._applied.notify_all()

    def _within(self, space: Space, records: Sequence[Record]) -> list[Record]:
        """Those that have vectors in a space, as its index wants them. What was meant for an earlier space of that name
        must not keep the index from all the rest."""
        own = self.definition.space.name
        there = [one for one in (record.of_space(space.name, own) for record in records) if len(one.vectors)]
        fitting = [one for one in there if one.vectors.shape[1] == space.dimension]
        if len(fitting) < len(there):
            told = f"{len(there) - len(fitting)} items have vectors in {space.name!r} that are none of it"
            self._report(self.definition.name, Misfits(told))
        return fitting

    def _arrange(self, layout: Layout, *, anew: bool = False) -> None:
        """Opens and drops indexes as the layout says, unless a newer one is known. An index that is opened is empty:
        what it holds was written after the entry in each partition's log that says that it is there."""
        with self._applied:
            shown = self._shown
            if not anew and layout.revision < shown.layout.revision:
                return
            self._shown = Shown(layout, {name: self._index(shown, layout, name) for name in layout.spaces()})
            self._applied.notify_all()

    def _index(self, shown: Shown, layout: Layout, name: str) -> Index:
        known = shown.indexes.get(name)
        if known is None or layout.made(name) != shown.layout.made(name):
            known = self._make_index(self.definition, layout.require(name))
            known.apply((), (), self._version)
        return known

    def _end(self) -> None:
        with self._applied:
            self._gone = True
            self._applied.notify_all()


def _search_once(view: View) -> None:
    direction = view.space.normalise(np.ones(view.space.dimension, np.float32))
    weights = view.space.weights({})
    aims = Aims(view.space.weigh(direction, weights)[None], weights[None])
    view.nearest(aims, 1, view.eligible(NO_FILTER), Accuracy.FAST, lambda: None)
