"""Comparing: what came of the answers of one group of people beside those of another, with an interval.

A group's figure is a ratio of sums over its people, R = sum n / sum d: outcomes for each answer. A person's answers are
not independent of each other, people are; so the variance is that of the linearised ratio, person by person (the delta
method; Deng, Knoblich and Lu, KDD 2018),

    var R = P/(P - 1) * sum (n_p - R d_p)^2 / (sum d)^2

and a difference of two groups is normal with the sum of their variances. Of several variants each interval is as wide
as it has to be for all of them to hold together (Bonferroni).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

LEVEL = 0.95

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Ratio:
    """`value`: outcomes for each answer. `variance`: of it; infinite for fewer than two people."""

    value: float
    variance: float


@dataclass(frozen=True)
class Difference:
    """Of a variant and the control. `low`, `high`: its bounds; `p`: how often chance alone makes one as large."""

    value: float
    low: float
    high: float
    p: float

    @property
    def is_beyond_chance(self) -> bool:
        """Zero is not between the bounds."""
        return self.low > 0 or self.high < 0


def ratio(outcomes: Float64, answers: Float64) -> Ratio:
    """Of the (p,) outcomes and answers of p people; the answers sum to more than 0."""
    people, total = len(answers), float(answers.sum())
    value = float(outcomes.sum()) / total
    if people < 2:
        return Ratio(value, math.inf)
    return Ratio(value, people / (people - 1) * float(((outcomes - value * answers) ** 2).sum()) / total**2)


def difference(variant: Ratio, control: Ratio, variants: int = 1) -> Difference:
    """`variants`: beside the control, all of which are told."""
    value, error = variant.value - control.value, math.sqrt(variant.variance + control.variance)
    if error in (0.0, math.inf):
        # Nobody differs from anybody, or nobody is there to differ: nothing can be said of chance.
        return Difference(value, -math.inf, math.inf, 1.0)
    half = _NORMAL.inv_cdf(1 - (1 - LEVEL) / (2 * variants)) * error
    return Difference(value, value - half, value + half, min(1.0, 2 * _NORMAL.cdf(-abs(value) / error)))
