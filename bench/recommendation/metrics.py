"""How good ten answers for each person are. Pure, over all people at once.

`top`: (people, k) numbers of items, best first. `wanted`: (people, items) bool, for each person at least one.
Each gives one number for each person, (people,) float64, unless it says otherwise.
"""

from __future__ import annotations

import numpy as np

from bench.recommendation.log import Bools, Floats, Ints

SPARE = 5
"""So many times k are sorted."""

SMOOTHING = 0.01
"""alpha of the paper on calibration: a kind that is not shown counts as much."""


def best(scores: Floats, seen: Bools, k: int) -> Ints:
    """(people, k): the highest scores among what was not seen, equal ones by number."""
    left = np.where(seen, -np.inf, scores)
    some = min(SPARE * k, left.shape[1])
    # Sorting a few is much quicker than all, and the same unless equal ones may have been left out.
    few = np.sort(np.argpartition(-left, some - 1, axis=1)[:, :some], axis=1)
    values = np.take_along_axis(left, few, axis=1)
    top = np.take_along_axis(few, np.argsort(-values, axis=1, kind="stable")[:, :k], axis=1)
    unsure = np.take_along_axis(left, top[:, -1:], axis=1)[:, 0] == values.min(axis=1)
    top[unsure] = np.argsort(-left[unsure], axis=1, kind="stable")[:, :k]
    return top


def recall(top: Ints, wanted: Bools) -> Floats:
    """Share of what was wanted that is there."""
    found: Floats = _hits(top, wanted).sum(axis=1) / wanted.sum(axis=1)
    return found


def ndcg(top: Ints, wanted: Bools) -> Floats:
    """sum over hits of 1 / log2(1 + rank), by the greatest that could be (Jarvelin and Kekalainen, TOIS 2002)."""
    discounts = 1.0 / np.log2(np.arange(2, top.shape[1] + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])[np.minimum(wanted.sum(axis=1), top.shape[1])]
    found: Floats = _hits(top, wanted) @ discounts / ideal
    return found


def coverage(top: Ints, items: int) -> float:
    """Share of the catalogue that is shown to anybody."""
    return len(np.unique(top)) / items


def novelty(top: Ints, likes: Floats) -> Floats:
    """Mean of -log2 of the share of people who are known to like each (Vargas and Castells, RecSys 2011), in bits; who
    liked it nobody counts as half a person. `likes`: (people, items) of everybody."""
    shares = np.maximum(likes.sum(axis=0), 0.5) / len(likes)
    bits: Floats = -np.log2(shares)[top].mean(axis=1)
    return bits


def diversity(top: Ints, features: Floats) -> Floats:
    """1 - mean cosine of all pairs in a list (Ziegler et al., WWW 2005). `features`: (items, d), unit norm or 0."""
    k = top.shape[1]
    sums = features[top].sum(axis=1)
    squares = np.sum(features[top] ** 2, axis=(1, 2))
    likeness: Floats = (np.sum(sums**2, axis=1) - squares) / (k * (k - 1))
    return 1.0 - likeness


def calibration(top: Ints, kinds: Floats, likes: Floats) -> Floats:
    """Kullback-Leibler divergence from the kinds of what somebody liked to those that are shown, in nats (Steck,
    "Calibrated Recommendations", RecSys 2018); 0 is best. `kinds`: (items, kinds), each row sums to 1 or is zero;
    `likes`: (people, items), of those in `top`. Who liked nothing that has a kind has NaN."""
    liked = likes @ kinds
    with np.errstate(invalid="ignore", divide="ignore"):
        liked /= liked.sum(axis=1, keepdims=True)
        shown = kinds[top].mean(axis=1)
        shown /= shown.sum(axis=1, keepdims=True)
        shown[np.isnan(shown).all(axis=1)] = 0.0  # nothing of any kind is shown: nothing but smoothing
        mixed = (1 - SMOOTHING) * shown + SMOOTHING * liked
        terms = np.where(liked > 0, liked * np.log(liked / mixed), 0.0)
    return np.where(np.isnan(liked).any(axis=1), np.nan, terms.sum(axis=1))


def _hits(top: Ints, wanted: Bools) -> Bools:
    return np.take_along_axis(wanted, top, axis=1)
