"""What the indexer shows of itself besides its calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.indexer.serving.shelf import Shelf

BUILD_BUCKETS_S = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800)


class BuildMetrics:
    """How long builds took."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "visrec_index_build_seconds",
            "Time to extend or compact an index, beside the searches.",
            registry=registry,
            buckets=BUILD_BUCKETS_S,
        )

    def built(self, seconds: float) -> None:
        """A build ended."""
        self._seconds.observe(seconds)


class ShelfMetrics(Collector):
    """Sizes of the indexes, looked up when they are asked for."""

    def __init__(self, shelves: Callable[[], Iterable[Shelf]], registry: CollectorRegistry) -> None:
        self._shelves = shelves
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """One gauge for each kind of rows, one sample for each space of each catalogue."""
        items, rows, fresh, deleted, memory = (
            GaugeMetricFamily(f"visrec_index_{name}", meaning, labels=["catalogue", "space"])
            for name, meaning in (
                ("items", "Items that can be found."),
                ("rows", "Rows that can be found, one for each photo."),
                ("fresh_rows", "Rows that are searched one by one."),
                ("deleted_rows", "Rows that wait for compaction."),
                ("bytes", "Memory of vectors and graph."),
            )
        )
        indexes = [(shelf.definition.name, *one) for shelf in self._shelves() for one in shelf.indexes.items()]
        for catalogue, space, index in indexes:
            size, name = index.view().size(), [catalogue, space]
            items.add_metric(name, size.items)
            rows.add_metric(name, size.rows)
            fresh.add_metric(name, size.fresh)
            deleted.add_metric(name, size.deleted)
            memory.add_metric(name, size.memory)
        return items, rows, fresh, deleted, memory
