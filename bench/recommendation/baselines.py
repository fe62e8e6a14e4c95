"""What anything that learns has to beat. Each takes what is known and gives (people, items) scores. Pure."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from bench.recommendation.log import Floats, Log
from jobs.collaborative.factors import Recipe, factorised

MEAN_LIFE_DAYS = 14.0
"""Of the decay that the project's targets were measured with: e^(-age / 14 days), a half-life of 9.7 days."""


def chance(known: Log, seed: int = 1) -> Floats:
    """Anything."""
    return np.random.default_rng(seed).random((known.people_count, known.items_count))


def popularity(known: Log) -> Floats:
    """How many like it."""
    return _to_all(known, np.ones(len(known.days)))


def decayed(known: Log, half_life_days: float) -> Floats:
    """The same, and a like counts half after so many days."""
    ages = known.days.max(initial=0.0) - known.days
    return _to_all(known, np.exp2(-ages / half_life_days))


def item_knn(known: Log, neighbours: int) -> Floats:
    """Sum of cosines to what somebody likes, of each item's so many nearest (Sarwar et al., WWW 2001)."""
    likes = known.likes()
    lengths = np.maximum(np.linalg.norm(likes, axis=0), 1e-12)
    cosines = likes.T @ likes / np.outer(lengths, lengths)
    np.fill_diagonal(cosines, 0.0)
    if neighbours < len(cosines):
        least = np.partition(cosines, -neighbours, axis=1)[:, -neighbours, None]
        cosines[cosines < least] = 0.0
    scores: Floats = likes @ cosines
    return scores


def als(known: Log, recipe: Recipe) -> Floats:
    """Products of implicit-feedback factors as the library gives them, of likes alone, each of the recipe's
    confidence."""
    likes = sparse.csr_matrix((known.likes() * recipe.confidence).astype(np.float32))
    people, items = factorised(likes, recipe)
    scores: Floats = people @ items.T
    return scores


def _to_all(known: Log, weights: Floats) -> Floats:
    counts = np.bincount(known.items[known.liked], weights[known.liked], known.items_count)
    return np.tile(counts, (known.people_count, 1))
