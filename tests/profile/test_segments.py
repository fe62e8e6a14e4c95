"""Segments: who is in which, and what is never kept."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import Internal, InvalidInput
from services.profile.segments.segment import (
    MAX_DESCRIPTION_LETTERS,
    MAX_SEGMENTS,
    NO_SEGMENTS,
    Segment,
    Segmentation,
    SegmentInterest,
    pack,
    segmentation,
    unpack,
)
from services.spaces import Float16, Float32, canonical
from tests.profile.builders import SPACE, near

PEOPLE_SPACE = "people@0123456789abcdef"
MIN_PEOPLE = 20


def axis(number: int, size: int = 6) -> Float16:
    vector = np.zeros(size, dtype=np.float32)
    vector[number] = 1
    return canonical(vector)


def segment(name: str = "lamps", **changes: Any) -> Segment:
    fields: dict[str, Any] = {
        "segment_id": name,
        "description": "people of lamps",
        "people": 40,
        "centre": axis(0),
        "typical": ("lamp-1", "lamp-2"),
        "interests": (SegmentInterest(near(0), 0.75), SegmentInterest(near(1), 0.25)),
        "interests_space": SPACE.name,
    }
    return Segment(**(fields | changes))


def known(*segments: Segment) -> Segmentation:
    return segmentation(segments, PEOPLE_SPACE, MIN_PEOPLE)


def told(one: Segment) -> dict[str, Any]:
    """All but the numbers."""
    return {name: value for name, value in asdict(one).items() if name not in ("centre", "interests")}


THREE = known(segment("a", centre=axis(0)), segment("b", centre=axis(1)), segment("c", centre=axis(2)))


def test_a_person_is_in_the_nearest() -> None:
    features = axis(1).astype(np.float32) + np.float32(0.4) * axis(2).astype(np.float32)
    found = THREE.nearest(features, PEOPLE_SPACE)
    assert found is not None
    assert found.segment_id == "b"


def test_nobody_is_in_a_segment_of_another_space_or_like_none() -> None:
    assert THREE.nearest(axis(1).astype(np.float32), "people@fedcba9876543210") is None
    assert THREE.nearest(np.zeros(6, dtype=np.float32), PEOPLE_SPACE) is None
    assert THREE.nearest(axis(5).astype(np.float32), PEOPLE_SPACE) is None
    assert NO_SEGMENTS.nearest(axis(1).astype(np.float32), PEOPLE_SPACE) is None


@given(st.permutations(range(4)), st.integers(0, 2**32))
def test_the_order_in_which_segments_are_put_decides_nothing(order: list[int], seed: int) -> None:
    given = [segment(name, people=40 + number % 2, centre=axis(number)) for number, name in enumerate("abcd")]
    features: Float32 = np.random.default_rng(seed).integers(-2, 3, 6).astype(np.float32)  # with ties
    assert known(*given).version == known(*(given[number] for number in order)).version
    one, other = (known(*some).nearest(features, PEOPLE_SPACE) for some in (given, [given[at] for at in order]))
    assert (one and one.segment_id) == (other and other.segment_id)


def test_a_segment_of_too_few_people_is_not_kept() -> None:
    kept = known(segment("few", people=MIN_PEOPLE - 1), segment("enough", people=MIN_PEOPLE, centre=axis(1)))
    assert [each.segment_id for each in kept.segments] == ["enough"]
    assert kept.find("few") is None
    assert b"few" not in pack(kept)
    assert kept.nearest(axis(0).astype(np.float32), PEOPLE_SPACE) is None


def test_the_largest_come_first() -> None:
    kept = known(segment("b"), segment("c", people=41), segment("a"))
    assert [each.segment_id for each in kept.segments] == ["c", "a", "b"]


def test_what_is_packed_is_unpacked_the_same() -> None:
    given = known(segment("a"), segment("b", interests=(), interests_space="", typical=(), description="日本"))
    again = unpack(pack(given))
    assert again.version == given.version
    assert again.space == PEOPLE_SPACE
    for one, other in zip(given.segments, again.segments, strict=True):
        assert told(one) == told(other)
        np.testing.assert_array_equal(one.centre, other.centre)
        for liked, unpacked in zip(one.interests, other.interests, strict=True):
            assert liked.weight == unpacked.weight
            np.testing.assert_array_equal(liked.vector, unpacked.vector)


def test_no_segments_are_a_segmentation_too() -> None:
    assert unpack(pack(NO_SEGMENTS)) == known() == NO_SEGMENTS
    assert not NO_SEGMENTS.version


def test_another_format_is_refused() -> None:
    with pytest.raises(Internal):
        unpack(b"\x7f")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"segment_id": "Lamps"}, "segments[0].segment_id"),
        ({"segment_id": ""}, "segments[0].segment_id"),
        ({"description": "x" * (MAX_DESCRIPTION_LETTERS + 1)}, "segments[0].description"),
        ({"typical": tuple(map(str, range(21)))}, "segments[0].typical_item_ids"),
        ({"typical": ("",)}, "segments[0].typical_item_ids[0]"),
        ({"interests": (SegmentInterest(near(0), 0.0),)}, "segments[0].interests[0].weight"),
        ({"interests": (SegmentInterest(near(0), float("nan")),)}, "segments[0].interests[0].weight"),
        ({"interests": (SegmentInterest(near(0), 1.0),) * 6}, "segments[0].interests"),
    ],
)
def test_what_the_contract_does_not_allow_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        known(segment(**changes))
    assert refused.value.field == field


def test_names_are_there_once_and_segments_are_bounded() -> None:
    with pytest.raises(InvalidInput):
        known(segment("a"), segment("a"))
    with pytest.raises(InvalidInput):
        known(*(segment(f"s{number}") for number in range(MAX_SEGMENTS + 1)))
