"""All catalogues of a process: what runs for them ends with them."""

from __future__ import annotations

import threading

import pytest

from services.errors import NotReady
from services.indexer.catalogues import InMemoryCatalogues
from services.indexer.definition import Definition
from services.indexer.index.faiss_index import FaissIndex
from services.indexer.index.port import Index, Proceed
from services.indexer.shelves import Shelves
from services.indexer.wire import pack_item
from services.spaces import Space
from tests.indexer.builders import counted_bytes, definition
from tests.indexer.test_index import TINY
from tests.indexer.test_shelf import SOON_S, SlowCatalogues
from tests.indexer.worlds import monotonic


class Endless(FaissIndex):
    """Merges until it is told to give up."""

    def __init__(self, space: Space) -> None:
        super().__init__(space, 1, pack_item, TINY)
        self.merging, self.given_up = threading.Event(), threading.Event()

    def merge(self, proceed: Proceed) -> bool:
        try:
            while True:
                proceed()
                self.merging.set()
        finally:
            self.given_up.set()


def test_a_look_that_ends_after_closing_opens_nothing() -> None:
    catalogues = SlowCatalogues()
    catalogues.create(definition(), None)
    catalogues.held.clear()
    shelves = Shelves(catalogues, lambda _, space: Endless(space), lambda _, __: None, lambda _: None, monotonic)
    look = threading.Thread(target=shelves.look)
    look.start()
    assert catalogues.asked.wait(SOON_S)
    shelves.close()
    catalogues.held.set()
    look.join(SOON_S)
    assert shelves.all() == []
    with pytest.raises(NotReady):  # it may well be there
        shelves.get("shop")


def test_a_build_for_a_catalogue_that_was_deleted_is_given_up_and_the_builder_goes_on() -> None:
    made: list[Endless] = []

    def make(_: Definition, space: Space) -> Index:
        made.append(Endless(space))
        return made[-1]

    catalogues = InMemoryCatalogues(counted_bytes())
    shelves = Shelves(catalogues, make, lambda _, __: None, lambda _: None, monotonic)
    shelves.start()
    for number in range(2):
        shelves.create(definition(f"shop-{number}"), None)
        assert made[number].merging.wait(SOON_S)
        shelves.delete(f"shop-{number}")
        assert made[number].given_up.wait(SOON_S)
    shelves.close()
