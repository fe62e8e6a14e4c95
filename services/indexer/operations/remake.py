"""The long work of making a space's vectors anew, from the raw features that were kept of every photo."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from services.errors import NotFound, NotReady, Overloaded, Refused, TooLate, VisrecError
from services.indexer.item import Record
from services.indexer.operations.operation import Progress
from services.indexer.operations.workshop import Task
from services.indexer.record.catalogue import Catalogue, ItemVectors, LayoutChanged, ScanLost, Wanted, Written
from services.indexer.record.layout import Layout
from services.indexer.serving.shelf import Shelf
from services.indexer.writing.embedder import Embedder
from services.indexer.writing.looks import Looks, project
from services.spaces import Float16, Space

BATCH = 250
"""Items read, projected and written at once: a second of work at most."""
ROOM_WAIT_S = 0.2


class _Place(NamedTuple):
    """How far the work has come. `done`, `counts`: when the partition was begun, for one that has to begin again."""

    partition: int = 0
    cursor: int = 0
    done: int = 0
    counts: Mapping[str, int] = MappingProxyType({})

    @classmethod
    def of(cls, checkpoint: str) -> _Place:
        """The inverse of `checkpoint`."""
        partition, cursor, *begun = checkpoint.split(maxsplit=2) or ("0", "0")
        return cls(int(partition), int(cursor), *(json.loads(begun[0]) if begun else ()))

    def checkpoint(self) -> str:
        """For a progress."""
        return f"{self.partition} {self.cursor} {json.dumps([self.done, dict(self.counts)])}"

    def after(self, cursor: int, progress: Progress) -> _Place:
        """Where the following step begins."""
        if cursor:
            return self._replace(cursor=cursor)
        return _Place(self.partition + 1, 0, progress.done, progress.counts)


def remake(shelf: Shelf, embedder: Embedder, task: Task) -> None:
    """Partition by partition; an item that is written between being read and being put is read again.

    Raises NotFound for a space that the catalogue or the embedder does not have, Refused for the catalogue's own one,
    and when items were left without a vector.
    """
    catalogue = shelf.catalogue
    layout = catalogue.layout()
    space = layout.require(task.operation.subject.space)
    if space == layout.own:
        raise Refused("the vectors of a catalogue's own space come with its items", reason="OWN_SPACE")
    work = _Remaking(catalogue, layout, space, embedder, task)
    place = _Place.of(task.progress.checkpoint)
    total = catalogue.count()
    while place.partition < catalogue.definition.partitions:
        while not all(index.wait_for_room(ROOM_WAIT_S) for index in shelf.indexes.values()):
            task.proceed()
        try:
            place, progress = work.step(place)
        except ScanLost:
            place, progress = place._replace(cursor=0), Progress(place.done, counts=place.counts)
        task.advance(replace(progress, total=max(total, progress.done), checkpoint=place.checkpoint()))
    lacking = {
        kind: n for kind, n in task.progress.counts.items() if kind in ("without_raw_features", "not_projected") and n
    }
    if lacking:
        told = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(lacking.items()))
        raise Refused(
            f"items were left without a vector: {told}; all others have theirs",
            reason="ITEMS_WITHOUT_VECTORS",
            metadata={kind: str(count) for kind, count in lacking.items()},
        )


class _Remaking:
    def __init__(self, catalogue: Catalogue, layout: Layout, space: Space, embedder: Embedder, task: Task) -> None:
        self._catalogue = catalogue
        self._layout = layout
        self._space = space
        self._embedder = embedder
        self._task = task
        self.wanted = Wanted(tuple(layout.further), raw=True)

    def step(self, place: _Place) -> tuple[_Place, Progress]:
        """One batch, and where the following one begins. Raises ScanLost."""
        before = self._task.progress
        scan = partial(self._catalogue.scan, place.partition, place.cursor, BATCH, self.wanted)
        records, cursor = self._task.patiently(scan)
        counts = Counter(before.counts)
        counts.update(self.put(place.partition, records))
        progress = Progress(before.done + len(records), counts=dict(counts))
        return place.after(cursor, progress), progress

    def put(self, partition: int, records: Sequence[Record]) -> Counter[str]:
        """How many items there are of each kind; those that are gone by now count for nothing."""
        counts: Counter[str] = Counter()
        while records:
            vectors, outcome = self._made(records)
            counts.update(outcome)
            written = self._task.patiently(partial(self._put, partition, vectors))
            counts["made"] += len(vectors) - len(written.skipped)
            changed = [vectors[at].item_id for at in written.skipped]
            self._task.proceed()
            records = [one for one in self._catalogue.get(changed, self.wanted) if one] if changed else []
        return counts

    def _put(self, partition: int, vectors: Sequence[ItemVectors]) -> Written:
        name = self._space.name
        try:
            return self._catalogue.put_vectors(partition, name, vectors, None, self._layout.further[name])
        except LayoutChanged as changed:
            raise NotFound("space", name, "it was deleted, and another one of its name was created") from changed

    def _made(self, records: Sequence[Record]) -> tuple[list[ItemVectors], Counter[str]]:
        outcome: Counter[str] = Counter()
        by_origin: dict[str, dict[int, Looks]] = {}
        for number, record in enumerate(records):
            looks = self._looks(record)
            if looks:
                by_origin.setdefault(looks.origin.name, {})[number] = looks
            else:
                outcome["kept" if self._space.name in record.others else "without_raw_features"] += 1
        vectors: list[ItemVectors] = []
        for looks_of in by_origin.values():
            made = self._task.patiently(partial(_project, self._embedder, looks_of, self._space))
            for number, rows in made.items():
                if isinstance(rows, VisrecError):
                    outcome["not_projected"] += 1
                else:
                    vectors.append(ItemVectors(records[number].item.id, rows, records[number].stamp))
        return vectors, outcome

    def _looks(self, record: Record) -> Looks | None:
        """Its raw features beside vectors of another space, one for each photo."""
        if record.raw is None:
            return None
        own = self._layout.own
        others = [(self._layout.further[name][0], rows) for name, rows in record.others.items()]
        for origin, rows in [(own, record.vectors), *others]:
            if len(rows) == len(record.raw) and origin != self._space:
                return Looks(origin, {origin.name: rows}, record.raw)
        return None


def _project(embedder: Embedder, looks: dict[int, Looks], space: Space) -> dict[int, Float16 | VisrecError]:
    """As `project`. Raises NotFound for a space that the embedder does not know, and what concerns all of them."""
    made = project(embedder, looks, space)
    if not made:
        raise NotFound("space", space.name, "the embedder has no head for it (PutHead)")
    passing = next((one for one in made.values() if isinstance(one, NotReady | Overloaded | TooLate)), None)
    if passing:
        raise passing
    return made
