"""What the ranker counts of its answers, beside what the runtime counts of every call."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from services.ranker.answer import Answer

STAGE_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


class RankerMetrics:
    """Dropped signals say when an answer is weaker than it should be; stages say where its time went."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._dropped = Counter(
            "visrec_ranker_dropped_total", "Signals left out of answers.", ("signal", "reason"), registry=registry
        )
        self._stages = Histogram(
            "visrec_ranker_stage_seconds", "Stages of answers.", ("stage",), registry=registry, buckets=STAGE_BUCKETS_S
        )

    def answered(self, answer: Answer) -> None:
        """Counts one answer."""
        for dropped in answer.dropped:
            self._dropped.labels(dropped.signal, dropped.reason).inc()
        for stage, ms in answer.costs.items():
            self._stages.labels(stage).observe(ms / 1000.0)
