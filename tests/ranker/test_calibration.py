"""Curves: they never fall, keep parts exact, and tell how rare a value is."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ranker.finding.candidates import Candidates, Likeness, Query
from services.ranker.order.calibration import IDENTITY, Curve, read
from services.ranker.order.fusion import weighted_sum
from services.ranker.scenes.scene import PHOTO
from tests.ranker.given import curve

places = st.lists(st.floats(-2, 2), min_size=2, max_size=20)


@given(curve(), places)
def test_what_was_above_stays_above(by: Curve, values: list[float]) -> None:
    ascending = by(np.sort(values))
    assert (np.diff(ascending) >= -1e-12).all()


@given(places)
def test_a_straight_curve_changes_nothing_beyond_its_ends_either(values: list[float]) -> None:
    straight = Curve((-0.5, 0.0, 0.5), (-0.5, 0.0, 0.5))
    assert straight(np.array(values)) == pytest.approx(np.array(values), abs=1e-12)


def test_a_curve_is_laid_over_the_cosine_of_a_block_whatever_its_weight() -> None:
    """The part s * c becomes s * f(c), also where the block weighs negative, or nothing."""
    text = {"version": "v", "catalogues": {"*": {"curves": {"photo": {"content": {"at": [0, 1], "to": [0, 0.5]}}}}}}
    curves = read(json.dumps(text)).of("any", "space@00000001")
    for share in (0.25, -0.25, 0.0):
        parts = np.array([[[share * 0.8, 0.1]]])
        found = Candidates(
            ["a"], [Likeness([Query(PHOTO, "photo")], ("content", "colour"), parts, np.array([[share, 0.75]]))]
        )
        values = weighted_sum(found, {PHOTO: 1.0}, curves).values[:, 0]
        assert values == pytest.approx([share * 0.4, 0.1])


def test_curves_hold_for_their_catalogue_and_their_space() -> None:
    told = {"curves": {"popularity": {"": {"at": [0, 1], "to": [0, 2]}}}}
    calibration = read(json.dumps({"version": "v", "catalogues": {"shop": {**told, "space": "visual@1"}, "*": told}}))
    assert calibration.of("shop", "visual@1").version == "v"
    assert calibration.of("shop", "visual@2") is IDENTITY, "they were fitted in another space"
    assert calibration.of("other", "visual@2").of[("popularity", "")].to == (0.0, 2.0)
    assert read('{"version": "v", "catalogues": {}}').of("shop", "visual@1") is IDENTITY


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "not a calibration"),
        ('{"version": "", "catalogues": {}}', "version"),
        ('{"version": "v", "catalogues": {"a": {}}}', "not a calibration"),
        ('{"version": "v", "catalogues": []}', "not a calibration"),
        ("[", "Expecting value"),
        *(
            (
                json.dumps({"version": "v", "catalogues": {"a": {"curves": {"photo": {"content": knots}}}}}),
                "catalogues.a.curves.photo.content: ",
            )
            for knots in (
                {"at": [0], "to": [0]},
                {"at": [0, 0], "to": [0, 1]},
                {"at": [0, 1], "to": [1, 0]},
                {"at": [0, 1, 2], "to": [0, 1]},
                {"at": [0, "x"], "to": [0, 1]},
            )
        ),
    ],
)
def test_a_file_that_is_none_is_told(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        read(text)
