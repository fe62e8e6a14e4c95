"""All catalogues of a process: what runs for them ends with them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from services.errors import NotFound, NotReady
from services.indexer.definition import Definition
from services.indexer.index.faiss_index import FaissIndex
from services.indexer.index.port import Index, Proceed
from services.indexer.operations.commission import works
from services.indexer.operations.operation import Operation, Subject
from services.indexer.operations.workshop import Stopped, Task
from services.indexer.record.catalogues import InMemoryCatalogues
from services.indexer.record.layout import Layout
from services.indexer.serving.shelves import Shelves
from services.indexer.version import Version
from services.indexer.wire.items import pack_item
from services.spaces import Space
from tests.indexer.builders import NOW_US, OTHER_SPACE, ToyEmbedder, counted_bytes, definition
from tests.indexer.test_index import TINY
from tests.indexer.test_shelf import SOON_S, SlowCatalogues
from tests.indexer.test_shelf import Catalogues as UnreadableCatalogues
from tests.indexer.worlds import monotonic


class Endless(FaissIndex):
    """Merges, and is made anew, until it is told to give up."""

    def __init__(self, space: Space) -> None:
        super().__init__(space, 1, pack_item, TINY)
        self.building, self.given_up = threading.Event(), threading.Event()

    def merge(self, proceed: Proceed) -> bool:
        self.rebuild(proceed)
        return True

    def rebuild(self, proceed: Proceed) -> None:
        try:
            while True:
                proceed()
                self.building.set()
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
        assert made[number].building.wait(SOON_S)
        shelves.delete(f"shop-{number}")
        assert made[number].given_up.wait(SOON_S)
    shelves.close()


@pytest.fixture
def rebuilding() -> Iterator[tuple[Shelves, Future[None]]]:
    """What an operation does that makes the second space of a catalogue anew, without an end."""
    endless = Endless(OTHER_SPACE)

    def make(_: Definition, space: Space) -> Index:
        return endless if space == OTHER_SPACE else FaissIndex(space, 1, pack_item, TINY)

    shelves = Shelves(InMemoryCatalogues(counted_bytes()), make, lambda _, __: None, lambda _: None, monotonic)
    shelves.create(definition(), None)
    arrange(shelves, lambda layout: layout.adding(OTHER_SPACE))
    operation = Operation("op", Subject("rebuild", "shop", definition().incarnation), NOW_US)
    task = Task(operation, monotonic)
    rebuild = works(shelves, ToyEmbedder(), lambda _, __: 0)["rebuild"]
    with ThreadPoolExecutor() as threads:
        running = threads.submit(rebuild, task)
        assert endless.building.wait(SOON_S)
        yield shelves, running
        task.give_up(Stopped())
    shelves.close()


def arrange(shelves: Shelves, change: Callable[[Layout], Layout]) -> None:
    shelf = shelves.get("shop")
    before = shelf.catalogue.layout()
    mark = shelf.catalogue.relayout(before, change(before))
    assert shelf.reach(Version((mark,)), SOON_S)


def test_an_operation_for_a_catalogue_that_is_deleted_fails(rebuilding: tuple[Shelves, Future[None]]) -> None:
    shelves, running = rebuilding
    shelves.delete("shop")
    with pytest.raises(NotFound, match="catalogue"):
        running.result(SOON_S)


def test_an_operation_for_a_space_that_is_deleted_fails(rebuilding: tuple[Shelves, Future[None]]) -> None:
    shelves, running = rebuilding
    arrange(shelves, lambda layout: layout.dropping(OTHER_SPACE.name))
    with pytest.raises(NotFound, match="space"):
        running.result(SOON_S)


def test_an_operation_ends_with_a_catalogue_that_is_deleted_while_it_is_still_being_read() -> None:
    """It will never be ready, and the replica's next operation waits."""
    catalogues = UnreadableCatalogues(counted_bytes())
    shelves = Shelves(catalogues, lambda _, space: Endless(space), lambda _, __: None, lambda _: None, monotonic)
    made = catalogues.create(definition("unreadable"), None)
    task = Task(Operation("op", Subject("rebuild", made.name, made.incarnation), NOW_US), monotonic)
    rebuild = works(shelves, ToyEmbedder(), lambda _, __: 0)["rebuild"]
    with ThreadPoolExecutor() as threads:
        running = threads.submit(rebuild, task)
        shelves.get("unreadable")
        catalogues.delete(made)
        shelves.look()
        with pytest.raises(NotFound, match="catalogue"):
            running.result(SOON_S)
    shelves.close()


class Broken(FaissIndex):
    """Whose merge fails, whatever is tried."""

    def merge(self, proceed: Proceed) -> bool:
        raise ValueError("broken")


def test_what_fails_for_one_catalogue_keeps_no_other_waiting() -> None:
    made: dict[str, FaissIndex] = {}
    told = threading.Event()

    def make(of: Definition, space: Space) -> Index:
        kind = Broken(space, 1, pack_item, TINY) if of.name == "a-broken" else Endless(space)
        return made.setdefault(of.name, kind)

    def report(catalogue: str, problem: Exception) -> None:
        if (catalogue, str(problem)) == ("a-broken", "broken"):
            told.set()

    shelves = Shelves(InMemoryCatalogues(counted_bytes()), make, report, lambda _: None, monotonic)
    shelves.start()
    for name in ("a-broken", "b-whole"):
        shelves.create(definition(name), None)
    whole = made["b-whole"]
    assert isinstance(whole, Endless)
    assert whole.building.wait(SOON_S)
    assert told.wait(SOON_S)
    shelves.close()
