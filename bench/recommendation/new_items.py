"""Items nobody has touched: is where the map puts them worth anything? Pure.

All events with a tenth of the items, by chance, are taken out of what is known; factors and the map from kinds and
years are learned from the rest. Then only those items are ranked, and what was liked of them later counts. Five tenths
in turn.
"""

from __future__ import annotations

import numpy as np

from bench.recommendation import metrics, signals
from bench.recommendation.interval import Interval, interval
from bench.recommendation.log import Bools, Floats, Ints, Log, Split
from bench.recommendation.movielens import Movies
from bench.recommendation.tuning import K, Settings
from jobs.collaborative import factors
from jobs.collaborative.cold import Sums
from jobs.kmeans import Float32
from jobs.learn_collaborative import LEAST_LIKES

PARTS, LEFT_OUT = 10, 5
"""Films are dealt into so many parts; so many of these are taken out, one after the other."""

RANDOM, TASTE = "random", "signal taste"
MAPPED, LEARNED = "signal collaborative, rows by looks", "signal collaborative, rows as learned"
GAIN = "rows by looks less taste"


def parts(items: int, seed: int = 1) -> list[Bools]:
    """(items,) each: those that are taken out."""
    part = np.random.default_rng(seed).permutation(items) % PARTS
    return [part == number for number in range(LEFT_OUT)]


def measured(test: Split, movies: Movies, settings: Settings, seed: int = 1) -> dict[str, Interval]:
    """nDCG@10 among hidden items, of who liked some later: by chance, by taste, by the rows of the map, and by rows
    learned with these items' events, which is as good as a map could be; and what the map gains over taste, of the
    same people. Somebody who is asked of several parts counts once, by their mean."""
    sums, asked = dict[str, Floats](), np.zeros(test.known.people_count)
    for out in parts(test.known.items_count, seed):
        people, of_each = _of_part(test, movies, settings, out, seed)
        asked[people] += 1
        for name, values in of_each.items():
            np.add.at(sums.setdefault(name, np.zeros_like(asked)), people, values)
    there = asked > 0
    means = {name: values[there] / asked[there] for name, values in sums.items()}
    return {name: interval(values) for name, values in {**means, GAIN: means[MAPPED] - means[TASTE]}.items()}


def _of_part(test: Split, movies: Movies, settings: Settings, out: Bools, seed: int) -> tuple[Ints, dict[str, Floats]]:
    seen, wanted = test.known.seen()[:, out], test.wanted()[:, out]
    people = np.flatnonzero(wanted.any(axis=1) & (_without(test.known, out).likes() > 0).any(axis=1))
    ranked = {RANDOM: np.random.default_rng(seed).random(wanted.shape), **scores(test.known, movies, settings, out)}
    tops = {name: metrics.best(values[people], seen[people], K) for name, values in ranked.items()}
    return people, {name: metrics.ndcg(top, wanted[people]) for name, top in tops.items()}


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
