"""What the ranker's signals say, each of everything to everybody: (people, items). Pure.

Factors are those of `jobs collaborative`, by its own code. The other values are the ranker's formulas: cosines, and
counts that halve with time, saturating.
"""

from __future__ import annotations

import numpy as np

from bench.recommendation.log import Floats, Ints, Log
from bench.recommendation.movielens import unit
from jobs.collaborative import factors
from jobs.collaborative.acts import Acts
from jobs.kmeans import Float32

POPULARITY_HALF = 10.0
"""Count that is worth one half; the ranker's."""


def acts(known: Log) -> Acts:
    """As the job reads them."""
    return Acts(
        known.people.astype(np.int32),
        known.items.astype(np.int32),
        known.clicks.astype(np.float32),
        known.days,
        known.people_count,
        known.items_count,
    )


def collaborative(known: Log, recipe: factors.Recipe) -> Floats:
    """Cosines of people and items among factors."""
    return collaborative_of(known, factors.learned(acts(known), recipe), recipe)


def collaborative_of(known: Log, rows: Float32, recipe: factors.Recipe) -> Floats:
    """The same by rows that were learned before."""
    said: Floats = factors.placed(acts(known), rows, recipe).astype(np.float64) @ rows.T
    return said


def taste(known: Log, features: Floats, recent: float) -> Floats:
    """Cosines to the mean of what somebody did; an act counts half when `recent` have come after it. `features`:
    (items, d) of unit norm."""
    weights = known.clicks * np.exp2(-acts(known).turns / recent)
    sums = np.zeros((known.people_count, features.shape[1]))
    np.add.at(sums, known.people, weights[:, None] * features[known.items])
    said: Floats = unit(sums) @ features.T
    return said


def popularity(known: Log, half_life_days: float) -> Floats:
    """Among all."""
    return segment(known, np.zeros(known.people_count, dtype=np.intp), half_life_days)


def segment(known: Log, segments: Ints, half_life_days: float) -> Floats:
    """Among people of the same of `segments`, (people,) numbers."""
    weights = known.clicks * np.exp2((known.days - known.days.max(initial=0.0)) / half_life_days)
    counts = np.zeros((int(segments.max()) + 1, known.items_count))
    np.add.at(counts, (segments[known.people], known.items), weights)
    return (counts / (counts + POPULARITY_HALF))[segments]


def fused(said: dict[str, Floats], weights: dict[str, float]) -> Floats:
    """The ranker's weighted sum: sum over signals of W_s value_s, W summing to 1."""
    total = sum(weights.values())
    first, *others = (weights[name] / total * values for name, values in said.items() if weights.get(name))
    for each in others:
        first = first + each
    return first
