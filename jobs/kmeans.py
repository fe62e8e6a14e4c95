"""Spherical k-means: groups of directions. numpy only.

Points are of unit norm and are compared by inner product; a centre is the sum of its points, brought to unit norm
(Dhillon and Modha, "Concept Decompositions for Large Sparse Text Data Using Clustering", Machine Learning 42, 2001).
Seeding is that of k-means++ (Arthur and Vassilvitskii, SODA 2007): each next seed is drawn with the squared distance to
the nearest of those before. The best of several starts is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Labels = NDArray[np.intp]

STARTS = 8
MAX_ROUNDS = 100


@dataclass(frozen=True)
class Clustering:
    """`centres`: (k, d) of unit norm. `labels`: (n,) the nearest centre of each point. `likeness`: mean inner product
    of points and their centres, what is maximised."""

    centres: Float32
    labels: Labels
    likeness: float

    @property
    def sizes(self) -> NDArray[np.intp]:
        """(k,) how many points each has."""
        return np.bincount(self.labels, minlength=len(self.centres))


def cluster(points: Float32, k: int, seed: int, *, weights: Float32 | None = None, starts: int = STARTS) -> Clustering:
    """(n, d) points of unit norm -> 1 <= k <= n clusters. `weights`: (n,) > 0, how much each point counts; None: alike.

    The same points in the same order and the same seed give the same clusters.
    """
    counts = np.ones(len(points), dtype=np.float32) if weights is None else weights
    chances = np.random.default_rng(seed).spawn(starts)
    found = [_improved(points, counts, _seeds(points, counts, k, chance)) for chance in chances]
    return max(found, key=lambda each: each.likeness)  # the first of equal ones


def assigned(points: Float32, centres: Float32) -> Labels:
    """(n,) the nearest centre of each point, the first of equally near ones."""
    return np.asarray(np.argmax(points @ centres.T, axis=1))


def unit(vectors: Float32) -> Float32:
    """Each row divided by its norm; a zero row stays zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 1e-9, norms, 1), dtype=np.float32)


def _seeds(points: Float32, counts: Float32, k: int, chance: np.random.Generator) -> Float32:
    chosen = [int(chance.choice(len(points), p=_shares(counts)))]
    far = np.full(len(points), np.inf, dtype=np.float32)
    while len(chosen) < k:
        far = np.minimum(far, np.maximum(2 - 2 * (points @ points[chosen[-1]]), 0))
        far[chosen] = 0
        # Where all points are one of the seeds already, any other will do.
        left = far * counts if far.any() else np.isin(np.arange(len(points)), chosen, invert=True).astype(np.float32)
        chosen.append(int(chance.choice(len(points), p=_shares(left))))
    return points[chosen]


def _shares(weights: Float32) -> NDArray[np.float64]:
    exact = weights.astype(np.float64)
    return np.asarray(exact / exact.sum())


def _improved(points: Float32, counts: Float32, centres: Float32) -> Clustering:
    """Lloyd's rounds, until nothing moves."""
    labels = assigned(points, centres)
    for _ in range(MAX_ROUNDS):
        centres = _centres(points, counts, labels, centres)
        before, labels = labels, assigned(points, centres)
        if (labels == before).all():
            break
    near = np.einsum("ij,ij->i", points, centres[labels])
    return Clustering(centres, labels, float(np.average(near, weights=counts)))


def _centres(points: Float32, counts: Float32, labels: Labels, before: Float32) -> Float32:
    members = np.zeros((len(before), len(points)), dtype=np.float32)
    members[labels, np.arange(len(points))] = counts
    sums = members @ points
    empty = ~sums.any(axis=1)
    if empty.any():
        # A centre without points goes to where the points are least understood.
        near = np.einsum("ij,ij->i", points, before[labels])
        sums[empty] = points[np.argsort(near, kind="stable")[: int(empty.sum())]]
    return unit(sums)
