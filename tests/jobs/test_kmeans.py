"""Clustering: deterministic, of unit norm, and right about groups that are there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.choice import SAMPLE, choose, counts_to_try, silhouettes
from jobs.kmeans import Float32, assigned, cluster, unit
from tests.jobs.people import crowd, kind_of, rand_index


def points_of(seed: int, count: int, size: int = 6) -> Float32:
    return unit(np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32))


POINTS = st.builds(points_of, st.integers(0, 2**32), st.integers(3, 40))


@given(POINTS, st.integers(1, 3), st.integers(0, 100))
def test_the_same_points_and_seed_give_the_same_clusters(points: Float32, k: int, seed: int) -> None:
    one, other = cluster(points, k, seed), cluster(points.copy(), k, seed)
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.centres, other.centres)


@given(POINTS, st.integers(1, 3))
def test_centres_are_of_unit_norm_and_every_point_is_in_the_nearest(points: Float32, k: int) -> None:
    found = cluster(points, k, seed=3)
    np.testing.assert_allclose(np.linalg.norm(found.centres, axis=1), 1, atol=1e-5)
    near = points @ found.centres.T
    np.testing.assert_allclose(near[np.arange(len(points)), found.labels], near.max(axis=1), atol=1e-5)
    assert found.sizes.sum() == len(points)


@given(POINTS, st.randoms(use_true_random=False))
def test_assignment_does_not_depend_on_the_order_of_points(points: Float32, chance: object) -> None:
    centres = cluster(points, 3, seed=3).centres
    order = np.random.default_rng(5).permutation(len(points))
    np.testing.assert_array_equal(assigned(points[order], centres), assigned(points, centres)[order])


def test_more_centres_never_understand_less() -> None:
    points = points_of(1, 200)
    likeness = [cluster(points, k, seed=3).likeness for k in (1, 2, 4, 8, 16)]
    assert likeness == sorted(likeness)


def test_fewer_different_points_than_centres_are_no_trouble() -> None:
    found = cluster(np.repeat(points_of(1, 2), 10, axis=0), 5, seed=3)
    assert found.likeness == pytest.approx(1, abs=1e-5)


def test_weights_pull_centres() -> None:
    points = np.eye(2, dtype=np.float32)
    (centre,) = cluster(points, 1, seed=3, weights=np.array([3, 1], dtype=np.float32)).centres
    assert centre[0] == pytest.approx(3 * centre[1])


def test_groups_that_are_there_are_found() -> None:
    people = crowd(80, 60, 40)
    found = cluster(np.stack([each.features for each in people]), 3, seed=3)
    assert rand_index([kind_of(each) for each in people], found.labels.tolist()) > 0.95


def test_silhouettes_are_those_of_the_definition() -> None:
    points, labels = points_of(2, 30), np.arange(30) % 3
    far = 1 - points @ points.T
    for row, told in enumerate(silhouettes(points, labels)):
        means = [far[row, (labels == group) & (np.arange(30) != row)].mean() for group in range(3)]
        a = means[labels[row]]
        b = min(mean for group, mean in enumerate(means) if group != labels[row])
        assert told == pytest.approx((b - a) / max(a, b), abs=1e-5)


def test_one_group_and_groups_of_one_have_no_silhouette() -> None:
    points = points_of(2, 5)
    assert not silhouettes(points, np.zeros(5, dtype=np.intp)).any()
    assert silhouettes(points, np.array([0, 0, 0, 0, 1]))[4] == 0


@pytest.mark.parametrize("kinds", [2, 3, 4])
def test_the_number_of_groups_is_found(kinds: int) -> None:
    points = np.stack([each.features for each in crowd(*[60] * kinds)])
    assert choose(points, 10, 20, seed=3).k == kinds


@pytest.mark.parametrize("size", [8, 64, 512])
def test_noise_has_no_groups(size: int) -> None:
    assert choose(points_of(4, 400, size), 10, 20, seed=3).k == 1


def test_too_few_points_have_no_groups() -> None:
    assert choose(points_of(4, 2), 10, 20, seed=3).k == choose(points_of(4, 30), 1, 20, seed=3).k == 1


def test_many_points_are_judged_by_a_sample() -> None:
    points = np.stack([each.features for each in crowd(SAMPLE, SAMPLE // 2)])
    assert choose(points, 4, 20, seed=3).k == 2


def test_numbers_of_groups_to_try_grow_faster_later() -> None:
    assert counts_to_try(1) == []
    assert counts_to_try(30) == [*range(2, 13), 15, 18, 22, 27]
