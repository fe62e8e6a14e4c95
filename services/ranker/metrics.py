"""What the ranker counts of its answers, beside what the runtime counts of every call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram

from services.ranker.answer import Dropped
from services.ranker.frozen.recorder import LOSSES

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

        self._lost = Counter(
            "visrec_ranker_unrecorded_total", "Events that could not be recorded.", ("reason",), registry=registry
        )
        for reason in LOSSES:  # so that the first of a kind is seen as one more
            self._lost.labels(reason)

    def answered(self, dropped: Iterable[Dropped], costs: Mapping[str, float]) -> None:
        """Counts one answer. `costs`: ms by stage."""
        for each in dropped:
            self._dropped.labels(each.signal, each.reason).inc()
        for stage, ms in costs.items():
            self._stages.labels(stage).observe(ms / 1000.0)

    def lost(self, events: int, reason: str) -> None:
        """So many impressions or photos were not recorded, after the answer had been given."""
        self._lost.labels(reason).inc(events)
