"""Segments in every store."""

from __future__ import annotations

from services.profile.filing.store import ProfileStore
from services.profile.segments.segment import NO_SEGMENTS
from tests.profile.builders import person
from tests.profile.conftest import SMALL, MakeStore
from tests.profile.test_segments import known, segment


def test_what_is_put_is_there(store: ProfileStore) -> None:
    given = known(segment("a"), segment("b"))
    store.put_segments("shop", given)
    found = store.segments("shop")
    assert found.version == given.version
    assert [each.segment_id for each in found.segments] == ["a", "b"]
    assert store.segment_versions() == {"shop": given.version}


def test_later_ones_replace_those_before(store: ProfileStore) -> None:
    store.put_segments("shop", known(segment("a"), segment("b")))
    later = known(segment("c"))
    store.put_segments("shop", later)
    assert [each.segment_id for each in store.segments("shop").segments] == ["c"]
    assert store.segment_versions() == {"shop": later.version}


def test_each_catalogue_has_its_own(store: ProfileStore) -> None:
    assert store.segments("shop") == NO_SEGMENTS
    assert store.segment_versions() == {}
    store.put_segments("shop", known(segment("a")))
    store.put_segments("version:shop", known(segment("b")))
    assert set(store.segment_versions()) == {"shop", "version:shop"}
    store.put_segments("shop", NO_SEGMENTS)
    assert set(store.segment_versions()) == {"version:shop"}
    assert store.segments("shop") == NO_SEGMENTS


def test_segments_are_not_among_people(make_store: MakeStore) -> None:
    store = make_store(SMALL)
    store.swap(b"", person())
    store.put_segments("shop", known(segment("a")))
    assert [each.user_id for each in store.people(10, "").people] == ["ada"]
    store.erase("ada")
    assert store.segment_versions()
