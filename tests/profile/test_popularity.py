"""Forward decay against the plain sum it stands for."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.profile.popularity import decay as popularity
from services.profile.popularity.decay import HOUR_MS
from tests.profile.builders import MIDNIGHT_MS

COUNTED = st.lists(
    st.tuples(st.sampled_from([0.5, 1.0, 2.0, 3.0, 5.0]), st.integers(MIDNIGHT_MS - 500 * HOUR_MS, MIDNIGHT_MS)),
    min_size=1,
    max_size=30,
)

EXACT = 1e-9
"""Relative: what the module promises for half-lives of an hour and more."""


def level(counted: list[tuple[float, int]], half_life_hours: float) -> float:
    total: float | None = None
    for weight, time_ms in counted:
        total = popularity.add(total, popularity.gain(weight, time_ms, half_life_hours))
    assert total is not None
    return total


def plain_sum(counted: list[tuple[float, int]], now_ms: int, half_life_hours: float) -> float:
    total = 0.0
    for weight, time_ms in counted:
        total += weight * 2.0 ** ((time_ms - now_ms) / HOUR_MS / half_life_hours)
    return total


@given(COUNTED, st.sampled_from([1.0, 24.0, 336.0]))
def test_a_level_is_worth_the_plain_decayed_sum(counted: list[tuple[float, int]], half_life_hours: float) -> None:
    now_ms = MIDNIGHT_MS + 7 * HOUR_MS
    worth = popularity.value(level(counted, half_life_hours), now_ms, half_life_hours)
    assert worth == pytest.approx(plain_sum(counted, now_ms, half_life_hours), rel=EXACT)


@given(COUNTED, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(counted: list[tuple[float, int]], chance: random.Random) -> None:
    shuffled = chance.sample(counted, len(counted))
    assert level(shuffled, 336.0) == pytest.approx(level(counted, 336.0), abs=EXACT)


def test_decay_composes() -> None:
    """Waiting three days and then five is waiting eight."""
    start = level([(2.0, MIDNIGHT_MS)], 24.0)
    after = [popularity.value(start, MIDNIGHT_MS + days * 24 * HOUR_MS, 24.0) for days in (0, 3, 8)]
    assert after == pytest.approx([2.0, 2.0 / 2**3, 2.0 / 2**8], rel=EXACT)


@pytest.mark.parametrize("years", [0, 50, 10_000])
def test_levels_never_overflow(years: int) -> None:
    """Sums with the shortest half-life the settings allow, far in the future."""
    now_ms = MIDNIGHT_MS + years * 365 * 24 * HOUR_MS
    full = level([(5.0, now_ms)] * 1000, 0.1)
    assert popularity.value(full, now_ms, 0.1) == pytest.approx(5000, rel=1e-4)


def test_without_events_there_is_nothing() -> None:
    assert popularity.value(None, MIDNIGHT_MS, 336.0) == 0
