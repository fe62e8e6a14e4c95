"""Items nobody has touched: is where the map puts them worth anything? Pure.

All events with a tenth of the items, by chance, are taken out of what is known; factors and the map from kinds and
years are learned from the rest. Then only those items are ranked, and what was liked of them later counts.
"""

from __future__ import annotations

import numpy as np

from bench.recommendation import metrics, signals
from bench.recommendation.interval import Interval, interval
from bench.recommendation.log import Bools, Floats, Log, Split
from bench.recommendation.movielens import Movies
from bench.recommendation.tuning import K, Settings
from jobs.collaborative import factors
from jobs.collaborative.cold import Sums
from jobs.kmeans import Float32
from jobs.learn_collaborative import LEAST_LIKES

SHARE = 0.1


def hidden(items: int, seed: int = 1) -> Bools:
    """(items,): those that are taken out."""
    return np.random.default_rng(seed).random(items) < SHARE


RANDOM, TASTE = "random", "signal taste"
MAPPED, LEARNED = "signal collaborative, rows by looks", "signal collaborative, rows as learned"


def measured(test: Split, movies: Movies, settings: Settings, seed: int = 1) -> dict[str, Interval]:
    """nDCG@10 among hidden items, of who liked some later: by chance, by taste, by the rows of the map, and by rows
    learned with these items' events, which is as good as a map could be."""
    out = hidden(test.known.items_count, seed)
    seen, wanted = test.known.seen()[:, out], test.wanted()[:, out]
    people = np.flatnonzero(wanted.any(axis=1) & (_without(test.known, out).likes() > 0).any(axis=1))
    ranked = {RANDOM: np.random.default_rng(seed).random(wanted.shape), **scores(test.known, movies, settings, out)}
    tops = {name: metrics.best(values[people], seen[people], K) for name, values in ranked.items()}
    return {name: interval(metrics.ndcg(top, wanted[people])) for name, top in tops.items()}


def scores(known: Log, movies: Movies, settings: Settings, out: Bools) -> dict[str, Floats]:
    """(people, hidden items) of each method; none but the last looks at events with those."""
    rest = _without(known, out)
    rows = factors.learned(signals.acts(rest), settings.recipe)
    mapped = _mapped(rows, rest, movies, out)
    return {
        TASTE: signals.taste(rest, movies.features, settings.taste_recent)[:, out],
        MAPPED: signals.collaborative_of(rest, mapped, settings.recipe)[:, out],
        LEARNED: signals.collaborative(known, settings.recipe)[:, out],
    }


def _without(known: Log, out: Bools) -> Log:
    return known.where(~out[known.items])


def _mapped(rows: Float32, rest: Log, movies: Movies, out: Bools) -> Float32:
    likes = np.bincount(rest.items[rest.liked], minlength=len(rows))
    looks, fitted = movies.features.astype(np.float32), np.flatnonzero((likes >= LEAST_LIKES) & ~out)
    sums = Sums(looks.shape[1], rows.shape[1] - 1)
    sums.add([str(item) for item in fitted], looks[fitted], rows[fitted])
    map_ = sums.solved()
    told = rows.copy()
    if map_ is not None:
        told[out] = map_.rows(looks[out])
    return told
