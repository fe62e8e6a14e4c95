"""Checks: whether an experiment may be believed at all.

Sample ratio: are the groups as large as they should be? Where they are not, people are lost on the way in one variant
and not in another, and whatever is compared compares other people (Fabijan et al., KDD 2019).

A/A: the same people drawn anew, at random and in the same shares. Nothing distinguishes these groups, so intervals of
95 % should miss zero in one of twenty draws. More often: they are too narrow for these people.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jobs.trial.comparing import LEVEL, Float64

TOO_UNLIKELY = 0.001
"""The p of a sample ratio below which something is wrong: it is looked at each time, so 0.05 would cry wolf."""

DRAWS = 1_000
BLOCK = 50
_Z = 1.959963984540054
"""97.5 % of a normal distribution."""


@dataclass(frozen=True)
class AgainstItself:
    """`alarms` of `draws` A/A comparisons found a difference."""

    alarms: int
    draws: int

    @property
    def rate(self) -> float:
        """0 to 1."""
        return self.alarms / self.draws

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which the rate is in 999 of 1000 cases when intervals are as wide as they say."""
        nominal = 1 - LEVEL
        slack = 3.2905 * math.sqrt(nominal * LEVEL / self.draws)
        return nominal - slack, nominal + slack

    @property
    def is_nominal(self) -> bool:
        """Whether it is between them."""
        low, high = self.bounds
        return low <= self.rate <= high


def sample_ratio(counts: Sequence[int], shares: Sequence[float]) -> float:
    """The p of a chi-squared test that people were drawn by these shares, all above 0; 1 for fewer than two groups."""
    total = sum(counts)
    if len(counts) < 2 or not total:
        return 1.0
    scale = sum(shares)
    expected = [total * share / scale for share in shares]
    chi = sum((count - wanted) ** 2 / wanted for count, wanted in zip(counts, expected, strict=True))
    return _beyond(chi, len(counts) - 1)


def against_itself(
    outcomes: Float64, answers: Float64, share: float, random: np.random.Generator, draws: int = DRAWS
) -> AgainstItself:
    """Of (p,) people, each put into one group with the probability `share` and else into the other."""
    alarms = done = 0
    while done < draws:
        many = min(BLOCK, draws - done)
        ones = (random.random((many, len(answers))) < share).astype(np.float64)
        alarms += int(np.count_nonzero(_apart(ones, outcomes, answers) > _Z))
        done += many
    return AgainstItself(alarms, draws)


def _apart(ones: Float64, outcomes: Float64, answers: Float64) -> Float64:
    """(k,) how many standard errors the two groups of each of k draws are apart: `comparing.difference` for many."""
    totals = [_ratios(groups, outcomes, answers) for groups in (ones, 1 - ones)]
    (one, one_variance), (other, other_variance) = totals
    error = np.sqrt(one_variance + other_variance)
    return np.where(error > 0, np.abs(one - other) / np.where(error > 0, error, 1.0), 0.0)


def _ratios(groups: Float64, outcomes: Float64, answers: Float64) -> tuple[Float64, Float64]:
    """(k,) ratios and their variances, by sums of squares."""
    people = np.maximum(groups.sum(axis=1), 2.0)
    total = np.maximum(groups @ answers, 1e-300)
    value = (groups @ outcomes) / total
    squares = groups @ outcomes**2 - 2 * value * (groups @ (outcomes * answers)) + value**2 * (groups @ answers**2)
    return value, people / (people - 1) * np.maximum(squares, 0.0) / total**2


def _beyond(chi: float, freedom: int) -> float:
    """How often a chi-squared variable of so many degrees of freedom is greater, by the recursion from two of them to
    the next two (Abramowitz and Stegun, 26.4.8)."""
    half = chi / 2
    found = math.erfc(math.sqrt(half)) if freedom % 2 else math.exp(-half)
    for degrees in range(freedom % 2 or 2, freedom, 2):
        if half > 0:
            found += math.exp(degrees / 2 * math.log(half) - half - math.lgamma(degrees / 2 + 1))
    return min(1.0, found)
