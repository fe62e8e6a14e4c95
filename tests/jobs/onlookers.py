"""Made-up people who are shown the best ten of thirty items by some weights, look at fewer the further down they stand,
and choose what they want of what they see. What they want is known, so what is learned can be held against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from jobs.weighing.lists import Float64, Lists

SIGNALS = ("taste", "collaborative", "popularity")
PRESENT = {"taste": 0.6, "collaborative": 0.3, "popularity": 0.1}
ITEMS, SHOWN = 30, 10


@dataclass(frozen=True)
class World:
    """`wants`: b of sigma(a + b x), signal by signal; `shy`: a. `eta`: the place k is looked at by k^-eta. `taken`: the
    scale of a change of the weights that each answer is made with, by chance."""

    wants: tuple[float, ...] = (2.0, 4.0, 0.0)
    shy: float = -4.0
    eta: float = 1.0
    taken: float = 0.0

    def shown(self, people: int, seed: int, answers: int = 3, weights: Mapping[str, float] = PRESENT) -> Lists:
        """So many answers to each of so many people, by these weights."""
        random = np.random.default_rng(seed)
        many = people * answers
        values = random.uniform(size=(many, ITEMS, len(SIGNALS)))
        given = np.array([weights[signal] for signal in SIGNALS])
        taken = given * np.exp(self.taken * random.normal(size=(many, 1, len(SIGNALS))))
        best = np.argsort(-(values * taken).sum(axis=2), axis=1)[:, :SHOWN]
        rows = np.take_along_axis(values, best[:, :, None], axis=1).reshape(-1, len(SIGNALS))
        ranks = np.tile(np.arange(1, SHOWN + 1), many)
        chosen = random.uniform(size=len(rows)) < self.wanted(rows) * ranks**-self.eta
        return Lists(
            SIGNALS, rows, chosen, ranks, np.repeat(np.arange(many), SHOWN), np.repeat(np.arange(people), answers)
        )

    def wanted(self, values: Float64) -> Float64:
        """How likely items of these values are wanted."""
        return np.asarray(1 / (1 + np.exp(-(self.shy + values @ np.array(self.wants)))))

    def worth(self, weights: Mapping[str, float], seed: int, answers: int = 2000) -> float:
        """nDCG@10 of the ranking of all items by these weights, against that by what is wanted."""
        values = np.random.default_rng(seed).uniform(size=(answers, ITEMS, len(SIGNALS)))
        wanted = self.wanted(values)
        order = np.argsort(-(values @ np.array([weights[signal] for signal in SIGNALS])), axis=1)[:, :SHOWN]
        discount = 1 / np.log2(2 + np.arange(SHOWN))
        best = (np.sort(wanted, axis=1)[:, ::-1][:, :SHOWN] * discount).sum(axis=1)
        return float(((np.take_along_axis(wanted, order, axis=1) * discount).sum(axis=1) / best).mean())
