"""A part that does not change: items in arrays, and their vectors with what finds the nearest of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from services.indexer.filters import Filter
from services.indexer.index.compiled import CompiledFilters
from services.indexer.index.effort import Effort
from services.indexer.index.flat import Flat, widen
from services.indexer.index.graph import Graph
from services.indexer.index.hunt import Hunt
from services.indexer.index.items import ItemSet
from services.indexer.index.part import Chosen, Found, Part
from services.indexer.index.port import Accuracy, Aims, Proceed
from services.indexer.index.sketch import Refined, Sketch
from services.indexer.index.table import Items
from services.spaces import Float32


@dataclass(frozen=True)
class SettledPart(Part):
    """`flat`: the vectors; `sketch`, `graph`: of them, where the part is large enough; a graph may not have all rows
    yet. `effort`: what recalls take. `line`: the same for a part and what is made of it by adding rows."""

    table: Items
    flat: Flat
    sketch: Sketch | None
    graph: Graph | None
    effort: Effort
    line: object = field(default_factory=object, compare=False)
    _filters: CompiledFilters = field(default_factory=CompiledFilters, compare=False)

    @cached_property
    def items(self) -> int:  # type: ignore[override]
        """How many."""
        return len(self.table.ids)

    @property
    def rows(self) -> int:  # type: ignore[override]
        """How many."""
        return self.flat.rows

    @property
    def starts(self) -> NDArray[Any]:  # type: ignore[override]
        """The first row of each item."""
        return self.table.starts

    @property
    def owners(self) -> NDArray[Any] | None:  # type: ignore[override]
        """The item of each row, None where each has one."""
        return self.table.owners

    @property
    def linked(self) -> int:
        return self.graph.rows if self.graph else 0

    @property
    def nbytes(self) -> int:
        own = self.flat.canonical.nbytes + self.table.nbytes + self._filters.nbytes
        return own + sum(part.nbytes for part in (self.sketch, self.graph) if part)

    def find(self, item_id: str) -> int | None:
        return self.table.lookup.find(item_id)

    def find_all(self, item_ids: Sequence[str]) -> list[int | None]:
        return self.table.lookup.find_all(item_ids)

    def item_id(self, item: int) -> str:
        return self.table.ids[item].decode()

    def item_ids(self, items: NDArray[Any]) -> list[str]:
        return self.table.ids.strings(items)

    def packed(self, item: int) -> bytes:
        return self.table.packed[item]

    def word(self, item: int, field: str) -> str:
        code = int(self.table.codes[field][item])
        return "" if code < 0 else self.table.facts.words[field].words[code].decode()

    def passing(self, filter_: Filter) -> ItemSet:
        return self._filters.get(filter_, lambda: ItemSet(self.table.facts.passing(filter_, self.find), self.items))

    def counts(self, field: str, chosen: Chosen) -> Iterator[tuple[str, int]]:
        return self.table.facts.counts(field, chosen.mask)

    @property
    def dimension(self) -> int:
        return int(self.flat.index.d)

    def write_vectors(self, rows: NDArray[Any], out: Float32) -> None:
        widen(self.flat.canonical[rows], out)

    def nearest(self, aims: Aims, limit: int, chosen: Chosen, accuracy: Accuracy, proceed: Proceed) -> Sequence[Found]:
        hunt = Hunt(self, chosen, min(limit, chosen.count), accuracy, proceed)
        return hunt.nearest(aims)

    @property
    def walkable(self) -> Graph | None:
        """The graph, when it has all rows."""
        return self.graph if self.graph and self.graph.rows == self.rows else None

    @cached_property
    def refined(self) -> Refined | None:
        """The sketch before the vectors."""
        return self.sketch.refined(self.flat) if self.sketch else None
