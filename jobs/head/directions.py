"""Directions in features: those that items differ by, and those that tell groups of items apart. Pure.

Principal components are the leading eigenvectors of the covariance. What tells groups apart is Fisher's criterion: the
directions w with the most scatter between groups for what there is within them,

    max  w'(T - W) w / w'((1 - s) W + s tr(W)/F I) w

with T the scatter of everything that is in a group, W that within groups, and s what the second is shrunk by towards a
ball, since a thousand features of a thousand photos fit anything (regularised discriminant analysis: Friedman, JASA 84,
1989). An item may be in many groups. With people for groups this is discriminant analysis with nobody to label: where
people have several tastes, W is a mix of the scatter within tastes and T, which changes the eigenvalues and leaves the
directions as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.head.groups import Flags, Groups

Float16 = NDArray[np.float16]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

AT_ONCE = 8192
"""Rows that are widened at a time, some 40 MB of 1280 features."""


@dataclass(frozen=True, eq=False)
class Map:
    """features -> matrix . features - mean. `matrix` (d, F), `mean` (d,), float32."""

    matrix: Float32
    mean: Float32

    def __call__(self, features: Float16) -> Float16:
        """(n, F) -> (n, d), of unit norm, or zero where nothing is left."""
        made = np.empty((len(features), len(self.matrix)), dtype=np.float16)
        for start in range(0, len(features), AT_ONCE):
            part = features[start : start + AT_ONCE].astype(np.float32) @ self.matrix.T - self.mean
            norms = np.linalg.norm(part, axis=1, keepdims=True)
            made[start : start + AT_ONCE] = part / np.maximum(norms, 1e-6)
        return made

    def first(self, dimensions: int) -> Map:
        """Of the leading directions alone."""
        return Map(self.matrix[:dimensions], self.mean[:dimensions])


@dataclass(frozen=True, eq=False)
class Scatter:
    """`mean` (F,) of what is in groups; `total`, `within`: (F, F) covariances around it, and around each group's."""

    mean: Float64
    total: Float64
    within: Float64

    @classmethod
    def of(cls, features: Float16, groups: Groups) -> Scatter:
        """(n, F) features and groups of their rows, at least one. A row counts once for each of its groups."""
        counts = groups.of_row.astype(np.float64)
        mean, second = _moments(features, counts)
        members, between = counts.sum(), np.zeros_like(second)
        for sums, sizes in _sums(features, groups):
            centred = sums / np.sqrt(sizes)[:, None] - np.sqrt(sizes)[:, None] * mean
            between += centred.T @ centred
        within = second - between / members
        return cls(mean, second, (within + within.T) / 2)

    def telling(self, shrink: float, most: int) -> Map:
        """At most `most` directions, most telling first, each with its largest entry positive. 0 < `shrink` <= 1."""
        size = len(self.mean)
        ball = max(float(np.trace(self.within)) / size, 1e-12)
        lower = np.linalg.cholesky((1 - shrink) * self.within + (shrink * ball + 1e-9 * ball) * np.eye(size))
        half = np.linalg.solve(lower, self.total - self.within)
        inner = np.linalg.solve(lower, half.T)
        vectors = np.linalg.eigh((inner + inner.T) / 2)[1][:, ::-1][:, :most]
        return _map(np.linalg.solve(lower.T, vectors).T * np.sqrt(ball), self.mean)


def principal(features: Float16, allowed: Flags, most: int) -> Map:
    """The `most` leading components of the rows that are `allowed`, at most as many as they have."""
    mean, covariance = _moments(features, allowed.astype(np.float64))
    rank = min(most, int(allowed.sum()) - 1, len(mean))
    return _map(np.linalg.eigh(covariance)[1][:, ::-1][:, :rank].T, mean)


def _moments(features: Float16, counts: Float64) -> tuple[Float64, Float64]:
    """Mean (F,) and covariance (F, F), each row as often as `counts` says."""
    total = counts.sum()
    mean = sum((counts[at] @ part for at, part in _widened(features)), np.zeros(features.shape[1])) / total
    covariance = np.zeros((features.shape[1],) * 2)
    for at, part in _widened(features):
        centred = (part - mean.astype(np.float32)) * np.sqrt(counts[at]).astype(np.float32)[:, None]
        covariance += centred.T @ centred
    return mean, covariance / total


def _sums(features: Float16, groups: Groups) -> Iterator[tuple[Float64, Float64]]:
    """(g, F) sums over the rows of some groups at a time, and their (g,) sizes."""
    ends = np.append(groups.starts[1:], len(groups.rows))
    first = 0
    while first < len(groups):
        start = groups.starts[first]
        last = max(int(np.searchsorted(ends, start + AT_ONCE, side="right")), first + 1)
        part = features[groups.rows[start : ends[last - 1]]].astype(np.float64)
        yield np.add.reduceat(part, groups.starts[first:last] - start, axis=0), groups.sizes[first:last].astype(float)
        first = last


def _widened(features: Float16) -> Iterator[tuple[slice, Float32]]:
    for start in range(0, len(features), AT_ONCE):
        at = slice(start, min(start + AT_ONCE, len(features)))
        yield at, features[at].astype(np.float32)


def _map(rows: Float64, mean: Float64) -> Map:
    """The sign of an eigenvector is the library's whim: the same items must give the same head."""
    largest = np.abs(rows).argmax(axis=1)
    signed = rows * np.sign(rows[np.arange(len(rows)), largest])[:, None]
    return Map(signed.astype(np.float32), (signed @ mean).astype(np.float32))
