"""Intervals by the bootstrap over people (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 13)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.recommendation.log import Floats

TIMES = 2000
LOW, HIGH = 2.5, 97.5
"""Percentiles."""


@dataclass(frozen=True)
class Interval:
    """A mean and where it lies in 95 of 100 samples of people."""

    mean: float
    low: float
    high: float

    @property
    def is_above(self) -> bool:
        """Beyond the interval above 0."""
        return self.low > 0

    @property
    def is_below(self) -> bool:
        """Beyond the interval below 0."""
        return self.high < 0


def interval(values: Floats, seed: int = 1) -> Interval:
    """Of the mean of (people,) values. Of a difference: give differences of the same people, which pairs them."""
    random = np.random.default_rng(seed)
    # One sample of people after the other: a matrix of all would be large for many people.
    means = [values[random.integers(0, len(values), len(values))].mean() for _ in range(TIMES)]
    low, high = np.percentile(means, [LOW, HIGH])
    return Interval(float(values.mean()), float(low), float(high))
