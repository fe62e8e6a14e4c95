"""Rows of items nobody has touched, from how they look."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.collaborative.cold import Sums
from jobs.collaborative.factors import with_slack
from jobs.kmeans import Float32

LOOKS, FACTORS = 12, 4


def items(count: int, noise: float, seed: int = 1) -> tuple[list[str], Float32, Float32]:
    """Looks, and rows that follow from them but for noise."""
    chance = np.random.default_rng(seed)
    map_ = np.random.default_rng(0).normal(size=(LOOKS, FACTORS))
    looks = chance.normal(size=(count, LOOKS)).astype(np.float32)
    told = looks @ map_ + noise * chance.normal(size=(count, FACTORS))
    return [f"item-{at}" for at in range(count)], looks, with_slack(told)


def summed(ids: list[str], looks: Float32, rows: Float32, page: int) -> Sums:
    sums = Sums(LOOKS, FACTORS)
    for start in range(0, len(ids), page):
        part = slice(start, start + page)
        sums.add(ids[part], looks[part], rows[part])
    return sums


def test_what_looks_tell_is_told_of_items_that_were_not_seen() -> None:
    ids, looks, rows = items(400, noise=0.1)
    map_ = summed(ids[:300], looks[:300], rows[:300], 50).solved()

    assert map_ is not None
    assert map_.explained > 0.9
    told = map_.rows(looks[300:])
    np.testing.assert_allclose(told[:, :-1], rows[300:, :-1], atol=0.15)
    np.testing.assert_allclose(np.linalg.norm(told, axis=1), 1.0, atol=1e-5)


def test_looks_that_tell_nothing_make_a_map_no_more_often_than_chance_allows() -> None:
    """Of rows that are dealt to other items one in forty would be an honest share; five in a hundred are rarely
    passed."""
    made = 0
    for seed in range(60):
        ids, looks, rows = items(100 + 10 * seed, noise=0.0, seed=seed)
        made += summed(ids, looks, np.random.default_rng(seed).permutation(rows), 1000).solved() is not None
    assert made <= 3


def test_a_little_that_looks_tell_is_found_where_there_are_many_items() -> None:
    ids, looks, rows = items(2000, noise=8.0)
    map_ = summed(ids, looks, rows, 500).solved()
    assert map_ is not None
    assert 0.02 < map_.explained < 0.3


def test_a_few_items_make_no_map() -> None:
    assert summed(*items(40, noise=0.0), 50).solved() is None
    assert Sums(LOOKS, FACTORS).solved() is None


@settings(max_examples=20)
@given(page=st.integers(1, 200))
def test_pages_do_not_matter(page: int) -> None:
    one, other = (summed(*items(150, noise=0.3), size).solved() for size in (150, page))

    assert one is not None
    assert other is not None
    assert one.strength == other.strength
    np.testing.assert_allclose(one.matrix, other.matrix, atol=1e-8)
