r"""Learning: weights under which what was chosen stands above what was not.

For each item i that was chosen of an answer, and each j of it that was not, the loss is that of a logistic regression
on the difference of what the signals say (RankNet, Burges et al., ICML 2005), weighed by inverse propensity
(Joachims, Swaminathan and Schnabel, WSDM 2017): that something below was chosen says more than that something above
was, by as much as fewer people look there. That j was not chosen is not taken to mean that it was looked at. Where
little of what is shown is wanted, the least of the loss is what people want; where much is, what stood above is held a
little too dear, which errs towards the present weights (the loss of Saito, ICTIR 2020, does not, and varies much more).

    L(u) = sum_i 1/examined(rank_i) * mean_j log(1 + exp(-u (x_i - x_j))) / mean weight
           + PRIOR/2 * |v - t v0|^2,   v = u * spread,  v0 = present weights * spread,  t such that v0 is nearest to v

with u >= 0: a signal may say nothing, but never that what it praises is bad. The length of u is how sure the choice is
and belongs to nobody's ranking, so it is free, and only the direction is held to the present weights. Convex, with
as many unknowns as there are signals: Newton's method, each step a quadratic programme of that size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.weighing.examination import Examination
from jobs.weighing.lists import Float64, Lists

PRIOR = 20.0
"""How many chosen items the present weights are worth."""

STEPS, HALVINGS, SWEEPS = 50, 30, 500
CLOSE_ENOUGH = 1e-9
NO_SPREAD = 1e-9


@dataclass(frozen=True)
class Learned:
    """`weights` of all signals of the scene, not negative, summing to 1. `silent`: signals of which nothing could be
    learned, since they said the same of all items of each answer or were never in use; they keep their share."""

    weights: Mapping[str, float]
    silent: tuple[str, ...]


def shares(weights: Mapping[str, float]) -> dict[str, float]:
    """The same, summing to 1."""
    total = sum(weights.values())
    return {signal: weight / total for signal, weight in weights.items()}


def learned(lists: Lists, present: Mapping[str, float], examination: Examination, prior: float = PRIOR) -> Learned:
    """`present`: weights of the signals of `lists`, not negative, with a sum above 0. Of nothing follows `present`."""
    before = shares({signal: present[signal] for signal in lists.signals})
    apart, weights = _pairs(lists, examination)
    old = np.array([before[signal] for signal in lists.signals])
    spread = np.sqrt(weights @ apart**2 / weights.sum()) if len(apart) else np.zeros(len(old))
    # What has no weight is in no answer, so nothing is known of it.
    heard = (spread > NO_SPREAD) & (old > 0)
    silent = tuple(signal for signal, is_heard in zip(lists.signals, heard, strict=True) if not is_heard)
    if not heard.any():
        return Learned(before, silent)
    ray = old[heard] * spread[heard]
    found = _descended(apart[:, heard] / spread[heard], weights, ray / np.linalg.norm(ray), prior) / spread[heard]
    if not found.sum() > 0:
        return Learned(before, silent)
    old[heard] = found / found.sum() * old[heard].sum()
    return Learned(dict(zip(lists.signals, (old / old.sum()).tolist(), strict=True)), silent)


def _pairs(lists: Lists, examination: Examination) -> tuple[Float64, Float64]:
    """(m, s) how far what was chosen is above what was not, signal by signal, and the (m,) weight of each pair; the
    weights of the pairs of all chosen items sum to as many as there are of those."""
    left_out = np.bincount(lists.answer[~lists.chosen], minlength=len(lists.person))
    rows = np.flatnonzero(lists.chosen & (left_out[lists.answer] > 0))
    others = np.flatnonzero(~lists.chosen)
    if not len(rows):
        return np.zeros((0, len(lists.signals))), np.zeros(0)
    starts = np.searchsorted(lists.answer[others], lists.answer[rows])
    counts = left_out[lists.answer[rows]]
    repeated = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(len(repeated)) - np.repeat(np.cumsum(counts) - counts, counts)
    beside = others[starts[repeated] + within]
    inverse = 1 / examination.of(lists.ranks[rows])
    weights = (inverse / inverse.mean() / counts)[repeated]
    return lists.values[rows[repeated]] - lists.values[beside], weights


def _descended(apart: Float64, weights: Float64, ray: Float64, prior: float) -> Float64:
    """(s,) the least of the loss. `ray`: (s,) of length 1."""
    hold = prior * (np.eye(len(ray)) - np.outer(ray, ray))

    def loss(at: Float64) -> float:
        return float(weights @ np.logaddexp(0, -apart @ at) + at @ hold @ at / 2)

    at = ray.copy()
    value = loss(at)
    for _ in range(STEPS):
        wrong = 1 / (1 + np.exp(np.clip(apart @ at, -30, 30)))
        slope = -apart.T @ (weights * wrong) + hold @ at
        curve = apart.T @ (apart * (weights * wrong * (1 - wrong))[:, None]) + hold + 1e-9 * np.eye(len(ray))
        step = _least_above_zero(curve, slope - curve @ at) - at
        for _ in range(HALVINGS):
            found = loss(at + step)
            if found <= value:
                break
            step /= 2
        else:
            break
        at, gained, value = at + step, value - found, found
        if gained <= CLOSE_ENOUGH * max(value, 1.0):
            break
    return at


def _least_above_zero(curve: Float64, slope: Float64) -> Float64:
    """The x >= 0 of the least x curve x / 2 + slope x, by coordinates."""
    x: NDArray[np.float64] = np.zeros(len(slope))
    for _ in range(SWEEPS):
        before = x.copy()
        for i in range(len(x)):
            rest = slope[i] + curve[i] @ x - curve[i, i] * x[i]
            x[i] = max(0.0, -rest / curve[i, i])
        if np.abs(x - before).max() <= 1e-12 * max(1.0, float(np.abs(x).max())):
            break
    return x
