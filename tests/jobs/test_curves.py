"""Curves of a catalogue: they rise, tell how rare a likeness is, and are what the ranker reads."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.curves import Curve, cosines, fitted, with_curves
from services.ranker.order import calibration as ranker


def told(by: Curve, values: np.ndarray) -> np.ndarray:
    """What the ranker makes of it."""
    return ranker.Curve(by.at, by.to)(values)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=200))
def test_a_fitted_curve_rises_with_the_values_it_was_fitted_to(values: list[float]) -> None:
    by = fitted(values)
    if by is None:
        assert np.ptp(values) < 1e-5
    else:
        assert (np.diff(told(by, np.sort(values))) >= -1e-12).all()


def test_a_fitted_curve_tells_how_rare_a_value_is() -> None:
    """The median of a million is at 0, one in 200 at a half, one in 20,000 at 1; below the median it is the same,
    less."""
    by = fitted(np.random.default_rng(1).normal(size=1_000_000), knots=65)
    assert by is not None
    rarity = told(by, np.array([-2.5758, 0.0, 2.5758, 3.8906]))
    assert rarity == pytest.approx([-0.5, 0.0, 0.5, 1.0], abs=0.02)


def test_a_curve_goes_on_to_the_ends_of_what_a_cosine_can_be() -> None:
    by = fitted(np.linspace(-0.2, 0.3, 1000))
    assert by is not None
    assert (by.at[0], by.at[-1]) == (-1.0, 1.0)
    assert by.to[-1] - by.to[-2] == pytest.approx(0.1)


def test_nothing_and_one_value_have_no_curve() -> None:
    assert fitted([]) is None
    assert fitted([0.3, 0.3]) is None


def test_cosines_are_of_different_rows_block_by_block() -> None:
    vectors = np.array([[1, 0, 1], [0, 1, 1], [0, 1, -1]], np.float32)
    found = cosines(vectors, {"content": 2, "colour": 1}, 20_000, seed=3)
    pairs = set(zip(found["content"].tolist(), found["colour"].tolist(), strict=True))
    assert pairs == {(0.0, 1.0), (0.0, -1.0), (1.0, -1.0)}
    assert found["content"].mean() == pytest.approx(1 / 3, abs=0.02)
    assert cosines(vectors[:1], {"content": 2, "colour": 1}, 10, seed=3) == {}


def test_what_is_written_is_what_the_ranker_reads() -> None:
    curves = {"content": Curve((0.0, 1.0), (0.0, 0.5))}
    text, version = with_curves("", "shop", "visual@00000001", curves)
    text, other = with_curves(text, "art", "visual@00000002", curves)
    assert version != other
    calibration = ranker.read(text)
    assert calibration.of("shop", "visual@00000001").version == other
    assert calibration.of("art", "visual@00000002").of["taste", "content"].to == (0.0, 0.5)
    again, same = with_curves(text, "art", "visual@00000002", curves)
    assert (again, same) == (text, other)
    with pytest.raises(ValueError, match="no calibration"):
        with_curves(json.dumps([]), "art", "visual@00000002", curves)
