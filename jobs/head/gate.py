"""Whether a new space may take the place of the old one. Pure.

It must find more related items, by more than chance explains, and must not forget what items of a kind look like: a
space that knows kinds alone finds the most of them and puts any shirt beside any other.

What chance explains is asked of things, not of queries: ten photos of one shirt are nearly the same question.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from jobs.head.directions import Float64
from jobs.head.groups import Rows
from jobs.head.judging import Marks

LEAST_FIDELITY = 0.6
CHANCE = 0.05
LEAST_UNITS = 5
"""Of fewer an interval knows nothing."""


@dataclass(frozen=True)
class Verdict:
    """Means over `queries`, which are of so many `things`; `low`, `high`: the 95 % interval of the gain in precision,
    each query's new mark less its old one."""

    queries: int
    things: int
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


def judge(old: Marks, new: Marks) -> Verdict:
    """Marks of the same queries, at least one."""
    low, high = interval(new.precision - old.precision, old.things)
    return Verdict(
        len(old.precision),
        old.asked_things,
        float(old.precision.mean()),
        float(new.precision.mean()),
        low,
        high,
        float(old.fidelity.mean()),
        float(new.fidelity.mean()),
    )


def interval(gains: Float64, units: Rows | None = None) -> tuple[float, float]:
    """(queries,) -> between which bounds their mean lies with 95 % confidence. `units`: (queries,) those of the same
    number were drawn together; None: each by itself.

    Student's t of units less one degrees of freedom, by the variance of sums over units (Liang and Zeger, Biometrika
    73, 1986; t for few units: Cameron and Miller, J. Human Resources 50, 2015). Of fewer than LEAST_UNITS: everything.
    """
    which = np.arange(len(gains)) if units is None else np.unique(units, return_inverse=True)[1]
    counts = np.bincount(which)
    if len(counts) < LEAST_UNITS:
        return -np.inf, np.inf
    mean = float(gains.mean())
    spread = np.square(np.bincount(which, gains) - mean * counts).sum() * len(counts) / (len(counts) - 1)
    margin = _student(len(counts) - 1) * float(np.sqrt(spread)) / len(gains)
    return mean - margin, mean + margin


def _student(degrees: int) -> float:
    """Student's t is beyond it, on both sides, in CHANCE of all. Abramowitz and Stegun, Handbook of Mathematical
    Functions, 1964, 26.7.5: within a hundredth from 4 degrees on."""
    z = NormalDist().inv_cdf(1 - CHANCE / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + math.fsum(term / degrees**power for power, term in enumerate(terms, 1))
