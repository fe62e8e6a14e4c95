"""The index that serves: fresh rows are searched one by one, settled rows through a FAISS graph.

Writes go to the fresh rows and are seen at once. A builder calls `settle` from a thread of its own: it makes the next
graph beside the present one and exchanges them in one assignment. Searches work on immutable views and never wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from services.indexer.index.faiss_view import FaissView
from services.indexer.index.graph import CHUNK_ROWS, Graph, GraphTuning
from services.indexer.index.growing import Growing
from services.indexer.index.port import Index, PackItem, RowArray
from services.indexer.index.table import Table
from services.indexer.item import Record
from services.indexer.version import Version
from services.spaces import Float32, Space

Chunked = TypeVar("Chunked", Float32, RowArray)


@dataclass(frozen=True)
class IndexTuning:
    """`fresh_rows`: so many make the builder settle them. `max_fresh_rows`: beyond, writers wait for the builder.
    `dead_fraction`: so many masked rows of all make the builder compact the index."""

    fresh_rows: int = 4096
    max_fresh_rows: int = 32_768
    dead_fraction: float = 0.2
    graph: GraphTuning = field(default_factory=GraphTuning)


class FaissIndex(Index):
    """`pack`: how items are kept for the hits that ask for them."""

    def __init__(self, space: Space, partitions: int, pack: PackItem, tuning: IndexTuning) -> None:
        self._pack = pack
        self._tuning = tuning
        self._changed = threading.Condition()
        self._table = Table()
        self._alive = Growing(np.bool_)
        self._graph = Graph.empty(space.dimension, tuning.graph)
        self._fresh = Growing(np.float32, (space.dimension,))
        self._view = FaissView(
            space, Version.nothing(partitions), self._table, np.empty(0, bool), self._graph, self._fresh.head()
        )

    def view(self) -> FaissView:
        return self._view

    def item_ids(self) -> list[str]:
        view = self._view
        return [view.item_id(row) for row in np.flatnonzero(view.alive & view.table.is_first(view.rows)).tolist()]

    def apply(self, upserts: Sequence[Record], removed: Sequence[str], version: Version) -> None:
        with self._changed:
            for item_id in removed:
                self._mask(item_id)
            for record in upserts:
                self._put(record)
            self._publish(version)

    def wait_for_room(self, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self._view.fresh) < self._tuning.max_fresh_rows, timeout_s)

    def settle(self, proceed: Callable[[], None]) -> bool:
        view = self._view
        if view.dead > max(self._tuning.fresh_rows, self._tuning.dead_fraction * view.rows):
            self._compact(view, proceed)
        elif len(view.fresh) >= self._tuning.fresh_rows:
            self._merge(view, proceed)
        else:
            return False
        return True

    def _put(self, record: Record) -> None:
        item = record.dated()
        packed = self._pack(item)
        fingerprint = hash((packed, record.vectors.tobytes()))
        present = self._present(item.id)
        if present is not None and self._table.fingerprint(present) == fingerprint:
            return
        self._mask(item.id)
        self._table.add(item.id, len(record.vectors), packed, fingerprint, item.facts())
        self._alive.extend(np.ones(len(record.vectors), bool))
        self._fresh.extend(record.vectors.astype(np.float32))

    def _mask(self, item_id: str) -> None:
        first = self._present(item_id)
        if first is not None:
            self._alive.head()[first : first + int(self._table.photos([first])[0])] = False

    def _present(self, item_id: str) -> int | None:
        first = self._table.find(item_id, len(self._table))
        return first if first is not None and self._alive.head()[first] else None

    def _publish(self, version: Version) -> None:
        alive = self._alive.head().copy()
        self._view = FaissView(self._view.space, version, self._table, alive, self._graph, self._fresh.head())
        self._changed.notify_all()

    def _merge(self, view: FaissView, proceed: Callable[[], None]) -> None:
        """The fresh rows of the view become settled; row numbers stay as they are."""
        graph = view.graph.extended(_chunks(view.fresh), proceed)
        with self._changed:
            rest = self._fresh.head()[len(view.fresh) :]
            self._exchange(graph, rest)

    def _compact(self, view: FaissView, proceed: Callable[[], None]) -> None:
        """Only the rows that count stay, under new numbers; few enough of them stay fresh."""
        kept = np.flatnonzero(view.alive)
        graph = Graph.empty(view.space.dimension, self._tuning.graph)
        settled = kept if len(kept) >= self._tuning.fresh_rows else kept[:0]
        graph = graph.extended((view.vectors(rows) for rows in _chunks(settled)), proceed)
        with self._changed:
            rest = self._fresh.head()[len(view.fresh) :]
            new_rows = np.full(len(self._table), -1, np.int32)
            new_rows[kept] = np.arange(len(kept))
            new_rows[view.rows :] = np.arange(len(kept), len(kept) + len(self._table) - view.rows)
            self._table = self._table.renumbered(new_rows)
            alive, self._alive = self._alive.head(), Growing(np.bool_)
            self._alive.extend(alive[new_rows >= 0])
            self._exchange(graph, np.concatenate([view.vectors(kept[len(settled) :]), rest]))

    def _exchange(self, graph: Graph, fresh: Float32) -> None:
        self._graph = graph
        self._fresh = Growing(np.float32, (fresh.shape[1],))
        self._fresh.extend(fresh)
        self._publish(self._view.version)


def _chunks(rows: Chunked) -> Iterator[Chunked]:
    return (rows[start : start + CHUNK_ROWS] for start in range(0, len(rows), CHUNK_ROWS))
