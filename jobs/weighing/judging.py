"""Judging: do other weights put what was chosen further up, among people whom nothing was learned from?

What somebody was shown is put in order anew, by each of two sets of weights, and each chosen item is worth
1 / log2(1 + its new place) if that is among the first ten. Items chosen further down the list count more, by inverse
propensity, for both sets alike. What is estimated is how much, on average, an item that people want is worth where it
would stand: a ratio of sums over all answers. (A quotient for each answer, as nDCG is defined, would cancel the
propensities of all answers of which one thing came.) The interval of the difference is a bootstrap over people, since
the answers of a person are not independent.

What is not seen: items that were not shown at all. Weights that would bring them are judged by what they do to the
rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jobs.weighing.examination import Examination
from jobs.weighing.lists import Float64, Ints, Lists

K = 10
DRAWS = 2_000
LEVEL = 0.95
BLOCK = 100


@dataclass(frozen=True)
class Verdict:
    """`present`, `other`: worth of a chosen item, 0 to 1, under each. `low`, `high`: bounds of the difference at LEVEL.
    `people`: of whom something came, and so who judge."""

    present: float
    other: float
    low: float
    high: float
    people: int

    @property
    def is_better(self) -> bool:
        """The other ones, beyond the interval."""
        return self.low > 0


@dataclass(frozen=True)
class Worths:
    """(p,) of each person, summed over what they chose, by inverse propensity: `present` and `other`, what it is worth
    where each set of weights puts it; `wanted`, what it would be worth in the first place."""

    present: Float64
    other: Float64
    wanted: Float64


def worths(lists: Lists, present: Mapping[str, float], other: Mapping[str, float], examination: Examination) -> Worths:
    """Of people of whom nothing was learned that is in `other`."""
    inverse = np.where(lists.chosen, 1 / examination.of(lists.ranks), 0.0)
    who = lists.person[lists.answer]
    before, after = (_summed(who, inverse * _worth(lists, weights), lists.people) for weights in (present, other))
    return Worths(before, after, _summed(who, inverse, lists.people))


def judged(parts: Sequence[Worths], seed: int) -> Verdict | None:
    """By all people of all parts; None: nothing came of anything."""
    before, after, wanted = (
        np.concatenate([np.zeros(0), *some])
        for some in zip(*((each.present, each.other, each.wanted) for each in parts), strict=True)
    )
    those = wanted > 0
    if not those.any():
        return None
    gained, weight = (after - before)[those], wanted[those]
    differences = _redrawn(gained, weight, np.random.default_rng(seed))
    low, high = np.quantile(differences, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    total = weight.sum()
    return Verdict(
        float(before[those].sum() / total), float(after[those].sum() / total), float(low), float(high), len(weight)
    )


def _summed(who: Ints, numbers: Float64, people: int) -> Float64:
    """(people,) of each person."""
    return np.bincount(who, numbers, people).astype(np.float64)


def _worth(lists: Lists, weights: Mapping[str, float]) -> Float64:
    """(n,) of each place, where it would stand; equals by where they stood."""
    scores = lists.values @ np.array([weights[signal] for signal in lists.signals])
    order = np.lexsort((lists.ranks, -scores, lists.answer))
    starts = np.searchsorted(lists.answer, np.arange(len(lists.person)))
    places = np.empty(len(order))
    places[order] = np.arange(len(order)) - starts[lists.answer] + 1
    return np.where(places <= K, 1 / np.log2(1 + places), 0.0)


def _redrawn(gained: Float64, wanted: Float64, random: np.random.Generator) -> Float64:
    """(DRAWS,) the difference, of as many people drawn with repetition."""
    people = len(wanted)
    found = []
    for _ in range(DRAWS // BLOCK):
        counts = random.multinomial(people, np.full(people, 1 / people), size=BLOCK).astype(np.float64)
        found.append((counts @ gained) / np.maximum(counts @ wanted, 1e-300))
    return np.concatenate(found)
