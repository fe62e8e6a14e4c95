"""What the embedder counts beside what the runtime counts of every call."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge, Histogram

from services.embedder.photo import Embedded

STAGE_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class EmbedderMetrics:
    """The queue says how loaded it is, the stages where a photo's time went. `waiting` is asked at every scrape."""

    def __init__(self, registry: CollectorRegistry, waiting: Callable[[], int]) -> None:
        Gauge("visrec_embedder_waiting", "Photos in front of the workers.", registry=registry).set_function(waiting)
        stages = Histogram(
            "visrec_embedder_stage_seconds",
            "Stages of a photo.",
            ("stage",),
            registry=registry,
            buckets=STAGE_BUCKETS_S,
        )
        self._queue, self._decode, self._network = (stages.labels(name) for name in ("queue", "decode", "network"))

    def embedded(self, answer: Embedded) -> None:
        """Counts one photo."""
        self._queue.observe(answer.queue_ms / 1000)
        self._decode.observe(answer.decode_ms / 1000)
        self._network.observe(answer.network_ms / 1000)
