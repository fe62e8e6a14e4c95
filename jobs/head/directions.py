"""Directions in features: those that items differ by, and those that tell groups of items apart. Pure.

Principal components are the leading eigenvectors of the covariance. What tells groups apart is Fisher's criterion: the
directions w with the most scatter between groups for what there is within them,

    max  w'(T - W) w / w'((1 - s) W + s tr(W)/F I) w

with T the scatter of everything that is in a group, W that within groups, and s what the second is shrunk by towards a
ball, since a thousand features of a thousand photos fit anything (regularised discriminant analysis: Friedman, JASA 84,
1989). An item may be in many groups. With people for groups this is discriminant analysis with nobody to label: where
people have several tastes, W is a mix of the scatter within tastes and T, which changes the eigenvalues and leaves the
directions as they are. All that W is shrunk to has the same axes, so they are found once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from jobs.head.groups import Groups

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
class Moments:
    """Sums over rows, each as often as it is said: `count` of them, `first` (F,) and `second` (F, F) of what they
    differ from `about` (F,) by. That is near their mean, so that nothing is lost in taking sums of squares apart."""

    about: Float32
    count: float
    first: Float64
    second: Float64

    @classmethod
    def of(cls, features: Float16, counts: Float64) -> Moments:
        """(n, F), each row as often as `counts` says, (n,); one row at least."""
        some = np.flatnonzero(counts)[:AT_ONCE]
        about = features[some].mean(axis=0, dtype=np.float32)
        size = len(about)
        return cls(about, 0.0, np.zeros(size), np.zeros((size, size))).changed(features, counts)

    def changed(self, features: Float16, more: Float64) -> Moments:
        """With each row so many times more, (n,), or less. Looks at no row that counts as before."""
        first, second = self.first.copy(), self.second.copy()
        for sign in (1.0, -1.0):
            rows = np.flatnonzero(sign * more > 0)
            for start in range(0, len(rows), AT_ONCE):
                part = rows[start : start + AT_ONCE]
                roots = np.sqrt(np.abs(more[part])).astype(np.float32)
                centred = (features[part].astype(np.float32) - self.about) * roots[:, None]
                first += sign * (roots @ centred)
                second += sign * (centred.T @ centred)
        return Moments(self.about, self.count + float(more.sum()), first, second)

    @property
    def mean(self) -> Float64:
        """(F,)."""
        return self.about + self.first / self.count

    @property
    def covariance(self) -> Float64:
        """(F, F), around the mean."""
        beside = self.first / self.count
        return self.second / self.count - np.outer(beside, beside)

    def principal(self, most: int) -> Map:
        """The `most` leading components, at most as many as so many rows have."""
        rank = min(most, int(self.count) - 1, len(self.about))
        return _map(np.linalg.eigh(self.covariance)[1][:, ::-1][:, :rank].T, self.mean)


@dataclass(frozen=True, eq=False)
class Scatter:
    """`mean` (F,) of what is in groups; `total`, `within`: (F, F) covariances around it, and around each group's."""

    mean: Float64
    total: Float64
    within: Float64

    @classmethod
    def of(cls, features: Float16, groups: Groups, moments: Moments | None = None) -> Scatter:
        """(n, F) features and groups of their rows, at least one. A row counts once for each of its groups. `moments`
        of just these rows so often, where they are known."""
        moments = moments or Moments.of(features, groups.of_row.astype(np.float64))
        beside = (moments.first / moments.count).astype(np.float32)
        between = np.zeros_like(moments.second)
        for sums, sizes in _sums(features, groups, moments.about):
            roots = np.sqrt(sizes)[:, None]
            centred = sums / roots - roots * beside
            between += centred.T @ centred
        total = moments.covariance
        within = total - between / moments.count
        return cls(moments.mean, total, (within + within.T) / 2)

    def telling(self, shrink: float, most: int) -> Map:
        """At most `most` directions, most telling first, each with its largest entry positive. 0 < `shrink` <= 1."""
        inside, axes, apart = self._along_within
        ball = max(float(inside.mean()), 1e-12)
        scale = 1 / np.sqrt((1 - shrink) * np.maximum(inside, 0) + (shrink + 1e-9) * ball)
        vectors = np.linalg.eigh(scale[:, None] * apart * scale)[1][:, ::-1][:, :most]
        return _map((axes @ (scale[:, None] * vectors)).T * np.sqrt(ball), self.mean)

    @cached_property
    def _along_within(self) -> tuple[Float64, Float64, Float64]:
        """The axes of the scatter within groups, (F, F) columns, which are those of all that it is shrunk to; how much
        is along each, (F,); and the scatter between groups along them, (F, F)."""
        inside, axes = np.linalg.eigh(self.within)
        apart = axes.T @ (self.total - self.within) @ axes
        return inside, axes, (apart + apart.T) / 2


def _sums(features: Float16, groups: Groups, about: Float32) -> Iterator[tuple[Float32, Float32]]:
    """(g, F) sums over the rows of some groups at a time, of what they differ from `about` by, and their (g,) sizes."""
    ends = np.append(groups.starts[1:], len(groups.rows))
    first = 0
    while first < len(groups):
        start = groups.starts[first]
        last = max(int(np.searchsorted(ends, start + AT_ONCE, side="right")), first + 1)
        sums = np.zeros((last - first, len(about)), dtype=np.float32)
        # One group may have more rows than are widened at a time.
        for at in range(start, ends[last - 1], AT_ONCE):
            part = features[groups.rows[at : min(at + AT_ONCE, ends[last - 1])]].astype(np.float32) - about
            # Not np.add.reduceat, which goes down one column after the other.
            for number in range(first, last):
                sums[number - first] += part[max(groups.starts[number] - at, 0) : max(ends[number] - at, 0)].sum(axis=0)
        yield sums, groups.sizes[first:last].astype(np.float32)
        first = last


def _map(rows: Float64, mean: Float64) -> Map:
    """The sign of an eigenvector is the library's whim: the same items must give the same head."""
    largest = np.abs(rows).argmax(axis=1)
    signed = rows * np.sign(rows[np.arange(len(rows)), largest])[:, None]
    return Map(signed.astype(np.float32), (signed @ mean).astype(np.float32))
