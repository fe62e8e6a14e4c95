"""What callers put and list of segments, and how replicas notice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from services.errors import InvalidInput, NotFound, NotReady, Refused, SpaceMismatch
from services.profile.collaborative.given_vector import GivenVector
from services.profile.filing.store_memory import MemoryProfileStore
from services.profile.segments.features import Recipe
from services.profile.segments.segment import Segment
from services.profile.segments.segmentations import NO_CENTRE, GivenSegment, Segmentations
from services.spaces import encode
from tests.profile.builders import OTHER_SPACE, SPACE, near, shop
from tests.profile.test_segments import axis

PEOPLE = Recipe(SPACE).space
ITEMS = shop()


def over(store: MemoryProfileStore, min_people: int = 20) -> Segmentations:
    return Segmentations(store, lambda catalogue: ITEMS.resolve(catalogue, []).space, min_people, 30.0)


def given(name: str = "lamps", people: int = 40, direction: int = 0, **changes: Any) -> GivenSegment:
    whole = GivenSegment(
        Segment(name, "people of lamps", people, NO_CENTRE, ("red-1",)),
        GivenVector(PEOPLE.name, encode(3 * axis(direction, PEOPLE.dimension))),
        [GivenVector(SPACE.name, encode(2 * near(0)))],
        [1.0],
    )
    return replace(whole, **changes)


def test_what_was_put_is_listed_normalised_and_without_what_is_too_small() -> None:
    segments = over(MemoryProfileStore())
    assert segments.put("shop", [given("few", 19), given("many", 60), given("some", 20, 1)]) == 2
    page = segments.page("shop", 0, "")
    assert [each.segment_id for each in page.segments] == ["many", "some"]
    assert page.space == PEOPLE.name
    assert not page.token
    np.testing.assert_array_equal(page.segments[0].centre, axis(0, PEOPLE.dimension))
    np.testing.assert_array_equal(page.segments[0].interests[0].vector, near(0))


def test_another_replica_notices_when_it_looks_again() -> None:
    store = MemoryProfileStore()
    one, other = over(store), over(store)
    one.put("shop", [given()])
    assert not other.of("shop").segments
    other.refresh()
    assert other.of("shop").version == one.of("shop").version
    one.put("shop", [])
    other.refresh()
    assert not other.of("shop").segments


def test_looking_again_reads_only_what_has_changed() -> None:
    class Counting(MemoryProfileStore):
        reads = 0

        def segments(self, catalogue: str) -> Any:
            self.reads += 1
            return super().segments(catalogue)

    store = Counting()
    segments = over(store)
    segments.put("shop", [given(people=30)])
    stricter = over(store, min_people=31)
    for _ in range(3):
        segments.refresh()
        stricter.refresh()
    assert store.reads == 2
    assert not stricter.of("shop").segments


def test_a_bound_that_has_risen_hides_what_was_put_before() -> None:
    store = MemoryProfileStore()
    over(store).put("shop", [given("a", 20), given("b", 50)])
    stricter = over(store, min_people=21)
    stricter.refresh()
    assert [each.segment_id for each in stricter.page("shop", 0, "").segments] == ["b"]
    with pytest.raises(NotFound):
        stricter.find("shop", "a")


def test_pages_go_on_until_the_segments_are_replaced() -> None:
    segments = over(MemoryProfileStore())
    segments.put("shop", [given(f"s{number}", 40 - number) for number in range(5)])
    first = segments.page("shop", 3, "")
    second = segments.page("shop", 3, first.token)
    assert [each.segment_id for each in (*first.segments, *second.segments)] == ["s0", "s1", "s2", "s3", "s4"]
    assert not second.token
    segments.put("shop", [given()])
    for token in (first.token, "nonsense", f"{segments.of('shop').version}:-1"):
        with pytest.raises(InvalidInput):
            segments.page("shop", 3, token)


@pytest.mark.parametrize("size", [-1])
def test_a_negative_page_is_refused(size: int) -> None:
    with pytest.raises(InvalidInput):
        over(MemoryProfileStore()).page("shop", size, "")


def test_vectors_of_other_spaces_are_refused() -> None:
    segments = over(MemoryProfileStore())
    with pytest.raises(SpaceMismatch) as refused:
        segments.put("shop", [given(centre=GivenVector("people@0123456789abcdef", b""))])
    assert refused.value.field == "segments[0].centre"
    with pytest.raises(SpaceMismatch) as refused:
        segments.put("shop", [given(), given("b", interests=[GivenVector(OTHER_SPACE.name, b"")])])
    assert refused.value.message.startswith("segments[1].interests[0].vector: space")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"centre": GivenVector("", b"")}, "segments[0].centre"),
        ({"centre": GivenVector("", b"1234")}, "segments[0].centre.space"),
        ({"interests": [GivenVector("", b"")]}, "segments[0].interests[0].vector"),
    ],
)
def test_a_vector_that_is_left_out_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        over(MemoryProfileStore()).put("shop", [given(**changes)])
    assert refused.value.field == field


def test_when_all_are_too_small_those_before_stay() -> None:
    segments = over(MemoryProfileStore())
    segments.put("shop", [given()])
    with pytest.raises(Refused, match="VISREC_PROFILE_SEGMENT_MIN_PEOPLE") as refused:
        segments.put("shop", [given("few", 19), given("fewer", 2)])
    assert refused.value.reason == "SEGMENTS_TOO_SMALL"
    assert [each.segment_id for each in segments.page("shop", 0, "").segments] == ["lamps"]


def test_vectors_that_are_none_are_refused_by_name() -> None:
    segments = over(MemoryProfileStore())
    with pytest.raises(InvalidInput) as refused:
        segments.put("shop", [given(centre=GivenVector(PEOPLE.name, b"1234"))])
    assert refused.value.field == "segments[0].centre.data"
    with pytest.raises(InvalidInput) as refused:
        segments.put("shop", [given(), given("b", interests=[GivenVector(SPACE.name, bytes(48))])])
    assert refused.value.field == "segments[1].interests[0].vector.data"


def test_an_unknown_catalogue_and_segment_are_not_found() -> None:
    segments = over(MemoryProfileStore())
    with pytest.raises(NotFound):
        segments.put("nowhere", [given()])
    with pytest.raises(NotFound):
        segments.find("shop", "lamps")


def test_segments_of_a_catalogue_that_does_not_exist_are_not_found() -> None:
    segments = over(MemoryProfileStore())
    assert not segments.page("shop", 0, "").segments
    with pytest.raises(NotFound, match="misspelt"):
        segments.page("misspelt", 0, "")


def test_who_could_not_read_segments_yet_does_not_say_that_there_are_none() -> None:
    class Away(MemoryProfileStore):
        is_away = True

        def segment_versions(self) -> Any:
            if self.is_away:
                raise NotReady("away")
            return super().segment_versions()

    store = Away()
    segments = over(store)
    with pytest.raises(NotReady):
        segments.page("shop", 0, "")
    store.is_away = False
    assert not segments.page("shop", 0, "").segments
