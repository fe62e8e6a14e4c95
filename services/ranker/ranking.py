"""A ranking: who stands where, and each term of each score, in arrays.

It holds a hundred items while ten are shown, so parts are made only of those that somebody looks at. The arrays are
what a frozen result keeps, so a part that is read an hour later is the part that was shown, to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.errors import NotFound

Float64 = NDArray[np.float64]

DEPTH = 100
"""Items that are ranked, however few are asked for; the greatest n."""


@dataclass(frozen=True)
class Part:
    """One term of a score: contribution = weight * value. `query` and `block` are empty where there is none."""

    signal: str
    query: str
    block: str
    weight: float
    value: float
    contribution: float


@dataclass(frozen=True)
class Column:
    """What one column of a ranking is about."""

    signal: str
    query: str = ""
    block: str = ""


@dataclass(frozen=True)
class Ranking:
    """Best first.

    ids      k different item ids
    scores   (k,) float64: of each row the sum of weights * values, added one column after the other
    columns  c of them, in the order in which parts stand in a score
    weights  (k, c) float64; where it is 0 the column takes no part in that item's score
    values   (k, c) float64
    """

    ids: Sequence[str]
    scores: Float64
    columns: Sequence[Column]
    weights: Float64
    values: Float64

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, item_id: str) -> int:
        """Where an item stands, from 0. Raises NotFound for one that was not ranked."""
        try:
            return self.ids.index(item_id)
        except ValueError:
            raise NotFound("item", item_id, within="this recommendation") from None

    def parts(self, row: int) -> tuple[Part, ...]:
        """The terms of one score, without those of weight zero, which add exactly nothing."""
        weights, values = self.weights[row].tolist(), self.values[row].tolist()
        return tuple(
            Part(column.signal, column.query, column.block, weight, value, weight * value)
            for column, weight, value in zip(self.columns, weights, values, strict=True)
            if weight
        )


def signal_values(parts: Sequence[Part], used: Mapping[str, float]) -> dict[str, float]:
    """What each signal said of an item before its weight in the answer; rules, which have none, as they are."""
    sums: dict[str, float] = {}
    for part in parts:
        sums[part.signal] = sums.get(part.signal, 0.0) + part.contribution
    return {signal: total / used[signal] if used.get(signal) else total for signal, total in sums.items()}
