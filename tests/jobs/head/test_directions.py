from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.head import directions
from jobs.head.directions import Map, Moments, Scatter
from jobs.head.groups import Groups
from tests.jobs.head.shelf import FEATURES, Shelf


@given(st.integers(0, 1000), st.integers(1, 40))
def test_scatter_is_that_of_the_textbook(seed: int, at_once: int) -> None:
    """However many rows are looked at at a time."""
    chance = np.random.default_rng(seed)
    features = chance.normal(1, 2, (15, 4)).astype(np.float16)
    chosen = [chance.choice(15, int(size), replace=False) for size in chance.integers(2, 8, 5)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(directions, "AT_ONCE", at_once)
        found = Scatter.of(features, Groups.of(chosen, 15))
    members = [features[group].astype(np.float64) for group in chosen]
    everything = np.concatenate(members)
    within = sum(((group - group.mean(axis=0)).T @ (group - group.mean(axis=0)) for group in members), np.zeros((4, 4)))
    assert found.mean == pytest.approx(everything.mean(axis=0), abs=1e-6)
    assert found.total == pytest.approx(np.cov(everything.T, bias=True), abs=1e-4)
    assert found.within == pytest.approx(within / len(everything), abs=1e-4)


def test_telling_directions_are_those_that_tell_kinds_apart() -> None:
    shelf = Shelf.of(600, 4, 1)
    found = Scatter.of(shelf.features, shelf.by_label().groups).telling(0.1, 2)
    energy = np.square(found.matrix) / np.square(found.matrix).sum(axis=1, keepdims=True)
    assert (energy[:, :3].sum(axis=1) > 0.9).all()


def test_people_tell_kinds_apart_without_a_label() -> None:
    """Each has two kinds and something by chance, so that no group of items is of one kind."""
    shelf = Shelf.of(600, 4, 1)
    found = Scatter.of(shelf.features, shelf.by_people(400, 2).groups).telling(0.1, 2)
    energy = np.square(found.matrix) / np.square(found.matrix).sum(axis=1, keepdims=True)
    assert (energy[:, :3].sum(axis=1) > 0.8).all()


def test_principal_components_are_those_that_items_differ_by_most() -> None:
    shelf = Shelf.of(400, 4, 1)
    everything = np.ones(400)
    found = Moments.of(shelf.features, everything).principal(12)
    assert found.matrix @ found.matrix.T == pytest.approx(np.eye(12), abs=1e-5)
    assert np.square(found.matrix[:, 3:15]).sum() > 0.8 * 12
    kept = Moments.of(shelf.features, everything).principal(1000)
    assert kept.matrix.shape == (FEATURES, FEATURES)


def test_rows_that_do_not_count_change_nothing() -> None:
    shelf = Shelf.of(100, 4, 1)
    counts = (np.arange(100) < 60).astype(np.float64)
    other = shelf.features.copy()
    other[60:] = 99
    one, same = (Moments.of(features, counts).principal(5) for features in (shelf.features, other))
    assert np.array_equal(one.matrix, same.matrix)


@given(st.integers(0, 1000), st.integers(1, 40))
def test_moments_that_are_changed_are_those_of_what_counts_then(seed: int, at_once: int) -> None:
    chance = np.random.default_rng(seed)
    features = chance.normal(3, 2, (20, 4)).astype(np.float16)
    before, after = (chance.integers(0, 3, 20).astype(np.float64) + (np.arange(20) < 3) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(directions, "AT_ONCE", at_once)
        found = Moments.of(features, before).changed(features, after - before)
    repeated = np.repeat(features.astype(np.float64), after.astype(np.intp), axis=0)
    assert found.count == len(repeated)
    assert found.mean == pytest.approx(repeated.mean(axis=0), abs=1e-4)
    assert found.covariance == pytest.approx(np.cov(repeated.T, bias=True), abs=1e-3)


def test_what_a_map_makes_is_of_unit_norm_or_nothing() -> None:
    map_ = Map(np.eye(3, 4, dtype=np.float32), np.ones(3, dtype=np.float32))
    made = map_(np.array([[3, 2, 1, 9], [1, 1, 1, 9]], dtype=np.float16))
    assert np.linalg.norm(made.astype(np.float64), axis=1) == pytest.approx([1, 0], abs=1e-3)
    assert map_.first(2).matrix.shape == (2, 4)
