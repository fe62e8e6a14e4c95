"""One state of a FAISS index: a settled graph, the fresh rows after it, and which of all of them count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np

from services.indexer.filters import Filter
from services.indexer.index.exact import MaskedRows
from services.indexer.index.graph import Bitmap, Graph
from services.indexer.index.port import Accuracy, Aims, Bools, Eligible, Proceed, RowArray, Size, View
from services.indexer.index.table import Table
from services.indexer.version import Version
from services.spaces import Float32, Space

EF_SEARCH = {Accuracy.FAST: 64, Accuracy.BALANCED: 128}
"""Two centred blocks, any mix of weights: recall@10 of at least 0.96 at 64 to 128 (39,000 items)."""

ROWS_PER_STEP = 40
"""One step of a graph search (efSearch counts them) costs as much as comparing so many rows one by one: 1.7 µs against
0.043 µs at 320 dimensions. Where comparing is cheaper, it is done, and it is exact."""

MAX_EF = 1024


@dataclass(frozen=True)
class FaissView(View):
    """`alive`: (rows,) bool; `fresh`: (rows - graph.rows, D) float32 with canonical values. Nothing of it changes."""

    space: Space
    version: Version
    table: Table
    alive: Bools
    graph: Graph
    fresh: Float32

    @property
    def rows(self) -> int:
        """All, those that no longer count included."""
        return len(self.alive)

    @cached_property
    def dead(self) -> int:
        """Rows that no longer count."""
        return self.rows - int(np.count_nonzero(self.alive))

    def size(self) -> Size:
        counts = self.alive & self.table.is_first(self.rows)
        with_word = {
            domain: int(np.count_nonzero(counts[self.table.columns.rows_with("domain", domain, self.rows)]))
            for domain in self.table.columns.words("domain")
        }
        return Size(
            items=int(np.count_nonzero(counts)),
            rows=self.rows - self.dead,
            fresh=len(self.fresh),
            deleted=self.dead,
            memory=self.graph.nbytes + self.fresh.nbytes,
            items_by_domain={domain: items for domain, items in with_word.items() if items},
        )

    def find(self, item_id: str) -> int | None:
        first = self.table.find(item_id, self.rows)
        return first if first is not None and self.alive[first] else None

    def eligible(self, filter_: Filter) -> Eligible:
        return self._selection(filter_) if filter_ else self._all

    def nearest(
        self, aims: Aims, limit: int, eligible: Eligible, accuracy: Accuracy, proceed: Proceed
    ) -> list[list[int]]:
        found = []
        for weighed in aims.weighed:
            proceed()
            found.append(self._nearest(weighed, limit, eligible, accuracy))
        return found

    def word(self, first: int, field: str) -> str:
        raise NotImplementedError  # the index that is about to replace this one has them

    def facets(self, field: str, eligible: Eligible, proceed: Proceed) -> Mapping[str, int]:
        raise NotImplementedError

    def _nearest(self, weighed: Float32, limit: int, eligible: Eligible, accuracy: Accuracy) -> list[int]:
        wanted = limit
        while True:
            rows = self._nearest_rows(weighed, min(wanted, eligible.count), eligible, accuracy)
            items = dict.fromkeys(self.table.firsts(rows).tolist())
            # Several photos of one item may take several of the places.
            if len(items) >= limit or len(rows) >= eligible.count:
                return list(items)[:limit]
            wanted *= 2

    def expand(self, firsts: Sequence[int]) -> tuple[RowArray, RowArray]:
        starts = np.asarray(firsts, np.int64)
        counts = self.table.photos(starts).astype(np.int64)
        owners = np.repeat(np.arange(len(starts)), counts)
        before = np.cumsum(counts) - counts
        return starts[owners] + np.arange(len(owners)) - before[owners], owners

    def vectors(self, rows: RowArray) -> Float32:
        out = np.empty((len(rows), self.space.dimension), np.float32)
        settled = rows < self.graph.rows
        if settled.any():
            out[settled] = self.graph.vectors(rows[settled])
        out[~settled] = self.fresh[rows[~settled] - self.graph.rows]
        return out

    def item_id(self, first: int) -> str:
        return self.table.item_id(first)

    def packed(self, first: int) -> bytes:
        return self.table.packed(first)

    @cached_property
    def _all(self) -> _Selection:
        return _Selection(self.alive, self.rows - self.dead, self.graph.rows)

    def _selection(self, filter_: Filter) -> _Selection:
        mask = self.table.columns.mask(filter_, self.rows, self._rows_of) & self.alive
        return _Selection(mask, int(np.count_nonzero(mask)), self.graph.rows)

    def _rows_of(self, item_id: str) -> range:
        first = self.find(item_id)
        return range(0) if first is None else range(first, first + int(self.table.photos([first])[0]))

    def _nearest_rows(self, weighed: Float32, count: int, eligible: Eligible, accuracy: Accuracy) -> RowArray:
        """The `count` nearest eligible rows, best first."""
        if count == 0:
            return np.empty(0, np.int64)
        selection = cast("_Selection", eligible)
        settled, settled_scores = self._nearest_settled(weighed, count, selection, accuracy)
        fresh, fresh_scores = self._nearest_fresh(weighed, count, selection)
        rows, scores = np.concatenate([settled, fresh]), np.concatenate([settled_scores, fresh_scores])
        return rows[np.argsort(-scores, kind="stable")[:count]]

    def _nearest_settled(
        self, weighed: Float32, count: int, selection: _Selection, accuracy: Accuracy
    ) -> tuple[RowArray, Float32]:
        there = min(count, selection.settled)
        if there == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        # The walk meets rows that may not come back, too, so it must be longer the fewer may.
        ef = min(MAX_EF, EF_SEARCH.get(accuracy, MAX_EF) * self.graph.rows // selection.settled)
        if accuracy is not Accuracy.EXACT and selection.settled > ROWS_PER_STEP * max(ef, count):
            rows, scores = self.graph.nearest(weighed, there, selection.bitmap, ef)
            # The rows that pass may lie far from the query, where the walk never came.
            if len(rows) == there:
                return rows, scores
        return self.graph.exact(weighed, there, selection.bitmap)

    def _nearest_fresh(self, weighed: Float32, count: int, selection: _Selection) -> tuple[RowArray, Float32]:
        passing = np.flatnonzero(selection.mask[self.graph.rows :])
        vectors = self.fresh if len(passing) == len(self.fresh) else self.fresh[passing]
        scores = vectors @ weighed
        if len(scores) > count:
            best = np.argpartition(-scores, count - 1)[:count]
            passing, scores = passing[best], scores[best]
        return passing + self.graph.rows, scores


@dataclass(frozen=True)
class _Selection(MaskedRows):
    """Eligible rows in the form the graph wants; made once for all queries of a search."""

    graph_rows: int

    @cached_property
    def settled(self) -> int:
        """How many of them are in the graph."""
        return int(np.count_nonzero(self.mask[: self.graph_rows]))

    @cached_property
    def bitmap(self) -> Bitmap | None:
        """None: all rows of the graph."""
        if self.settled == self.graph_rows:
            return None
        return np.packbits(self.mask[: self.graph_rows], bitorder="little")
