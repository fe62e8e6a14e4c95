"""Makes settled parts of others, beside the searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

from services.indexer.index.effort import Effort
from services.indexer.index.flat import Flat
from services.indexer.index.graph import Graph, GraphTuning
from services.indexer.index.port import Proceed
from services.indexer.index.settled import SettledPart
from services.indexer.index.sketch import Sketch
from services.indexer.index.slot import Chunks, Kept
from services.indexer.index.table import Items
from services.spaces import Space


@dataclass(frozen=True)
class IndexTuning:
    """`fresh_rows`: so many make the builder settle them. `max_fresh_rows`: beyond, writers wait for the builder.
    `small_rows`: so many make a small part full. `max_small_rows`: so many in full ones that wait to be merged make
    writers wait. `dead_fraction`: so many dead items of all make the builder compact a part. `sketch_rows`,
    `graph_rows`: from so many on a part has a sketch, and the large one a graph."""

    fresh_rows: int = 4096
    max_fresh_rows: int = 32_768
    small_rows: int = 65_536
    max_small_rows: int = 524_288
    dead_fraction: float = 0.2
    sketch_rows: int = 4096
    graph_rows: int = 200_000
    graph: GraphTuning = field(default_factory=GraphTuning)


class Builder:
    """For one space."""

    def __init__(self, space: Space, tuning: IndexTuning) -> None:
        self._space = space
        self._tuning = tuning

    def part(
        self, base: SettledPart | None, every: Sequence[Kept], added: Sequence[Kept], proceed: Proceed
    ) -> SettledPart:
        """Rows `added` to those of the base, or a part of its own: together they are `every`. Takes microseconds a row;
        links are taken along, and others are made later."""
        table = Items.joined([one.table() for one in every])
        chunks = [one.chunks() for one in added]
        flat = base.flat if base else Flat.empty(self._space.dimension)
        flat = flat.extended(chain.from_iterable(chunks), proceed)
        sketch = None
        if flat.rows >= self._tuning.sketch_rows and Sketch.possible(self._space.dimension):
            sketch = _sketched(base, flat, chunks, proceed)
        if base is None:
            return SettledPart(table, flat, sketch, None, Effort.unmeasured(len(self._space.blocks)))
        graph = base.graph.onto(flat) if base.graph else None
        return SettledPart(table, flat, sketch, graph, base.effort, base.line)

    def wants_links(self, part: SettledPart) -> bool:
        """Whether rows of a large part are not in its graph yet."""
        linked = part.graph.rows if part.graph else 0
        return part.rows >= self._tuning.graph_rows and linked < part.rows

    def links(self, part: SettledPart, proceed: Proceed) -> Graph:
        """A graph of all rows; takes half a millisecond for each that is new."""
        tuning = self._tuning.graph
        if part.graph:
            return part.graph.extended(part.flat, self._space, tuning, proceed)
        return Graph.over(part.flat, self._space, tuning, proceed)


def _sketched(base: SettledPart | None, flat: Flat, chunks: Sequence[Chunks], proceed: Proceed) -> Sketch:
    # Codes fit what they were trained on: when there is twice as much they are made anew.
    if base and base.sketch and 2 * base.rows > flat.rows:
        return base.sketch.extended(chain.from_iterable(chunks), proceed)
    return Sketch.trained(flat, proceed).extended(Chunks.of(flat.canonical), proceed)
