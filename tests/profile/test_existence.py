"""Whether a catalogue and its items exist: asked once in a while, by one of many."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from services.errors import NotFound, NotReady
from services.profile.catalogue.existence import GONE_MS, THERE_MS, Existence
from services.profile.catalogue.items import MAX_LOOKUP, CatalogueItem, MemoryItems, Resolved
from tests.profile.builders import SPACE, Clock


class Shelf(MemoryItems):
    """Items `0`, `1`, … of every catalogue but `none`; remembers how many it was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.count, self.is_away = 3000, False
        self.meanwhile: Callable[[], None] = lambda: None

    def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
        self.asked.append(len(item_ids))
        self.meanwhile()
        if self.is_away:
            raise NotReady("away")
        if catalogue == "none":
            raise NotFound("catalogue", catalogue)
        return Resolved(SPACE, {each: CatalogueItem("art", None) for each in item_ids if int(each) < self.count})


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def existence(shelf: Shelf, clock: Clock) -> Existence:
    return Existence(shelf, clock)


def test_what_is_there_is_asked_for_once_in_a_while(existence: Existence, shelf: Shelf, clock: Clock) -> None:
    names = [str(number) for number in range(2 * MAX_LOOKUP + 1)]
    for _ in range(3):
        assert existence.among("shop", names) == set(names)
    assert shelf.asked == [0, MAX_LOOKUP, MAX_LOOKUP, 1]
    shelf.count = 10
    clock.now_ms += THERE_MS
    assert existence.among("shop", names) == set(names[:10])


def test_what_is_made_is_there_soon(existence: Existence, shelf: Shelf, clock: Clock) -> None:
    shelf.count = 0
    assert existence.among("shop", ["1"]) == set()
    shelf.count = 2
    clock.now_ms += GONE_MS
    assert existence.among("shop", ["1"]) == {"1"}


def test_a_catalogue_that_does_not_exist_is_not_found(existence: Existence) -> None:
    for _ in range(2):
        with pytest.raises(NotFound):
            existence.require("none")


def test_while_it_cannot_be_asked_everything_is_there(existence: Existence, shelf: Shelf) -> None:
    shelf.is_away = True
    existence.require("none")
    assert existence.among("shop", ["1", "9999"]) == {"1", "9999"}


def test_who_comes_while_one_asks_does_not_wait(existence: Existence, shelf: Shelf) -> None:
    shelf.meanwhile = lambda: existence.require("shop")
    existence.require("shop")
    assert shelf.asked == [0]
