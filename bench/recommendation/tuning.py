"""Choosing on a validation period: the last part of what is known, split off as the test was. Pure.

Nothing here is given what is to be foretold in the end.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bench.recommendation import baselines, signals
from bench.recommendation.log import Floats, Log, Split
from bench.recommendation.metrics import best, ndcg
from bench.recommendation.movielens import Movies
from jobs.collaborative import factors
from jobs.collaborative.factors import Recipe

K = 10
HALF_LIVES_DAYS = (3.0, 5.0, 7.0, 10.0, 14.0, 30.0, 90.0)
NEIGHBOURS = (20, 50, 100, 10_000)
ALS = tuple(Recipe(*choice) for choice in itertools.product((32, 64), (1.0, 10.0), (1.0, 5.0)))
RECENT = (5.0, 10.0, 20.0, 50.0, 100.0, float("inf"))
CONFIDENCES = (0.5, 1.0)
WEIGHTS = {
    "collaborative": (0.0, 1.0),
    "taste": (0.0, 0.05, 0.1, 0.15, 0.2, 0.3),
    "segment": (0.0, 0.02, 0.05, 0.1, 0.2),
    "popularity": (0.0, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0),
}
"""Beside one another; what counts is their proportion."""

ChoiceT = TypeVar("ChoiceT")


@dataclass(frozen=True)
class Settings:
    """All that is chosen. `als`: for the library by itself."""

    half_life_days: float = 14.0
    segment_half_life_days: float = 14.0
    neighbours: int = 50
    als: Recipe = field(default_factory=lambda: Recipe(confidence=1.0))
    recipe: Recipe = field(default_factory=Recipe)
    taste_recent: float = 50.0
    weights: tuple[tuple[str, float], ...] = (("collaborative", 1.0),)


@dataclass(frozen=True)
class Judge:
    """Mean nDCG over who liked something before, on one split."""

    split: Split

    def __call__(self, scores: Floats) -> float:
        people = self.split.people()
        top = best(scores[people], self.split.known.seen()[people], K)
        return float(ndcg(top, self.split.wanted()[people]).mean())


def tuned(known: Log, split: Callable[[Log], Split], movies: Movies, on_step: Callable[[], None]) -> Settings:
    """The best of each kind by itself, then the weights of all signals together. `split`: as the test is split off."""
    judge = Judge(split(known))
    early = judge.split.known

    def choose(choices: Iterable[ChoiceT], score: Callable[[ChoiceT], Floats]) -> ChoiceT:
        on_step()
        return max(choices, key=lambda choice: judge(score(choice)))

    rows = {each: factors.learned(signals.acts(early), Recipe(confidence=each)) for each in CONFIDENCES}
    recipes = [Recipe(confidence=each, recent=recent) for each in CONFIDENCES for recent in RECENT]
    found = Settings(
        choose(HALF_LIVES_DAYS, lambda days: baselines.decayed(early, days)),
        choose(HALF_LIVES_DAYS, lambda days: signals.segment(early, movies.segments, days)),
        choose(NEIGHBOURS, lambda count: baselines.item_knn(early, count)),
        choose(ALS, lambda choice: baselines.als(early, choice)),
        choose(recipes, lambda recipe: signals.collaborative_of(early, rows[recipe.confidence], recipe)),
        choose(RECENT, lambda recent: signals.taste(early, movies.features, recent)),
    )
    said = heard(early, movies, found)
    return replace(found, weights=choose(_mixtures(), lambda weights: signals.fused(said, dict(weights))))


def heard(known: Log, movies: Movies, settings: Settings) -> dict[str, Floats]:
    """What each signal says."""
    return {
        "collaborative": signals.collaborative(known, settings.recipe),
        "taste": signals.taste(known, movies.features, settings.taste_recent),
        "segment": signals.segment(known, movies.segments, settings.segment_half_life_days),
        "popularity": signals.popularity(known, settings.half_life_days),
    }


def answers(known: Log, movies: Movies, settings: Settings) -> dict[str, Floats]:
    """Every method's scores, of what is known alone; the fused answer last."""
    said = heard(known, movies, settings)
    fixed = baselines.MEAN_LIFE_DAYS * math.log(2)
    return {
        "random": baselines.chance(known),
        "popularity": baselines.popularity(known),
        "popularity, mean life 14 days": baselines.decayed(known, fixed),
        "popularity, decay tuned": baselines.decayed(known, settings.half_life_days),
        "item-kNN": baselines.item_knn(known, settings.neighbours),
        "ALS": baselines.als(known, settings.als),
        **{f"signal {name}": values for name, values in said.items()},
        "fused": signals.fused(said, dict(settings.weights)),
    }


def _mixtures() -> Sequence[tuple[tuple[str, float], ...]]:
    mixed = (tuple(zip(WEIGHTS, each, strict=True)) for each in itertools.product(*WEIGHTS.values()))
    return [each for each in mixed if any(weight for _, weight in each)]
