"""How many groups there are: the silhouette decides. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.kmeans import Float32, Labels, cluster, unit

SAMPLE = 2000
"""Points that the numbers of groups are tried on: their distances to each other fit into 16 MB."""
TRY_STARTS = 3
BETTER_THAN_CHANCE = 1.5
"""Groups are worth the name when their silhouette is so many times that of as many groups of noise: the same numbers,
each column shuffled by itself, so that nothing goes together any more (the idea of the gap statistic: Tibshirani,
Walther and Hastie, 2001). A fixed bound would not do: by chance it is 0.25 in two dimensions and 0.01 in hundreds."""


@dataclass(frozen=True)
class Tried:
    """A number of groups with its silhouette, -1 to 1."""

    k: int
    silhouette: float


@dataclass(frozen=True)
class Choice:
    """`tried`: best first. `by_chance`: the silhouette of as many groups of noise as the best has."""

    tried: tuple[Tried, ...] = ()
    by_chance: float = 0.0

    @property
    def k(self) -> int:
        """How many groups there are; 1 when no number is worth the name."""
        if not self.tried or self.tried[0].silhouette <= BETTER_THAN_CHANCE * max(self.by_chance, 0.0):
            return 1
        return self.tried[0].k


def silhouettes(points: Float32, labels: Labels) -> NDArray[np.float64]:
    """(n,) for each point (b - a) / max(a, b): a its mean distance to its own group, b to the nearest other one
    (Rousseeuw, 1987). Distance is 1 - inner product. 0 for a group of one, and when there is one group only."""
    return _by_distance(_distances(points), labels)


def _distances(points: Float32) -> NDArray[np.float64]:
    """(n, n)."""
    far = np.maximum(1.0 - (points @ points.T).astype(np.float64), 0)
    np.fill_diagonal(far, 0)
    return far


def _by_distance(far: NDArray[np.float64], labels: Labels) -> NDArray[np.float64]:
    groups = np.unique(labels)
    if len(groups) < 2:
        return np.zeros(len(far))
    members = (labels[:, None] == groups[None, :]).astype(np.float64)
    sizes = members.sum(axis=0)
    sums = far @ members
    own = members.astype(bool)
    within = sums[own] / np.maximum(sizes[np.argmax(own, axis=1)] - 1, 1)
    between = np.where(own, np.inf, sums / sizes).min(axis=1)
    spread = np.maximum(within, between)
    alone = sizes[np.argmax(own, axis=1)] == 1
    return np.where(alone | (spread == 0), 0.0, (between - within) / np.where(spread > 0, spread, 1))


def counts_to_try(most: int) -> list[int]:
    """2, 3, … 12, then each a quarter more, up to `most`."""
    counts, k = [], 2
    while k <= most:
        counts.append(k)
        k = max(k + 1, k * 5 // 4) if k >= 12 else k + 1
    return counts


def choose(points: Float32, most: int, min_size: int, seed: int) -> Choice:
    """Tries every number of groups of 2 to `most`; of equally good ones the smaller comes first.

    `points`: (n, d) of unit norm, tried on SAMPLE of them. A point in a group of fewer than `min_size` (in proportion
    to the sample) counts 0: such a group will be nobody's.
    """
    if most < 2 or len(points) < 3:
        return Choice()
    chance = np.random.default_rng(seed)
    some = points if len(points) <= SAMPLE else points[np.sort(chance.choice(len(points), SAMPLE, replace=False))]
    least = min_size * len(some) / len(points)
    counts = counts_to_try(min(most, len(some) - 1))
    far = _distances(some)
    tried = sorted(
        (Tried(k, _silhouette(some, far, k, least, seed)) for k in counts), key=lambda t: (-t.silhouette, t.k)
    )
    noise = unit(chance.permuted(some, axis=0))
    return Choice(tuple(tried), _silhouette(noise, _distances(noise), tried[0].k, least, seed))


def _silhouette(points: Float32, far: NDArray[np.float64], k: int, least: float, seed: int) -> float:
    found = cluster(points, k, seed, starts=TRY_STARTS)
    counted = found.sizes[found.labels] >= least
    return float(np.where(counted, _by_distance(far, found.labels), 0.0).mean())
