"""Factors of items nobody has touched yet, from how they look: a ridge regression from visual vectors. Pure.

Sums over items that have both are enough to solve it, so no matrix of all items is held. Items are dealt into ten parts
by a hash of their ids. What is told of each part is learned from the others, which also choose the strength of the
ridge; so ten numbers say how much better than the mean looks tell, and a map is used only if that is beyond chance.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from jobs.collaborative.acts import Float64
from jobs.kmeans import Float32

PARTS = 10
STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)
"""In items."""
LEAST_ITEMS = 50
T_95 = 2.262
"""Of Student's distribution with 9 degrees of freedom, both tails: below it ten parts say nothing."""


@dataclass(frozen=True)
class Map:
    """`matrix` (D + 1, F), the last row for a constant 1; `strength`: of the ridge; `explained`: share of the squared
    error that the mean of the others makes of rows that it was not learned from, at most 1."""

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
    """What is added up, part by part: count, X'X, X'Y, the sum of Y and of its squares; 12 MB for 384 numbers and 64
    factors."""

    def __init__(self, looks: int, factors: int) -> None:
        self._parts = [_Part(looks + 1, factors) for _ in range(PARTS)]

    def add(self, ids: list[str], looks: Float32, rows: Float32) -> None:
        """`looks` (n, D) visual vectors, `rows` (n, F + 1) learned rows, of these items."""
        dealt = np.array([_part_of(item_id) for item_id in ids], dtype=np.intp)
        inputs, told = _with_one(looks), rows[:, :-1].astype(np.float64)
        for number, part in enumerate(self._parts):
            part.add(inputs[dealt == number], told[dealt == number])

    def solved(self) -> Map | None:
        """The map, learned from all of them. None with too few, or where looks tell no more than the mean does, beyond
        chance."""
        if sum(part.count for part in self._parts) < LEAST_ITEMS or not all(part.count for part in self._parts):
            return None
        everything = _Part.together(self._parts)
        errors = np.array([self._errors(everything, number) for number in range(PARTS)])
        missed = errors[np.arange(PARTS), self._strengths(everything)]
        spread = np.array([part.missed_by_mean(everything.less(part).mean) for part in self._parts])
        gains = spread - missed
        if gains.mean() <= T_95 * gains.std(ddof=1) / np.sqrt(PARTS):
            return None
        best = STRENGTHS[int(errors.sum(axis=0).argmin())]
        return Map(everything.ridge(best), 1.0 - float(missed.sum() / spread.sum()), best)

    def _errors(self, everything: _Part, number: int) -> list[float]:
        """Of a part, by maps of all others, strength by strength."""
        others = everything.less(self._parts[number])
        return [self._parts[number].missed(others.ridge(strength)) for strength in STRENGTHS]

    def _strengths(self, everything: _Part) -> NDArray[np.intp]:
        """(PARTS,): for each part the strength that tells the others best, each of them by all but these two."""
        errors = np.zeros((PARTS, len(STRENGTHS)))
        for first, second in combinations(range(PARTS), 2):
            rest = everything.less(self._parts[first]).less(self._parts[second])
            for at, strength in enumerate(STRENGTHS):
                matrix = rest.ridge(strength)
                errors[first, at] += self._parts[second].missed(matrix)
                errors[second, at] += self._parts[first].missed(matrix)
        best: NDArray[np.intp] = errors.argmin(axis=1)
        return best


class _Part:
    def __init__(self, inputs: int, outputs: int) -> None:
        self.count = 0
        self._gram: Float64 = np.zeros((inputs, inputs))
        self._cross: Float64 = np.zeros((inputs, outputs))
        self._sum: Float64 = np.zeros(outputs)
        self._squares = 0.0

    @classmethod
    def together(cls, parts: list[_Part]) -> _Part:
        """The sums of all."""
        total = cls(*parts[0]._cross.shape)  # noqa: SLF001 - of the same class
        for part in parts:
            total._take(part, 1)
        return total

    def less(self, other: _Part) -> _Part:
        """The sums without those of a part of them."""
        rest = _Part(*self._cross.shape)
        rest._take(self, 1)
        rest._take(other, -1)
        return rest

    def _take(self, other: _Part, sign: int) -> None:
        self.count += sign * other.count
        self._gram += sign * other._gram
        self._cross += sign * other._cross
        self._sum = self._sum + sign * other._sum
        self._squares += sign * other._squares

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

    def missed(self, matrix: Float64) -> float:
        """sum |Y - XB|^2, out of the sums."""
        return float(self._squares - 2 * np.sum(matrix * self._cross) + np.sum(matrix * (self._gram @ matrix)))

    def missed_by_mean(self, mean: Float64) -> float:
        """sum |Y - m|^2; `mean` (F,)."""
        return float(self._squares - 2 * (mean @ self._sum) + self.count * (mean @ mean))


def _with_one(looks: Float32) -> Float64:
    return np.column_stack([looks.astype(np.float64), np.ones(len(looks))])


def _part_of(item_id: str) -> int:
    digest = hashlib.blake2b(f"cold {item_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % PARTS
