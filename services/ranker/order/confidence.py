"""How far an answer across domains can be trusted: whether its best item stands out from what else was found, pure.

    confidence = (best - rest) / (1 - rest)      within 0 to 1

`best` is the highest score and `rest` the mean of those behind the first ten, up to the hundredth. 1 is the most that
signals can say together, since their weights sum to 1. So it is how much of the way from the ordinary to the perfect
the best item has gone, as kappa tells agreement beyond chance (Cohen, Educational and Psychological Measurement 20,
1960). Where everything is about as near, the order is chance; and a difference of domains that all items share is in
`best` and `rest` alike. bench/quality/confidence.py measures what it foretells; jobs/README.md has the figures.
"""

from __future__ import annotations

import numpy as np

from services.ranker.ranking import Ranking
from services.ranker.scenes.scene import COLLABORATIVE, PHOTO, SEEDS, SESSION, SIGNALS, TASTE

FIRST = 10
LEAST = 2 * FIRST
"""Items that have to be ranked: of fewer there is hardly a rest."""

ROUNDING = 1e-6
"""Of scores: a rest that is nearer to 1 leaves no way to go that could be told from it."""

COMPARED = frozenset((PHOTO, SEEDS, SESSION, TASTE, COLLABORATIVE))
"""Signals that compare what was asked with what is found, and so can lead from one domain into another."""


def confidence(ranking: Ranking) -> float | None:
    """0 to 1; None where nothing was compared, or fewer than LEAST items are ranked. Scores are weighted sums; what
    rules add to them is not counted, for it says nothing of what was asked."""
    columns = [column.signal for column in ranking.columns]
    if len(ranking) < LEAST or COMPARED.isdisjoint(columns):
        return None
    said = [signal in SIGNALS for signal in columns]
    scores = np.sort((ranking.weights[:, said] * ranking.values[:, said]).sum(axis=1))[::-1]
    best, rest = float(scores[0]), float(scores[FIRST:].mean())
    return min(max((best - rest) / (1.0 - rest), 0.0), 1.0) if rest < 1.0 - ROUNDING else 0.0
