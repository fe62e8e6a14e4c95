"""The index that serves: fresh items, a small part that they are added to, and a large one.

Writes go to the fresh items, which are compared one by one, and are seen at once. Builders make the next part beside
the present one and exchange them in one assignment: `settle` adds what is fresh to a copy of the small part, which has
sketches, `merge` adds a small part that is full to a copy of the large one, or makes that anew when too much of it is
dead, `link` gives the large part its graph. Searches work on immutable views and never wait.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pyroaring import BitMap

from services.indexer.index.builder import Builder, IndexTuning
from services.indexer.index.calibration import calibrated, due
from services.indexer.index.faiss_view import FaissView, Placed
from services.indexer.index.fresh import Fresh
from services.indexer.index.port import Index, Moved, PackItem, Proceed
from services.indexer.index.rest import Rest
from services.indexer.index.saved import Forms, State, load, save
from services.indexer.index.settled import SettledPart
from services.indexer.index.slot import Kept, Role, Slot
from services.indexer.index.written import Written, written
from services.indexer.item import Record
from services.indexer.version import Version
from services.spaces import Space

WORTH_MERGING = 10
"""A merge copies the large part: it waits until what is added is a tenth of that."""

REST_FRACTION = 4
"""Fresh rows at rest are settled when there are a fourth of what is settled anyway. Each part takes a search a scan and
comparisons of its own, however small it is, so what is at rest becomes one."""


class FaissIndex(Index):
    """`pack`: how items are kept for the hits that ask for them. `slots`: what was loaded, oldest first."""

    def __init__(
        self,
        space: Space,
        partitions: int,
        pack: PackItem,
        tuning: IndexTuning,
        *,
        slots: Sequence[Slot] = (),
        version: Version | None = None,
    ) -> None:
        self._space = space
        self._pack = pack
        self._tuning = tuning
        self._builder = Builder(space, tuning)
        self._changed = threading.Condition()
        self._settling = threading.Lock()
        self._merging = threading.Lock()
        self._linking = threading.Lock()
        self._fresh_rest, self._small_rest = Rest(), Rest()
        self._slots = list(slots) or [Slot(Role.FRESH, Fresh(space.dimension))]
        # Where the table of a part, by its id(), was written: a part that is measured anew keeps its table.
        self._written: dict[int, Written] = {}
        self._view = self._look(version or Version.nothing(partitions))

    @classmethod
    def load(
        cls, folder: Path, space: Space, partitions: int, forms: Forms, tuning: IndexTuning, *, proceed: Proceed
    ) -> FaissIndex:
        """What was saved there. Raises SnapshotRefused."""
        slots, version, files = load(folder, space, partitions, forms.unpack, proceed)
        index = cls(space, partitions, forms.pack, tuning, slots=slots, version=version)
        index._written = written(slots, folder, files)
        return index

    def view(self) -> FaissView:
        return self._view

    def item_ids(self) -> list[str]:
        view = self._view
        return [
            placed.part.item_id(item)
            for placed in view.placed
            for item in range(placed.part.items)
            if item not in placed.dead.bitmap
        ]

    def apply(self, upserts: Sequence[Record], removed: Sequence[str], version: Version) -> None:
        with self._changed:
            for item_id in removed:
                self._remove(item_id)
            for record in upserts:
                self._put(record)
            self._publish(version)

    def wait_for_room(self, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(self._has_room, timeout_s)

    def settle(self, proceed: Proceed) -> bool:
        with self._settling:
            return self._settle(self._tuning.fresh_rows, proceed)

    def merge(self, proceed: Proceed) -> bool:
        with self._merging:
            return self._merge(proceed, anew=False)

    def link(self, proceed: Proceed) -> bool:
        with self._linking:
            return self._link(proceed) or self._measure(proceed)

    def rebuild(self, proceed: Proceed) -> None:
        with self._merging:
            with self._settling:
                self._settle(1, proceed)
                with self._changed:
                    for slot in self._slots:
                        slot.role = Role.SEALED if slot.role is Role.SMALL else slot.role
            self._merge(proceed, anew=True)
        while self.link(proceed):
            proceed()

    def save(self, folder: Path, proceed: Proceed) -> Moved | None:
        with self._changed:
            slots = [replace(slot) for slot in self._slots]
            state = State(slots, [slot.alive() for slot in slots], self._view.version)
            known = dict(self._written)
        files = save(state, self._space, known, folder, proceed)

        def moved(final: Path) -> None:
            with self._changed:
                # The slots are held on to until now, so that no id() of what they have became that of something new.
                self._written = written(slots, final, files)
                self._forget_replaced()

        return moved

    # ---- writing, under the lock

    def _put(self, record: Record) -> None:
        item = record.dated()
        packed = self._pack(item)
        present = self._find(item.id)
        if present:
            if self._same(*present, packed, record):
                return
            slot, place = present
            slot.kill(place)
        fresh = self._slots[-1].content
        assert isinstance(fresh, Fresh)
        fresh.add(item.id, packed, tuple(item.facts()), record.vectors)

    def _remove(self, item_id: str) -> None:
        present = self._find(item_id)
        if present:
            slot, place = present
            slot.kill(place)

    def _find(self, item_id: str) -> tuple[Slot, int] | None:
        for slot in reversed(self._slots):
            place = slot.find(item_id)
            if place is not None:
                return slot, place
        return None

    @staticmethod
    def _same(slot: Slot, place: int, packed: bytes, record: Record) -> bool:
        """A log that is read twice, or a record that is read again as a whole, changes nothing."""
        part = slot.part()
        if part.packed(place) != packed:
            return False
        rows = np.arange(part.starts[place], part.starts[place + 1])
        return len(rows) == len(record.vectors) and bool((part.vectors(rows) == record.vectors).all())

    def _publish(self, version: Version) -> None:
        self._view = self._look(version)
        self._changed.notify_all()

    def _look(self, version: Version) -> FaissView:
        placed: list[Placed] = []
        for slot in self._slots:
            placed.append(slot.placed(placed[-1].end if placed else 0))
        return FaissView(self._space, version, tuple(placed))

    def _fresh_rows(self) -> int:
        return sum(placed.part.rows for placed in self._view.placed if not placed.settled)

    def _has_room(self) -> bool:
        sealed = sum(slot.part().rows for slot in self._slots if slot.role is Role.SEALED)
        return self._fresh_rows() < self._tuning.max_fresh_rows and sealed < self._tuning.max_small_rows

    def _forget_replaced(self) -> None:
        """The id() of what is gone may be that of something new."""
        there = {id(slot.content.table) for slot in self._slots if isinstance(slot.content, SettledPart)}
        self._written = {table: path for table, path in self._written.items() if table in there}

    # ---- building, beside the searches

    def _settle(self, least: int, proceed: Proceed) -> bool:
        with self._changed:
            if self._fresh_rest.after(self._view.version):
                least = max(1, min(least, self._tuning.fresh_rows // REST_FRACTION))
            frozen = [slot for slot in self._slots if slot.role is Role.FROZEN]
            # After a build that failed some are frozen already: only a full one more is frozen beside them.
            if self._slots[-1].part().rows >= (least if not frozen else max(least, self._tuning.fresh_rows)):
                self._slots[-1].role = Role.FROZEN
                frozen.append(self._slots[-1])
                self._slots.append(Slot(Role.FRESH, Fresh(self._space.dimension)))
            small = next((slot for slot in self._slots if slot.role is Role.SMALL), None)
            stale = small is not None and small.dead_share > self._tuning.dead_fraction
            kept = [Kept.alive(slot) for slot in frozen]
            base = Kept.alive(small) if small and stale else Kept.every(small) if small else None
            rests = small is not None and self._small_rest.after(small.part().rows) and not frozen and not stale
            if small and rests and self._worth_merging(small.part().rows):
                small.role = Role.SEALED
        if not frozen and not stale:
            return False
        self._replace(base, kept, Role.SMALL, proceed, anew=stale)
        return True

    def _merge(self, proceed: Proceed, *, anew: bool) -> bool:
        with self._changed:
            large = next((slot for slot in self._slots if slot.role is Role.LARGE), None)
            sealed = [slot for slot in self._slots if slot.role is Role.SEALED]
            stale = anew or (large is not None and large.dead_share > self._tuning.dead_fraction)
            waiting = sum(slot.part().rows for slot in sealed)
            if not (sealed or (large and stale)):
                return False
            if not large and len(sealed) == 1 and not anew:
                sealed[0].role = Role.LARGE
                return True
            worth = self._worth_merging(waiting)
            # However large the large part is: who writes waits for room among those that are sealed.
            if not (stale or worth or waiting >= self._tuning.max_small_rows // 2):
                return False
            kept = [Kept.alive(slot) for slot in sealed]
            base = Kept.alive(large) if large and stale else Kept.every(large) if large else None
        self._replace(base, kept, Role.LARGE, proceed, anew=stale)
        return True

    def _worth_merging(self, rows: int) -> bool:
        """Whether so many pay for a copy of the large part. One that is scanned, without a graph, is copied in a
        tenth of a second."""
        large = self._large()
        return large is None or large.rows < self._tuning.graph_rows or WORTH_MERGING * rows >= large.rows

    def _replace(self, base: Kept | None, kept: Sequence[Kept], role: Role, proceed: Proceed, *, anew: bool) -> None:
        """One settled part instead of several slots. `base`: the slot whose graph is added to, unless `anew`."""
        every = [*([base] if base else []), *kept]
        present = base.slot.content if base and not anew else None
        grown = present if isinstance(present, SettledPart) else None
        part = self._builder.part(grown, every, kept if grown else every, proceed)
        self._exchange(part, every, role)

    def _link(self, proceed: Proceed) -> bool:
        """Links what is in the large part and not in its graph yet. Meanwhile it is scanned, and may grow."""
        large = self._large()
        if large is None or not self._builder.wants_links(large):
            return False
        graph = self._builder.links(large, proceed)
        # One that was made anew has other rows.
        while (slot := self._of_line(large.line)) is not None:
            part = slot.content
            assert isinstance(part, SettledPart)
            linked = replace(part, graph=graph if part.flat is large.flat else graph.onto(part.flat))
            with self._changed:
                if slot.content is part and any(one is slot for one in self._slots):
                    slot.content = linked
                    self._publish(self._view.version)
                    break
        return True

    def _of_line(self, line: object) -> Slot | None:
        with self._changed:
            return next(
                (slot for slot in self._slots if isinstance(slot.content, SettledPart) and slot.content.line is line),
                None,
            )

    def _large(self) -> SettledPart | None:
        with self._changed:
            contents = (slot.content for slot in self._slots if slot.role is Role.LARGE)
            return next((content for content in contents if isinstance(content, SettledPart)), None)

    def _measure(self, proceed: Proceed) -> bool:
        """What searches take in a part that has outgrown what is known of it."""
        with self._changed:
            slot = next(
                (slot for slot in self._slots if isinstance(slot.content, SettledPart) and due(slot.content)), None
            )
        if slot is None:
            return False
        part = slot.content
        assert isinstance(part, SettledPart)
        effort = calibrated(part, self._space, proceed)
        with self._changed:
            # Meanwhile, more may have been added to a copy of it: what was measured holds for that, too.
            for one in self._slots:
                if isinstance(one.content, SettledPart) and one.content.line is part.line:
                    one.content = replace(one.content, effort=effort)
            self._publish(self._view.version)
        return True

    def _exchange(self, part: SettledPart, every: Sequence[Kept], role: Role) -> None:
        with self._changed:
            dead, offset = BitMap(), 0
            for one in every:
                dead.update((one.died() + offset).tolist())
                offset += len(one.items)
            if role is Role.SMALL and part.rows >= self._tuning.small_rows:
                role = Role.SEALED
            slot = Slot(role, part, dead)
            gone = {id(one.slot) for one in every}
            at = next(place for place, one in enumerate(self._slots) if id(one) in gone)
            rest = [one for one in self._slots if id(one) not in gone]
            self._slots = [*rest[:at], slot, *rest[at:]]
            self._forget_replaced()
            self._publish(self._view.version)
