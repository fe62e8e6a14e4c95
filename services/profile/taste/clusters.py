"""Hierarchical clustering by Ward's criterion, with the number of clusters decided by the data. numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ward(points: NDArray[np.float64], merge_below: float, sizes: NDArray[np.float64] | None = None) -> list[list[int]]:
    """(n, d) points -> clusters of their row numbers, each ascending, in the order of their first rows. A point may be
    the mean of several: `sizes` (n,), >= 1, says of how many.

    Merges the two nearest clusters while their distance is below `merge_below`, where

        distance(A, B) = 2 |A| |B| / (|A| + |B|) * ||mean A - mean B||^2

    which is ||a - b||^2 for single points and twice the growth of the sum of squares (Ward, 1963), updated by the
    recurrence of Lance and Williams (1967). Ties go to the lower row numbers, so equal input gives equal output.
    Time n^3 at worst, which for the few hundred points of a person is milliseconds.
    """
    sizes = np.ones(len(points)) if sizes is None else sizes.copy()
    distances = _squared_distances(points) * (2 * np.outer(sizes, sizes) / np.add.outer(sizes, sizes))
    members: list[list[int]] = [[row] for row in range(len(points))]
    while len(points) > 1:
        a, b = divmod(int(np.argmin(distances)), len(points))
        if not distances[a, b] < merge_below:
            break
        a, b = min(a, b), max(a, b)
        distances[a] = distances[:, a] = _merged(distances, sizes, a, b)
        distances[b] = distances[:, b] = np.inf
        sizes[a] += sizes[b]
        members[a] += members[b]
        members[b] = []
    return [sorted(rows) for rows in members if rows]


def _squared_distances(points: NDArray[np.float64]) -> NDArray[np.float64]:
    squares = np.einsum("ij,ij->i", points, points)
    distances: NDArray[np.float64] = np.maximum(squares[:, None] + squares[None, :] - 2.0 * points @ points.T, 0.0)
    np.fill_diagonal(distances, np.inf)
    return distances


def _merged(distances: NDArray[np.float64], sizes: NDArray[np.float64], a: int, b: int) -> NDArray[np.float64]:
    """Distances of a + b to every other cluster; infinite to itself and to those that are gone."""
    to_a = (sizes + sizes[a]) * distances[a]
    to_b = (sizes + sizes[b]) * distances[b]
    merged: NDArray[np.float64] = (to_a + to_b - sizes * distances[a, b]) / (sizes + sizes[a] + sizes[b])
    merged[[a, b]] = np.inf
    return merged
