"""Ward's clustering against its definition."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.profile.taste.clusters import ward

Points = NDArray[np.float64]


def points_of(seed: int, count: int) -> Points:
    return np.random.default_rng(seed).normal(size=(count, 3))


def distance(points: Points, a: list[int], b: list[int]) -> float:
    """The definition, from the points themselves."""
    apart = points[a].mean(axis=0) - points[b].mean(axis=0)
    return float(2 * len(a) * len(b) / (len(a) + len(b)) * apart @ apart)


def by_definition(points: Points, merge_below: float) -> list[list[int]]:
    clusters = [[row] for row in range(len(points))]
    while len(clusters) > 1:
        pairs = [(a, b) for a in range(len(clusters)) for b in range(a + 1, len(clusters))]
        a, b = min(pairs, key=lambda pair: distance(points, clusters[pair[0]], clusters[pair[1]]))
        if distance(points, clusters[a], clusters[b]) >= merge_below:
            break
        clusters[a] = sorted(clusters[a] + clusters.pop(b))
    return clusters


SEEDS = st.integers(0, 10_000)


@given(SEEDS, st.integers(0, 12), st.sampled_from([0.0, 0.5, 2.0, 8.0, np.inf]))
def test_the_recurrence_gives_what_the_definition_gives(seed: int, count: int, merge_below: float) -> None:
    points = points_of(seed, count)
    assert sorted(ward(points, merge_below)) == sorted(by_definition(points, merge_below))


@given(SEEDS, st.integers(1, 20))
def test_every_point_is_in_exactly_one_cluster(seed: int, count: int) -> None:
    clusters = ward(points_of(seed, count), 2.0)
    assert sorted(row for rows in clusters for row in rows) == list(range(count))


@given(SEEDS, st.integers(1, 15))
def test_a_looser_threshold_never_gives_more_clusters(seed: int, count: int) -> None:
    points = points_of(seed, count)
    counts = [len(ward(points, merge_below)) for merge_below in (0.1, 1.0, 4.0, 16.0)]
    assert counts == sorted(counts, reverse=True)


def test_equal_points_are_one_cluster_at_any_threshold_above_zero() -> None:
    assert ward(np.ones((5, 4)), 1e-9) == [[0, 1, 2, 3, 4]]


def test_far_groups_stay_apart() -> None:
    groups = np.array([[0.0, 0], [0.1, 0], [10, 0], [10.1, 0], [0, 10]])
    assert ward(groups, 1.0) == [[0, 1], [2, 3], [4]]


@given(SEEDS, st.integers(1, 8), st.sampled_from([0.5, 2.0, 8.0]))
def test_the_mean_of_several_points_is_as_the_points_once_they_are_together(
    seed: int, count: int, merge_below: float
) -> None:
    """A group of points that are merged anyhow, replaced by its mean and size, changes nothing."""
    others = points_of(seed, count)
    heap = np.array([3.0, 3, 3]) + 1e-3 * points_of(seed + 1, 4)
    whole = ward(np.concatenate([heap, others]), merge_below)
    means = ward(np.concatenate([heap.mean(axis=0)[None], others]), merge_below, np.array([4.0, *[1.0] * count]))
    shifted = [[max(row - 3, 0) for row in rows if row == 0 or row > 3] for rows in whole]
    assert shifted == means


def test_what_was_merged_counts_as_many_as_it_is_of() -> None:
    """Two pairs, 1 apart, are 2 * 2 * 2 / 4 * 1 = 2 apart."""
    points = np.array([[0.0], [0.0], [1.0], [1.0]])
    assert ward(points, 1.99) == [[0, 1], [2, 3]]
    assert ward(points, 2.01) == [[0, 1, 2, 3]]
