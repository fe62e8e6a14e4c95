"""What must hold of the embedder on any machine: ratios to the bare loop of the same run, never milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

from bench.embedder.bare import Bare
from bench.embedder.measure import Measured


@dataclass(frozen=True)
class Bar:
    """A figure and how it must be: at most the limit, or with `at_least` at least. `aim` is what would be good."""

    name: str
    figure: float
    limit: float
    at_least: bool = False
    aim: float | None = None
    unit: str = "x"

    @property
    def held(self) -> bool:
        """Not a number is a miss."""
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    @property
    def wanted(self) -> str:
        """For people."""
        sign = ">=" if self.at_least else "<="
        aim = "" if self.aim is None else f" (aim {self.aim:g})"
        return f"{sign} {self.limit:g} {self.unit}{aim}"


def of(bare: Bare, embedder: Measured) -> list[Bar]:
    """All of them."""
    steady = embedder.steady.latency
    return [
        Bar("CPU of a photo, one caller / bare", embedder.alone.cpu_ms / bare.cpu_ms, 1.25, aim=1.1),
        Bar("CPU of a photo, 16 callers / bare", embedder.together.cpu_ms / bare.cpu_ms, 1.25, aim=1.1),
        Bar("photos/s, 16 callers / bare, two threads", embedder.together.per_s / bare.per_s, 0.9, at_least=True),
        Bar("p50 with one caller / bare", embedder.alone.latency.p50_ms / bare.latency.p50_ms, 1.2),
        Bar("p99 / p50 at half the full rate", steady.p99_ms / steady.p50_ms, 4),
    ]
