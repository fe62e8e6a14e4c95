"""One state of an index: parts side by side, and which of their items no longer count."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import cast

import numpy as np

from services.indexer.filters import NO_FILTER, Filter
from services.indexer.index.items import ItemSet
from services.indexer.index.part import Chosen, Found, Part
from services.indexer.index.port import Accuracy, Aims, Eligible, Proceed, RowArray, Size, View
from services.indexer.version import Version
from services.spaces import Float32, Space

WORDS_AT_ONCE = 4096
"""Counted between two looks whether somebody still waits."""


@dataclass(frozen=True)
class Placed:
    """`first`: the view's number of the part's first row. `dead`: items of the part that no longer count."""

    part: Part
    first: int
    dead: ItemSet
    settled: bool

    @property
    def end(self) -> int:
        """The number after its last row."""
        return self.first + self.part.rows


class Selection(Eligible):
    """What may come back, part by part."""

    def __init__(self, placed: Sequence[Placed], chosen: Sequence[Chosen]) -> None:
        self._placed = placed
        self.chosen = chosen

    @cached_property
    def count(self) -> int:  # type: ignore[override]
        """How many rows."""
        return sum(placed.part.rows_of(chosen) for placed, chosen in zip(self._placed, self.chosen, strict=True))

    @cached_property
    def everything(self) -> bool:
        """Whether all rows may."""
        return all(chosen.everything for chosen in self.chosen)

    def has(self, row: int) -> bool:
        for placed, chosen in zip(self._placed, self.chosen, strict=True):
            if row < placed.end:
                return chosen.everything or bool(chosen.mask[placed.part.owners_of(np.array(row - placed.first))])
        return False


@dataclass(frozen=True)
class FaissView(View):
    """Nothing of it changes."""

    space: Space
    version: Version
    placed: tuple[Placed, ...]

    @property
    def rows(self) -> int:
        """All, those that no longer count included."""
        return self.placed[-1].end

    @property
    def nbytes(self) -> int:
        return sum(placed.part.nbytes for placed in self.placed)

    @property
    def linked(self) -> int:
        return sum(placed.part.linked for placed in self.placed)

    def size(self) -> Size:
        alive = self.eligible(NO_FILTER)
        rows = alive.count
        fresh = sum(placed.part.rows for placed in self.placed if not placed.settled)
        return Size(
            items=sum(chosen.count for chosen in cast("Selection", alive).chosen),
            rows=rows,
            fresh=fresh,
            deleted=self.rows - rows,
            memory=self.nbytes,
            items_by_domain=dict(self.facets("domain", alive, lambda: None)),
        )

    def find(self, item_id: str) -> int | None:
        # The newest part has the newest rows, and an item that is dead in it may live in none before.
        for placed in reversed(self.placed):
            item = placed.part.find(item_id)
            if item is not None and item not in placed.dead.bitmap:
                return placed.first + int(placed.part.starts[item])
        return None

    def find_all(self, item_ids: Sequence[str]) -> list[int | None]:
        found: list[int | None] = [None] * len(item_ids)
        missing = list(range(len(item_ids)))
        for placed in reversed(self.placed):
            if not missing:
                break
            if placed.part.items:
                for place, item in zip(missing, placed.part.find_all([item_ids[at] for at in missing]), strict=True):
                    if item is not None and item not in placed.dead.bitmap:
                        found[place] = placed.first + int(placed.part.starts[item])
                missing = [place for place in missing if found[place] is None]
        return found

    def eligible(self, filter_: Filter) -> Eligible:
        if not filter_:
            return self._alive
        passing = [Chosen(placed.part.passing(filter_), placed.dead) for placed in self.placed]
        return Selection(self.placed, passing)

    def nearest(
        self, aims: Aims, limit: int, eligible: Eligible, accuracy: Accuracy, proceed: Proceed
    ) -> list[list[int]]:
        by_part: list[tuple[Placed, Sequence[Found]]] = []
        for placed, chosen in zip(self.placed, cast("Selection", eligible).chosen, strict=True):
            if placed.part.items == 0 or not (chosen.everything or chosen.count):
                continue
            proceed()
            by_part.append((placed, placed.part.nearest(aims, limit, chosen, accuracy, proceed)))
        if self._a_photo_each and (together := _together(by_part, limit)) is not None:
            return together
        rows: list[list[RowArray]] = [[] for _ in aims.weighed]
        scores: list[list[Float32]] = [[] for _ in aims.weighed]
        for placed, found in by_part:
            for place, (mine, theirs) in enumerate(found):
                rows[place].append(self._firsts(placed, mine))
                scores[place].append(theirs)
        return [_best(mine, theirs, limit) for mine, theirs in zip(rows, scores, strict=True)]

    def word(self, first: int, field: str) -> str:
        placed, item = self._item(first)
        return placed.part.word(item, field)

    def facets(self, field: str, eligible: Eligible, proceed: Proceed) -> Mapping[str, int]:
        counter: Counter[str] = Counter()
        for placed, chosen in zip(self.placed, cast("Selection", eligible).chosen, strict=True):
            for number, (word, count) in enumerate(placed.part.counts(field, chosen)):
                if number % WORDS_AT_ONCE == 0:
                    proceed()
                counter[word] += count
        return counter

    def expand(self, firsts: Sequence[int] | RowArray) -> tuple[RowArray, RowArray]:
        if self._a_photo_each:
            return np.asarray(firsts, np.int64), np.arange(len(firsts))
        counts = np.array([self._photos(int(first)) for first in firsts], np.int64)
        owners = np.repeat(np.arange(len(firsts)), counts)
        before = np.cumsum(counts) - counts
        return np.asarray(firsts, np.int64)[owners] + np.arange(len(owners)) - before[owners], owners

    def vectors(self, rows: RowArray) -> Float32:
        out = np.empty((len(rows), self.space.dimension), np.float32)
        for placed, mine in self._pieces(rows):
            if isinstance(mine, slice):
                placed.part.write_vectors(rows[mine] - placed.first, out[mine])
            else:
                out[mine] = placed.part.vectors(rows[mine] - placed.first)
        return out

    def item_id(self, first: int) -> str:
        placed, item = self._item(first)
        return placed.part.item_id(item)

    def item_ids(self, firsts: Sequence[int] | RowArray) -> list[str]:
        rows = np.asarray(firsts, np.int64)
        found = [""] * len(firsts)
        for placed, mine in self._pieces(rows):
            ids = placed.part.item_ids(placed.part.owners_of(rows[mine] - placed.first))
            if isinstance(mine, slice):
                found[mine] = ids
            else:
                for place, item_id in zip(mine.tolist(), ids, strict=True):
                    found[place] = item_id
        return found

    def packed(self, first: int) -> bytes:
        placed, item = self._item(first)
        return placed.part.packed(item)

    @cached_property
    def _alive(self) -> Selection:
        return Selection(self.placed, [Chosen(None, placed.dead) for placed in self.placed])

    @cached_property
    def _ends(self) -> list[int]:
        """The number after the last row of each part."""
        return [placed.end for placed in self.placed]

    @cached_property
    def _a_photo_each(self) -> bool:
        return all(placed.part.owners is None for placed in self.placed)

    def _pieces(self, rows: RowArray) -> Iterator[tuple[Placed, slice | RowArray]]:
        """Which places of `rows` (n,) lie in which part: a slice where they stand part by part."""
        where = np.searchsorted(self._ends, rows, side="right")
        if (where[1:] >= where[:-1]).all():
            bounds = np.searchsorted(where, np.arange(len(self.placed) + 1)).tolist()
            for placed, (begin, end) in zip(self.placed, pairwise(bounds), strict=True):
                if begin < end:
                    yield placed, slice(begin, end)
            return
        for number, placed in enumerate(self.placed):
            if len(mine := np.flatnonzero(where == number)):
                yield placed, mine

    def _item(self, first: int) -> tuple[Placed, int]:
        placed = self.placed[bisect_right(self._ends, first)]
        row, owners = first - placed.first, placed.part.owners
        return placed, row if owners is None else int(owners[row])

    def _photos(self, first: int) -> int:
        placed, item = self._item(first)
        if placed.part.owners is None:
            return 1
        return int(placed.part.starts[item + 1] - placed.part.starts[item])

    @staticmethod
    def _firsts(placed: Placed, rows: RowArray) -> RowArray:
        """The first rows, by the view's numbers, of the items that the rows belong to."""
        part = placed.part
        return (rows if part.owners is None else part.starts[part.owners[rows]].astype(np.int64)) + placed.first


def _together(by_part: Sequence[tuple[Placed, Sequence[Found]]], limit: int) -> list[list[int]] | None:
    """`_best` of all queries at once, where each part found as many for each, which it mostly has; else None."""
    if not by_part or any(len({len(rows) for rows, _ in found}) != 1 for _, found in by_part):
        return None
    rows = np.hstack([np.array([mine for mine, _ in found]) + placed.first for placed, found in by_part])
    scores = np.hstack([np.array([theirs for _, theirs in found]) for _, found in by_part])
    order = np.argsort(-scores, axis=1, kind="stable")[:, :limit]
    best: list[list[int]] = np.take_along_axis(rows, order, axis=1).tolist()
    return best


def _best(firsts: Sequence[RowArray], scores: Sequence[Float32], limit: int) -> list[int]:
    if not firsts:
        return []
    if len(firsts) == 1:
        return list(dict.fromkeys(firsts[0].tolist()))[:limit]
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return list(dict.fromkeys(np.concatenate(firsts)[order].tolist()))[:limit]
