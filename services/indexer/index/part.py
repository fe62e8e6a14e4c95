"""A part of an index: items with their rows, that a view puts beside other parts.

Items are numbered from 0 in a part, and so are rows, one for each photo; an item's rows stand side by side. Which items
no longer count is known to the view, not to the part.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.indexer.filters import Filter
from services.indexer.index.items import Bools, ItemSet, places_of
from services.indexer.index.port import Accuracy, Aims, Proceed, RowArray
from services.spaces import Float32

Found = tuple[RowArray, Float32]
"""Rows of a part, best first, and their scores."""


class Chosen:
    """The items of a part that may come back: those that pass the filter (None: all) and are not dead."""

    def __init__(self, passing: ItemSet | None, dead: ItemSet) -> None:
        self._passing = passing
        self._dead = dead
        self.everything = passing is None and dead.count == 0

    @cached_property
    def count(self) -> int:
        """How many items."""
        if self._passing is None:
            return self._dead.of - self._dead.count
        if self._dead.count == 0:
            return self._passing.count
        return int(self._passing.bitmap.difference_cardinality(self._dead.bitmap))

    @cached_property
    def mask(self) -> Bools:
        """(items,) bool."""
        if self._passing is None:
            return ~self._dead.mask
        return self._passing.mask if self._dead.count == 0 else self._passing.mask & ~self._dead.mask

    @cached_property
    def places(self) -> NDArray[Any]:
        """The items, ascending."""
        if self._passing is None:
            return np.flatnonzero(self.mask)
        if self._dead.count == 0:
            return self._passing.places
        return places_of(self._passing.bitmap - self._dead.bitmap)


class Part(ABC):
    """Safe to use from any number of threads. `items`, `rows`: how many it has, dead ones included. `starts` (at least
    items + 1): the first row of each item. `owners` (at least rows): the item of each row; None where each has one."""

    items: int
    rows: int
    starts: NDArray[Any]
    owners: NDArray[Any] | None

    @property
    def linked(self) -> int:
        """Rows that are in a graph."""
        return 0

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Bytes of vectors and graph."""

    @abstractmethod
    def find(self, item_id: str) -> int | None:
        """The newest item of that id, be it dead or not."""

    def find_all(self, item_ids: Sequence[str]) -> list[int | None]:
        """The same for each of many."""
        return [self.find(item_id) for item_id in item_ids]

    @abstractmethod
    def item_id(self, item: int) -> str:
        """Its id."""

    def item_ids(self, items: NDArray[Any]) -> list[str]:
        """The same for each of many."""
        return [self.item_id(item) for item in items.tolist()]

    @abstractmethod
    def packed(self, item: int) -> bytes:
        """The item, as it was packed."""

    @abstractmethod
    def word(self, item: int, field: str) -> str:
        """Its `group_id` or `category`; "" for none."""

    @abstractmethod
    def passing(self, filter_: Filter) -> ItemSet:
        """The items that pass, dead ones included."""

    @abstractmethod
    def counts(self, field: str, chosen: Chosen) -> Iterator[tuple[str, int]]:
        """Words, or truth values, of a field with how many of the chosen items have them."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Of a vector."""

    def vectors(self, rows: NDArray[Any]) -> Float32:
        """(n,) rows -> (n, D), the canonical values."""
        found = np.empty((len(rows), self.dimension), np.float32)
        self.write_vectors(rows, found)
        return found

    @abstractmethod
    def write_vectors(self, rows: NDArray[Any], out: Float32) -> None:
        """(n,) rows: the canonical values to `out` (n, D)."""

    @abstractmethod
    def nearest(self, aims: Aims, limit: int, chosen: Chosen, accuracy: Accuracy, proceed: Proceed) -> Sequence[Found]:
        """For each query rows that hold the best of at least `limit` different chosen items, or of all of them."""

    def rows_of(self, chosen: Chosen) -> int:
        """How many rows the chosen items have."""
        if self.owners is None:
            return chosen.count
        return int(np.diff(self.starts[: self.items + 1])[chosen.places].sum())

    def owners_of(self, rows: NDArray[Any]) -> NDArray[Any]:
        """The items of rows."""
        return rows if self.owners is None else self.owners[rows]


def rows_of(starts: NDArray[Any], items: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rows of the given items, item by item. `starts`: the first row of each item, and the end."""
    begins = starts[items].astype(np.intp)
    counts = starts[items + 1] - begins
    before = np.cumsum(counts) - counts
    rows: NDArray[np.intp] = np.arange(counts.sum()) + np.repeat(begins - before, counts)
    return rows


def best_of_each(
    scores: Float32, rows: NDArray[Any] | None, owners: NDArray[Any] | None, limit: int
) -> Sequence[Found]:
    """`best_rows` of each of (queries, n) scores; of many queries together, where each row has an owner of its own."""
    if owners is not None or not 0 < limit < scores.shape[1]:
        return [best_rows(each, rows, owners, limit) for each in scores]
    places = np.argpartition(scores, scores.shape[1] - limit, axis=1)[:, -limit:]
    best = np.take_along_axis(scores, places, axis=1)
    order = np.argsort(-best, axis=1, kind="stable")
    places = np.take_along_axis(places, order, axis=1)
    found = places if rows is None else rows[places]
    return list(zip(found.astype(np.int64, copy=False), np.take_along_axis(best, order, axis=1), strict=True))


def best_rows(scores: Float32, rows: NDArray[Any] | None, owners: NDArray[Any] | None, limit: int) -> Found:
    """Of (n,) scores, those that hold the best of `limit` different owners. `rows`: what each score belongs to, None:
    its place; `owners` of each row, None: itself."""
    wanted = limit
    while True:
        if wanted < len(scores):
            best = np.argpartition(scores, len(scores) - wanted)[-wanted:]
            best = best[np.argsort(-scores[best], kind="stable")]
        else:
            best = np.argsort(-scores, kind="stable")
        found = best if rows is None else rows[best]
        # Several photos of one item may take several of the places.
        if owners is None or wanted >= len(scores) or len(np.unique(owners[found])) >= limit:
            return found.astype(np.int64, copy=False), scores[best]
        wanted *= 4
