"""What somebody is supposed to like."""

from __future__ import annotations

from services.profile.taste.prior import MAX_STATED, SEGMENT_MASS, STATED_MASS, Origin, of_segment, stated
from tests.profile.builders import OTHER_SPACE, SPACE, near
from tests.profile.test_segments import segment


def test_each_stated_interest_that_items_carry_is_one() -> None:
    found = stated(["oak", "nothing", "brass", "oak"], {"brass": near(1), "oak": near(0)})
    assert [(each.word, each.mass, each.origin) for each in found] == [
        ("oak", STATED_MASS, Origin.STATED),
        ("brass", STATED_MASS, Origin.STATED),
    ]


def test_stated_interests_are_bounded() -> None:
    words = [f"word-{number}" for number in range(20)]
    assert len(stated(words, dict.fromkeys(words, near(0)))) == MAX_STATED


def test_a_segments_interests_share_its_mass() -> None:
    found = of_segment(segment(), SPACE.name)
    assert [each.mass for each in found] == [0.75 * SEGMENT_MASS, 0.25 * SEGMENT_MASS]
    assert {each.origin for each in found} == {Origin.SEGMENT}


def test_without_a_segment_or_in_another_space_there_are_none() -> None:
    assert of_segment(None, SPACE.name) == ()
    assert of_segment(segment(), OTHER_SPACE.name) == ()
