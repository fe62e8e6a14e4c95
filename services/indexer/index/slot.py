"""A part of an index as its writer has it: what it is for, and which of its items are dead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from services.indexer.index.faiss_view import Placed
from services.indexer.index.fresh import Fresh
from services.indexer.index.items import ItemSet, places_of
from services.indexer.index.part import Part, rows_of
from services.indexer.index.settled import SettledPart
from services.indexer.index.table import Items
from services.spaces import Float16


class Role(Enum):
    """`LARGE`: most of the index, rarely merged. `SEALED`: waits to be merged into it. `SMALL`: fresh items are added
    to its graph, again and again. `FROZEN`: fresh, waits for that. `FRESH`: takes what comes."""

    LARGE = "large"
    SEALED = "sealed"
    SMALL = "small"
    FROZEN = "frozen"
    FRESH = "fresh"


CHUNK_ROWS = 512
"""Rows added between two looks at whether the builder has been asked to stop: up to half a second of work."""

SETTLED = frozenset({Role.LARGE, Role.SEALED, Role.SMALL})


@dataclass
class Slot:
    """`content` of a fresh or frozen one grows or has grown item by item. Only the holder of the index's lock changes
    it."""

    role: Role
    content: SettledPart | Fresh
    dead: BitMap = field(default_factory=BitMap)
    _shown: ItemSet | None = None

    def part(self) -> Part:
        """As it is now."""
        return self.content.look() if isinstance(self.content, Fresh) else self.content

    def find(self, item_id: str) -> int | None:
        """The item of that id that counts."""
        content = self.content
        found = content.find(item_id, len(content.ids)) if isinstance(content, Fresh) else content.find(item_id)
        return None if found is None or found in self.dead else found

    def kill(self, item: int) -> None:
        """The item does not count any more."""
        self.dead.add(item)
        self._shown = None

    def alive(self) -> BitMap:
        """The items that count."""
        return BitMap(range(self.part().items)) - self.dead

    def placed(self, first: int) -> Placed:
        """As a view has it."""
        part = self.part()
        if self._shown is None or self._shown.of != part.items:
            self._shown = ItemSet(self.dead.copy(), part.items)
        return Placed(part, first, self._shown, settled=self.role in SETTLED)

    @property
    def dead_share(self) -> float:
        """Of its items."""
        part = self.part()
        return len(self.dead) / max(1, part.items)


@dataclass(frozen=True)
class Kept:
    """Items of a slot that go into another part: `items` (n,) ascending, their table and their rows' vectors."""

    slot: Slot
    items: NDArray[np.intp]

    @classmethod
    def alive(cls, slot: Slot) -> Kept:
        """Those that count now."""
        return cls(slot, places_of(slot.alive()).astype(np.intp))

    @classmethod
    def every(cls, slot: Slot) -> Kept:
        """All, the dead ones, too."""
        return cls(slot, np.arange(slot.part().items))

    def table(self) -> tuple[Items, NDArray[np.intp]]:
        """What `Items.joined` takes."""
        content = self.slot.content
        if isinstance(content, SettledPart):
            return content.table, self.items
        photos = np.diff(content.starts.head())[self.items]
        chosen = self.items.tolist()
        table = Items.of(
            [content.ids[item] for item in chosen],
            [content.packed[item] for item in chosen],
            photos,
            [content.facts[item] for item in chosen],
        )
        return table, np.arange(len(chosen))

    def chunks(self) -> Chunks:
        """(rows, D) float16 of the items, in pieces that are read when they are needed."""
        content = self.slot.content
        starts = content.starts.head() if isinstance(content, Fresh) else content.starts
        vectors = content.vectors.head() if isinstance(content, Fresh) else content.flat.canonical
        return Chunks(vectors, rows_of(starts, self.items))

    def died(self) -> NDArray[np.intp]:
        """Places in `items` of those that do not count any more."""
        return np.flatnonzero(np.isin(self.items, places_of(self.slot.dead)))


class Chunks:
    """Some rows of (n, D) vectors as float16, in pieces that are copied when they are needed."""

    def __init__(self, vectors: NDArray[np.floating], rows: NDArray[np.intp]) -> None:
        self._vectors = vectors
        self._rows = rows

    @classmethod
    def of(cls, vectors: Float16) -> Chunks:
        """All of them."""
        return cls(vectors, np.arange(len(vectors)))

    def __iter__(self) -> Iterator[Float16]:
        """At most `CHUNK_ROWS` at a time."""
        for start in range(0, len(self._rows), CHUNK_ROWS):
            yield self._vectors[self._rows[start : start + CHUNK_ROWS]].astype(np.float16)
