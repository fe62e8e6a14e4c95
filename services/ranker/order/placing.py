"""Placing: from candidates to the ranking, pure: the fusion that was asked for, then diversity and bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ranker.answer import RECIPROCAL_RANK, WEIGHTED_SUM
from services.ranker.finding.candidates import Candidates
from services.ranker.order.calibration import IDENTITY, Curves
from services.ranker.order.diversity import NO_VARIETY, POOL, Variety, chosen, directions
from services.ranker.order.fusion import best, weighted_sum
from services.ranker.order.reciprocal import FIRST, reciprocal
from services.ranker.others.ports import Found
from services.ranker.ranking import DEPTH, Ranking
from services.spaces import Space


@dataclass(frozen=True)
class Order:
    """By what candidates are put in order: `fusion` is one of `answer.FUSIONS`."""

    fusion: str = WEIGHTED_SUM
    curves: Curves = IDENTITY
    variety: Variety = NO_VARIETY


def placed(candidates: Candidates, weights: Mapping[str, float], order: Order, found: Found, space: Space) -> Ranking:
    """The best DEPTH candidates. `found`: the same candidates, with the vectors of `space` and the traits that the
    variety needs."""
    table = weighted_sum(candidates, weights, order.curves)
    if order.fusion == RECIPROCAL_RANK:
        table = reciprocal(table, weights)
    scores, ids, variety = table.scores(), candidates.ids, order.variety
    if not (variety.any and ids):
        return table.ranking(ids, best(ids, scores, DEPTH), scores)

    def units(rows: Sequence[int]) -> NDArray[np.float32]:
        assert found.vectors is not None  # as promised, when variety goes by them
        return directions(found.vectors[rows], space)

    relevance = scores / FIRST if order.fusion == RECIPROCAL_RANK else scores
    by_score = best(ids, scores, POOL if variety.diversity else len(ids))
    rows = chosen(by_score, relevance, variety, DEPTH, directions_of=units, traits=found.traits)
    return table.ranking(ids, rows, scores)
