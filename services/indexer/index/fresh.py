"""The part that grows: items as they come, compared one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.indexer.filters import Filter
from services.indexer.index.columns import Columns
from services.indexer.index.growing import Growing
from services.indexer.index.items import ItemSet, bitmap_of
from services.indexer.index.part import Chosen, Found, Part, best_of_each
from services.indexer.index.port import Accuracy, Aims, Proceed
from services.indexer.item import Fact
from services.spaces import Float16, Float32

ITEM_BYTES = 2000
"""Of an item's id, packed item, facts and their columns as objects, about."""


AT_ONCE = 64
"""Queries between two looks whether somebody still waits, a millisecond or two each."""


class Fresh:
    """One writer; readers `look` and see what was there then."""

    def __init__(self, dimension: int) -> None:
        self.ids: list[str] = []
        self.packed: list[bytes] = []
        self.facts: list[tuple[Fact, ...]] = []
        self.columns = Columns()
        self.starts = Growing(np.int32)
        self.owners = Growing(np.int32)
        # float32 although the values are float16's: to widen 2,048 rows in each search costs more than their memory.
        self.vectors = Growing(np.float32, (dimension,))
        self._latest: dict[str, int] = {}
        self._previous: dict[int, int] = {}
        self.starts.append(0)

    def add(self, item_id: str, packed: bytes, facts: tuple[Fact, ...], vectors: Float16) -> int:
        """Adds an item of one row for each vector and returns its place."""
        place = len(self.ids)
        self.packed.append(packed)
        self.facts.append(facts)
        self.columns.add(place, facts)
        self.vectors.extend(vectors)
        self.owners.extend(np.full(len(vectors), place, np.int32))
        self.starts.append(self.owners.count)
        if item_id in self._latest:
            self._previous[place] = self._latest[item_id]
        self._latest[item_id] = place
        self.ids.append(item_id)
        return place

    def find(self, item_id: str, items: int) -> int | None:
        """The newest item of that id among the first `items`. A reader may be behind the writer by any number of
        changes of this item, hence the way back."""
        place = self._latest.get(item_id)
        while place is not None and place >= items:
            place = self._previous.get(place)
        return place

    def look(self) -> FreshPart:
        """It as it is now."""
        return FreshPart(self)


class FreshPart(Part):
    """The items that there were when it was made."""

    def __init__(self, fresh: Fresh) -> None:
        self._fresh = fresh
        self.items = len(fresh.ids)
        self.starts = fresh.starts.head()
        self.rows = int(self.starts[self.items])
        self.owners = None if self.rows == self.items else fresh.owners.head()
        self._vectors = fresh.vectors.head(self.rows)

    def find(self, item_id: str) -> int | None:
        return self._fresh.find(item_id, self.items)

    def item_id(self, item: int) -> str:
        return self._fresh.ids[item]

    def packed(self, item: int) -> bytes:
        return self._fresh.packed[item]

    def facts(self, item: int) -> tuple[Fact, ...]:
        """All that a filter can test of it, but the id."""
        return self._fresh.facts[item]

    def word(self, item: int, field: str) -> str:
        return next((str(fact.value) for fact in self._fresh.facts[item] if fact.field == field), "")

    def passing(self, filter_: Filter) -> ItemSet:
        mask = self._fresh.columns.mask(filter_, self.items, self.find)
        return ItemSet(bitmap_of(np.flatnonzero(mask)), self.items)

    def counts(self, field: str, chosen: Chosen) -> Iterator[tuple[str, int]]:
        yield from self._fresh.columns.counts(field, chosen.mask)

    @property
    def nbytes(self) -> int:
        # What Python keeps of each item beside, from measurement.
        return int(self._vectors.nbytes) + ITEM_BYTES * self.items

    @property
    def dimension(self) -> int:
        return int(self._vectors.shape[1])

    def write_vectors(self, rows: NDArray[Any], out: Float32) -> None:
        out[...] = self._vectors[rows]

    def nearest(
        self,
        aims: Aims,
        limit: int,
        chosen: Chosen,
        accuracy: Accuracy,  # noqa: ARG002 - always exact
        proceed: Proceed,
    ) -> Sequence[Found]:
        rows, vectors = None, self._vectors
        if not chosen.everything:
            mask = chosen.mask
            rows = np.flatnonzero(mask if self.owners is None else mask[self.owners[: self.rows]])
            vectors = self._vectors[rows]
        found: list[Found] = []
        for start in range(0, len(aims.weighed), AT_ONCE):
            # Together: each row is fetched from memory once for all of them.
            scores = aims.weighed[start : start + AT_ONCE] @ vectors.T
            found += best_of_each(scores, rows, self.owners, limit)
            proceed()
        return found
