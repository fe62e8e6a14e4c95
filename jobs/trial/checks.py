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
from statistics import NormalDist

import numpy as np

from jobs.trial.comparing import LEVEL, Float64

_NORMAL = NormalDist()
_APART = _NORMAL.inv_cdf((1 + LEVEL) / 2)
"""Standard errors."""
_RARE = _NORMAL.inv_cdf(1 - 0.001 / 2)

TOO_UNLIKELY = 0.001
"""The p of a sample ratio below which something is wrong: it is looked at each time, so 0.05 would cry wolf."""

DRAWS = 1_000
BLOCK = 50


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
        slack = _RARE * math.sqrt(nominal * LEVEL / self.draws)
        return nominal - slack, nominal + slack

    @property
    def is_nominal(self) -> bool:
        """Whether it is between them."""
        low, high = self.bounds
        return low <= self.rate <= high

    @property
    def is_too_often(self) -> bool:
        """Whether intervals are narrower than they say, so that nothing follows from them. Wider ones only say less."""
        return self.rate > self.bounds[1]


def sample_ratio(counts: Sequence[int], shares: Sequence[float]) -> float:
    """The p of a chi-squared test that people were drawn by these shares, all above 0; 1 for fewer than two groups."""
    from scipy.special import chdtrc  # takes half a second that other jobs need not wait

    total = sum(counts)
    if len(counts) < 2 or not total:
        return 1.0
    scale = sum(shares)
    expected = [total * share / scale for share in shares]
    chi = sum((count - wanted) ** 2 / wanted for count, wanted in zip(counts, expected, strict=True))
    return float(chdtrc(len(counts) - 1, chi))


def against_itself(
    outcomes: Float64, answers: Float64, share: float, random: np.random.Generator, draws: int = DRAWS
) -> list[AgainstItself]:
    """Of (p,) people, each put into one group with the probability `share` and else into the other: for each of f
    figures, whose outcomes are (p, f). The same people come to the same, in whatever order they are."""
    order = np.lexsort((*outcomes.T, answers))
    outcomes, answers = outcomes[order], answers[order]
    alarms, done = np.zeros(outcomes.shape[1], dtype=int), 0
    while done < draws:
        many = min(BLOCK, draws - done)
        ones = (random.random((many, len(answers))) < share).astype(np.float64)
        alarms += np.count_nonzero(_apart(ones, outcomes, answers) > _APART, axis=0)
        done += many
    return [AgainstItself(int(each), draws) for each in alarms]


def _apart(ones: Float64, outcomes: Float64, answers: Float64) -> Float64:
    """(k, f) how many standard errors the two groups of each of k draws are apart: `comparing.difference` for many."""
    totals = [_ratios(groups, outcomes, answers) for groups in (ones, 1 - ones)]
    (one, one_variance), (other, other_variance) = totals
    error = np.sqrt(one_variance + other_variance)
    return np.where(error > 0, np.abs(one - other) / np.where(error > 0, error, 1.0), 0.0)


def _ratios(groups: Float64, outcomes: Float64, answers: Float64) -> tuple[Float64, Float64]:
    """(k, f) ratios and their variances, by sums of squares."""
    people = np.maximum(groups.sum(axis=1), 2.0)[:, None]
    total = np.maximum(groups @ answers, 1e-300)[:, None]
    value = (groups @ outcomes) / total
    crossed, answered = groups @ (outcomes * answers[:, None]), (groups @ answers**2)[:, None]
    squares = groups @ outcomes**2 - 2 * value * crossed + value**2 * answered
    return value, people / (people - 1) * np.maximum(squares, 0.0) / total**2
