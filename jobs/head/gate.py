"""Whether a new space may take the place of the old one. Pure.

It must find more related items, by more than chance explains, and must not forget what items of a kind look like: a
space that knows kinds alone finds the most of them and puts any shirt beside any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.head.directions import Float64
from jobs.head.judging import Marks

LEAST_FIDELITY = 0.6
RESAMPLES = 2000
CHANCE = 0.05


@dataclass(frozen=True)
class Verdict:
    """Means over `queries`; `low`, `high`: the 95 % interval of the gain in precision, by paired bootstrap (Efron and
    Tibshirani, An Introduction to the Bootstrap, 1993: queries are drawn anew, each with both of its marks)."""

    queries: int
    old_precision: float
    new_precision: float
    low: float
    high: float
    old_fidelity: float
    new_fidelity: float

    @property
    def passes(self) -> bool:
        """Better beyond the interval, and faithful enough."""
        return self.low > 0 and self.new_fidelity >= LEAST_FIDELITY

    @property
    def why_not(self) -> str:
        """What keeps it from passing; empty: nothing."""
        reasons = []
        if not self.low > 0:
            reasons.append(
                f"precision@10 changes by {self.new_precision - self.old_precision:+.3f}, between {self.low:+.3f} and "
                f"{self.high:+.3f}: not better beyond chance"
            )
        if self.new_fidelity < LEAST_FIDELITY:
            reasons.append(f"fidelity is {self.new_fidelity:.3f}, at least {LEAST_FIDELITY} is wanted")
        return "; ".join(reasons)


def judge(old: Marks, new: Marks, seed: int = 1) -> Verdict:
    """Marks of the same queries, at least one."""
    low, high = interval(new.precision - old.precision, seed)
    means = (float(each.mean()) for each in (old.precision, new.precision))
    old_precision, new_precision = means
    return Verdict(
        len(old.precision),
        old_precision,
        new_precision,
        low,
        high,
        float(old.fidelity.mean()),
        float(new.fidelity.mean()),
    )


def interval(gains: Float64, seed: int) -> tuple[float, float]:
    """(queries,) -> between which bounds their mean lies with 95 % confidence."""
    chance = np.random.default_rng(seed)
    means = [gains[chance.integers(len(gains), size=len(gains))].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [CHANCE / 2, 1 - CHANCE / 2])
    return float(low), float(high)
