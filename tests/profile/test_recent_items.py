"""Items that were looked up a moment ago are not asked for again; everything else is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from services.errors import NotFound
from services.profile.catalogue.items import CatalogueItem, MemoryItems, Resolved
from services.profile.catalogue.recent_items import KEEP_MS, RecentItems
from tests.profile.builders import OTHER_SPACE, SPACE, Clock, near, shop


class Counting(MemoryItems):
    """Remembers what it was asked for; its catalogue can be replaced."""

    def __init__(self) -> None:
        names = [f"red-{number}" for number in range(9)]
        super().__init__({"shop": shop().resolve("shop", names)})
        self.asked: list[list[str]] = []

    def put(self, catalogue: str, resolved: Resolved) -> None:
        self._catalogues[catalogue] = resolved

    def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
        self.asked.append(list(item_ids))
        return super().resolve(catalogue, item_ids, space)


@pytest.fixture
def items() -> Counting:
    return Counting()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recent(items: Counting, clock: Clock) -> RecentItems:
    return RecentItems(items, clock)


def test_only_what_is_not_known_is_asked_for(recent: RecentItems, items: Counting) -> None:
    recent.resolve("shop", ["red-1", "red-2"])
    found = recent.resolve("shop", ["red-2", "red-3", "red-1"])
    assert set(found.items) == {"red-1", "red-2", "red-3"}
    assert found.space == SPACE
    recent.resolve("shop", ["red-3", "red-1"])
    assert items.asked == [["red-1", "red-2"], ["red-3"]]


def test_after_a_moment_all_is_asked_for_again(recent: RecentItems, items: Counting, clock: Clock) -> None:
    recent.resolve("shop", ["red-1"])
    items.put("shop", Resolved(SPACE, {}))
    clock.now_ms += KEEP_MS
    assert recent.resolve("shop", ["red-1"]).items == {}


def test_what_did_not_exist_is_there_as_soon_as_it_does(recent: RecentItems, items: Counting) -> None:
    assert recent.resolve("shop", ["red-1", "new"]).items.keys() == {"red-1"}
    items.put("shop", Resolved(SPACE, {"new": CatalogueItem("art", near(1))}))
    assert recent.resolve("shop", ["red-1", "new"]).items.keys() == {"red-1", "new"}


def test_vectors_of_two_spaces_are_not_mixed(recent: RecentItems, items: Counting) -> None:
    recent.resolve("shop", ["red-1"])
    moved = {name: CatalogueItem("art", None) for name in ("red-1", "red-2")}
    items.put("shop", Resolved(OTHER_SPACE, moved))
    found = recent.resolve("shop", ["red-1", "red-2"])
    assert found.space == OTHER_SPACE
    assert found.items == moved


def test_another_space_than_the_present_one_is_always_asked_for(recent: RecentItems, items: Counting) -> None:
    for _ in range(2):
        recent.resolve("shop", ["red-1"], SPACE.name)
    assert len(items.asked) == 2


def test_catalogues_do_not_know_of_one_another(recent: RecentItems) -> None:
    recent.resolve("shop", ["red-1"])
    with pytest.raises(NotFound):
        recent.resolve("other", ["red-1"])
