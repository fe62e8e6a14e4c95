"""Every method on one split: tuned on a validation period, reported on the test period. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.recommendation import metrics
from bench.recommendation.interval import Interval, interval
from bench.recommendation.log import Floats, Ints, Log, Split
from bench.recommendation.movielens import Movies
from bench.recommendation.tuning import K, Settings, answers, tuned

FUSED = "fused"


@dataclass(frozen=True)
class Row:
    """One method. `less`: nDCG of the fused answer less its own, of the same people; None for the fused one itself.
    `calibration` is NaN for people who liked nothing before."""

    method: str
    ndcg: Interval
    recall: Interval
    coverage: float
    novelty: float
    diversity: float
    calibration: float
    less: Interval | None = None

    @property
    def is_signal(self) -> bool:
        """One of the ranker's, by itself."""
        return self.method.startswith("signal ")


@dataclass(frozen=True)
class Part:
    """The same people, answered by every method."""

    title: str
    people: int
    rows: Sequence[Row]

    @property
    def fused(self) -> Row:
        """The answer of all signals."""
        return next(row for row in self.rows if row.method == FUSED)

    @property
    def best_other(self) -> Row:
        """What it has to hold its own against: the method with the highest nDCG but itself."""
        return max((row for row in self.rows if row.method != FUSED), key=lambda row: row.ndcg.mean)


@dataclass(frozen=True)
class Measured:
    """One split: what was chosen, and what came of it for who is known and for newcomers."""

    name: str
    settings: Settings
    parts: Sequence[Part]


def measured(name: str, split: Callable[[Log], Split], movies: Movies, on_step: Callable[[], None]) -> Measured:
    """`on_step` is told of each of tuning's seven choices. The test period is looked at here and nowhere else."""
    test = split(movies.log)
    settings = tuned(test.known, split, movies, on_step)
    scores = answers(test.known, movies, settings)
    parts = (
        part(title, test, people, scores, movies)
        for title, people in (("people who liked something before", test.people()), ("newcomers", test.newcomers()))
        if len(people)
    )
    return Measured(name, settings, list(parts))


def part(title: str, test: Split, people: Ints, scores: dict[str, Floats], movies: Movies) -> Part:
    """The rows of some of the people."""
    return Part(title, len(people), list(_rows(test, people, scores, movies)))


def _rows(test: Split, people: Ints, scores: dict[str, Floats], movies: Movies) -> Iterator[Row]:
    seen, wanted, likes = test.known.seen()[people], test.wanted()[people], test.known.likes()
    tops = {name: metrics.best(values[people], seen, K) for name, values in scores.items()}
    fused = metrics.ndcg(tops[FUSED], wanted)
    for name, top in tops.items():
        own = metrics.ndcg(top, wanted)
        divergence = metrics.calibration(top, movies.kinds, likes[people])
        yield Row(
            name,
            interval(own),
            interval(metrics.recall(top, wanted)),
            metrics.coverage(top, test.known.items_count),
            float(metrics.novelty(top, likes).mean()),
            float(metrics.diversity(top, movies.features).mean()),
            float("nan") if np.isnan(divergence).all() else float(np.nanmean(divergence)),
            None if name == FUSED else interval(fused - own),
        )
