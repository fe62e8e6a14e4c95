"""Factors of items nobody has touched yet, from how they look: a ridge regression from visual vectors. Pure.

Sums over items that have both are enough to solve it, so no matrix of all items is held. A tenth of the items, by a
hash of their ids, is kept out of them; by those the strength of the ridge is chosen, and whether looks tell anything.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from jobs.collaborative.acts import Float64
from jobs.kmeans import Float32

HELD_OUT = 10
"""One of so many."""
STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)
"""In items."""
LEAST_ITEMS = 50


@dataclass(frozen=True)
class Map:
    """`matrix` (D + 1, F), the last row for a constant 1; `strength`: of the ridge; `explained`: share of the squared
    error that the mean of the others makes of held-out rows, at most 1."""

    matrix: Float64
    explained: float
    strength: float

    def rows(self, looks: Float32) -> Float32:
        """(n, D) visual vectors to (n, F + 1) rows of unit norm, the last number slack."""
        told = _with_one(looks) @ self.matrix
        # No longer than the longest that was learned: then there would be no slack to make them equal.
        told /= np.maximum(1.0, np.linalg.norm(told, axis=1, keepdims=True))
        slack = np.sqrt(np.maximum(0.0, 1.0 - np.sum(told * told, axis=1)))
        return np.column_stack([told, slack]).astype(np.float32)


class Sums:
    """What is added up, for the items that are fitted to and for those that are held out: count, X'X, X'Y, the sum of
    Y and of its squares."""

    def __init__(self, looks: int, factors: int) -> None:
        self._fitted = _Part(looks + 1, factors)
        self._held = _Part(looks + 1, factors)

    def add(self, ids: list[str], looks: Float32, rows: Float32) -> None:
        """`looks` (n, D) visual vectors, `rows` (n, F + 1) learned rows, of these items."""
        held = np.array([_is_held_out(item_id) for item_id in ids], dtype=np.bool_)
        inputs, told = _with_one(looks), rows[:, :-1].astype(np.float64)
        self._fitted.add(inputs[~held], told[~held])
        self._held.add(inputs[held], told[held])

    def solved(self) -> Map | None:
        """The map that tells held-out items best; None with too few items, or when it tells them no better than the
        mean of the others does."""
        if self._fitted.count < LEAST_ITEMS or not self._held.count:
            return None
        tried = [
            Map(matrix, self._held.explained(matrix, self._fitted.mean), strength)
            for strength in STRENGTHS
            for matrix in [self._fitted.ridge(strength)]
        ]
        best = max(tried, key=lambda each: each.explained)
        return best if best.explained > 0 else None


class _Part:
    def __init__(self, inputs: int, outputs: int) -> None:
        self.count = 0
        self._gram: Float64 = np.zeros((inputs, inputs))
        self._cross: Float64 = np.zeros((inputs, outputs))
        self._sum: Float64 = np.zeros(outputs)
        self._squares = 0.0

    def add(self, inputs: Float64, outputs: Float64) -> None:
        self.count += len(inputs)
        self._gram += inputs.T @ inputs
        self._cross += inputs.T @ outputs
        self._sum = self._sum + outputs.sum(axis=0)
        self._squares += float(np.sum(outputs * outputs))

    @property
    def mean(self) -> Float64:
        return self._sum / self.count

    def ridge(self, strength: float) -> Float64:
        penalty = np.full(len(self._gram), strength)
        penalty[-1] = 1e-9  # the constant is free
        return np.asarray(np.linalg.solve(self._gram + np.diag(penalty), self._cross), dtype=np.float64)

    def explained(self, matrix: Float64, mean: Float64) -> float:
        """1 - sum |Y - XB|^2 / sum |Y - m|^2, out of the sums; m is the (F,) `mean` of what was fitted to."""
        missed = self._squares - 2 * np.sum(matrix * self._cross) + np.sum(matrix * (self._gram @ matrix))
        spread = self._squares - 2 * float(mean @ self._sum) + self.count * float(mean @ mean)
        return 1.0 - float(missed) / spread if spread > 1e-12 else 0.0


def _with_one(looks: Float32) -> Float64:
    return np.column_stack([looks.astype(np.float64), np.ones(len(looks))])


def _is_held_out(item_id: str) -> bool:
    digest = hashlib.blake2b(f"cold {item_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % HELD_OUT == 0
