"""How an index comes to contain its record, and stays so whatever happens to the log."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest

from services.errors import NotFound, NotReady, Refused
from services.indexer.definition import Definition
from services.indexer.index.exact import ExactIndex
from services.indexer.index.port import Index
from services.indexer.item import Record
from services.indexer.record.catalogue import (
    PLAIN,
    Catalogue,
    Changes,
    ItemVectors,
    LogLost,
    Receipt,
    Wanted,
    Written,
)
from services.indexer.record.catalogues import InMemoryCatalogues
from services.indexer.record.layout import Added, Layout
from services.indexer.serving.shelf import Misfits, Shelf
from services.indexer.serving.shelves import Shelves
from services.indexer.version import Mark, Version
from services.indexer.wire.items import pack_item
from services.spaces import Space
from tests.indexer.builders import SPACE, counted_bytes, definition, record
from tests.indexer.worlds import catalogue_in_memory, monotonic

SOON_S = 10.0
"""A bound for what hangs, not a measure."""


class Troubled(Catalogue):
    """A catalogue whose log can be lost or unreachable, and which somebody writes to in the middle of a scan."""

    def __init__(self, inner: Catalogue) -> None:
        self.inner = inner
        self.definition = inner.definition
        self.lost = threading.Event()
        self.unreachable = threading.Event()
        self.deleted = threading.Event()
        self.scans = 0
        self.during_scan: Callable[[], object] = lambda: None

    def write(
        self,
        partition: int,
        upserts: Sequence[Record],
        removed: Sequence[str],
        receipt: Receipt | None,
        generation: int | None = None,
    ) -> Written:
        return self.inner.write(partition, upserts, removed, receipt, generation)

    def put_vectors(
        self,
        partition: int,
        space: str,
        items: Sequence[ItemVectors],
        receipt: Receipt | None,
        added: Added | None = None,
    ) -> Written:
        return self.inner.put_vectors(partition, space, items, receipt, added)

    def count(self) -> int:
        return self.inner.count()

    def layout(self, partition: int = 0) -> Layout:
        return self.inner.layout(partition)

    def relayout(self, before: Layout, after: Layout) -> Mark:
        return self.inner.relayout(before, after)

    def remembered(self, partition: int, receipt: Receipt) -> Written | None:
        return self.inner.remembered(partition, receipt)

    def get(self, item_ids: Sequence[str], wanted: Wanted = PLAIN) -> list[Record | None]:
        return self.inner.get(item_ids, wanted)

    def scan(self, partition: int, cursor: int, count: int, wanted: Wanted = PLAIN) -> tuple[list[Record], int]:
        self.scans += 1
        found = self.inner.scan(partition, cursor, 2, wanted)
        self.during_scan()
        return found

    def head(self, partition: int) -> Mark:
        if self.unreachable.is_set():
            raise NotReady("Redis does not answer")
        return self.inner.head(partition)

    def follow(self, partition: int, after: Mark, wait_s: float) -> Changes:
        if self.deleted.is_set():
            raise NotFound("catalogue", self.definition.name)
        if self.lost.is_set():
            self.lost.clear()
            raise LogLost
        found = self.inner.follow(partition, after, 0.02)
        if self.unreachable.is_set():
            raise NotReady("Redis does not answer")
        return found


def exact(of: Definition, space: Space) -> Index:
    return ExactIndex(space, of.partitions, pack_item)


@contextmanager
def following(catalogue: Catalogue) -> Iterator[Shelf]:
    problems: list[Exception] = []
    shelf = Shelf(
        catalogue,
        exact,
        lambda _, problem: problems.append(problem),
        clock=monotonic,
    )
    shelf.start()
    yield shelf
    shelf.stop()
    shelf.join(SOON_S)
    assert all(isinstance(problem, (NotReady, LogLost)) for problem in problems)


def write(catalogue: Catalogue, *records: Record, removed: Sequence[str] = ()) -> Version:
    """Each in its partition; the version that contains them all."""
    of = catalogue.definition.partition_of
    version = Version.nothing(catalogue.definition.partitions)
    for partition in {of(item_id) for item_id in [*removed, *(one.item.id for one in records)]}:
        mine = [one for one in records if of(one.item.id) == partition]
        gone = [item_id for item_id in removed if of(item_id) == partition]
        version = version.reaching(partition, catalogue.write(partition, mine, gone, None).mark)
    return version


def contents(shelf: Shelf, version: Version) -> list[str]:
    assert shelf.reach(version, SOON_S)
    return sorted(shelf.indexes[SPACE.name].item_ids())


@pytest.mark.parametrize("again", [False, True])
def test_vectors_of_a_wrong_dimension_are_left_out_and_told(again: bool) -> None:
    """Read from the log, or all again."""
    shop, told = catalogue_in_memory(), list[Exception]()
    misfit = Record(record("b").item, np.ones((1, 3), np.float16), 0)
    shelf = Shelf(shop, exact, lambda _, problem: told.append(problem), clock=monotonic)
    version = write(shop, record("a"), misfit, record("c")) if again else Version.nothing(1)
    shelf.start()
    assert shelf.wait_until_ready(SOON_S)
    if not again:
        version = write(shop, record("a"), misfit, record("c"))
    assert contents(shelf, version) == ["a", "c"]
    shelf.stop()
    shelf.join(SOON_S)
    assert {type(one) for one in told} == {Misfits}


@pytest.mark.parametrize("partitions", [1, 3])
def test_reads_what_is_there_and_follows_what_comes(partitions: int) -> None:
    shop = catalogue_in_memory(partitions)
    before = write(shop, *(record(f"item-{n}", n) for n in range(10)))
    with following(shop) as shelf:
        assert contents(shelf, before) == sorted(f"item-{n}" for n in range(10))
        after = write(shop, record("new", 50), removed=["item-3", "item-4"])
        assert contents(shelf, after) == sorted([*(f"item-{n}" for n in (0, 1, 2, 5, 6, 7, 8, 9)), "new"])


def test_what_is_written_during_the_first_reading_is_made_up_for() -> None:
    shop = Troubled(catalogue_in_memory())
    write(shop.inner, *(record(f"item-{n}", n) for n in range(6)))
    versions: list[Version] = []

    def meddle() -> None:
        if not versions:
            versions.append(write(shop.inner, record("item-1", 99), record("a-new", 50), removed=["item-0", "item-5"]))

    shop.during_scan = meddle
    with following(shop) as shelf:
        assert shelf.wait_until_ready(SOON_S)
        assert contents(shelf, versions[0]) == ["a-new", "item-1", "item-2", "item-3", "item-4"]
        first = shelf.view().find("item-1")
        assert first is not None
        assert shelf.view().packed(first) == pack_item(record("item-1").dated())


def test_a_lost_log_makes_it_read_everything_again_and_drop_what_is_gone() -> None:
    shop = Troubled(catalogue_in_memory())
    version = write(shop.inner, record("a", 1), record("b", 2))
    with following(shop) as shelf:
        assert contents(shelf, version) == ["a", "b"]
        scans = shop.scans
        shop.lost.set()
        version = write(shop.inner, record("c", 3), removed=["a"])
        assert contents(shelf, version) == ["b", "c"]
        assert shop.scans > scans


def test_a_record_that_cannot_be_reached_for_a_while_is_followed_again() -> None:
    shop = Troubled(catalogue_in_memory())
    with following(shop) as shelf:
        assert contents(shelf, write(shop.inner, record("a", 1))) == ["a"]
        shop.unreachable.set()
        version = write(shop.inner, record("b", 2))
        assert shelf.view().find("a") is not None
        shop.unreachable.clear()
        assert contents(shelf, version) == ["a", "b"]


def test_a_version_that_does_not_come_is_not_reached() -> None:
    shop = Troubled(catalogue_in_memory())
    with following(shop) as shelf:
        contents(shelf, write(shop.inner, record("a", 1)))
        shop.unreachable.set()
        assert not shelf.reach(write(shop.inner, record("b", 1)), 0.05)


def test_before_the_first_reading_it_is_not_ready() -> None:
    shelf = Shelf(catalogue_in_memory(), exact, lambda _, __: None, clock=monotonic)
    with pytest.raises(NotReady):
        shelf.view()
    with pytest.raises(NotReady):
        shelf.probe()


class Catalogues(InMemoryCatalogues):
    """The one that is called "unreadable" cannot be read."""

    def open(self, definition: Definition) -> Catalogue:
        troubled = Troubled(super().open(definition))
        if definition.name == "unreadable":
            troubled.unreachable.set()
        return troubled


class SlowCatalogues(Catalogues):
    """Whoever lists them gets what is there, but only when `held` is released; `asked` says that somebody waits."""

    def __init__(self) -> None:
        super().__init__(counted_bytes())
        self.asked, self.held = threading.Event(), threading.Event()
        self.held.set()

    def all(self) -> list[Definition]:
        found = super().all()
        self.asked.set()
        assert self.held.wait(SOON_S)
        return found


def over(catalogues: InMemoryCatalogues, max_followers: int = 64) -> Shelves:
    return Shelves(
        catalogues,
        exact,
        report=lambda _, __: None,
        built=lambda _: None,
        clock=monotonic,
        max_followers=max_followers,
    )


class TestShelves:
    @pytest.fixture
    def catalogues(self) -> InMemoryCatalogues:
        return Catalogues(counted_bytes())

    @pytest.fixture
    def shelves(self, catalogues: InMemoryCatalogues) -> Iterator[Shelves]:
        opened = over(catalogues)
        yield opened
        opened.close()

    def test_a_look_at_a_slow_record_keeps_nobody_waiting_and_undoes_nothing(self) -> None:
        catalogues = SlowCatalogues()
        shelves = over(catalogues)
        shelves.create(definition(), None)
        with ThreadPoolExecutor() as threads:
            catalogues.asked.clear()
            catalogues.held.clear()
            slow = threads.submit(shelves.look)
            assert catalogues.asked.wait(SOON_S)
            known = threads.submit(lambda: (shelves.all(), shelves.get("shop")))
            shops, shop = known.result(SOON_S)
            assert shops == [shop]
            # A look that begins later, and ends before.
            release, catalogues.held = catalogues.held, threading.Event()
            catalogues.held.set()
            shelves.create(definition("museum"), None)
            museum = shelves.get("museum")
            release.set()
            slow.result(SOON_S)
        assert shelves.get("museum") is museum
        shelves.close()

    def test_no_more_partitions_are_made_than_can_be_followed(self, catalogues: InMemoryCatalogues) -> None:
        shelves = over(catalogues, max_followers=3)
        shelves.create(definition(partitions=2), Receipt("one", b"x"))
        with pytest.raises(Refused, match="at most 3"):
            shelves.create(definition("museum", partitions=2), None)
        shelves.create(definition("archive"), None)
        assert shelves.create(definition(partitions=2), Receipt("one", b"x")) == definition(partitions=2)
        shelves.close()

    def test_a_catalogue_is_there_as_soon_as_it_was_made(self, shelves: Shelves) -> None:
        shelves.create(definition(), None)
        assert shelves.get("shop").definition == definition()

    def test_a_catalogue_that_another_replica_made_is_found_when_asked_for(
        self, shelves: Shelves, catalogues: InMemoryCatalogues
    ) -> None:
        shelves.look()
        catalogues.create(definition(), None)
        assert shelves.get("shop").definition == definition()

    def test_a_catalogue_that_another_replica_made_anew_is_not_taken_for_the_old_one(
        self, shelves: Shelves, catalogues: InMemoryCatalogues
    ) -> None:
        shelves.create(definition(), None)
        old = shelves.get("shop")
        catalogues.delete(definition())
        again = definition(partitions=2)
        catalogues.create(again, None)
        shelves.look()
        assert shelves.get("shop").definition == again
        assert shelves.get("shop") is not old

    def test_a_deleted_catalogue_is_gone(self, shelves: Shelves) -> None:
        shelves.create(definition(), None)
        assert shelves.delete("shop") == 0
        for ask in (shelves.get, shelves.delete):
            with pytest.raises(NotFound):
                ask("shop")

    def test_is_ready_only_when_every_catalogue_has_been_read(self, shelves: Shelves) -> None:
        with pytest.raises(NotReady):
            shelves.require_ready()
        shelves.create(definition(), None)
        shelves.require_ready()

    def test_a_catalogue_that_another_replica_fills_later_does_not_take_this_one_out_of_service(
        self, shelves: Shelves, catalogues: InMemoryCatalogues
    ) -> None:
        shelves.create(definition(), None)
        shelves.require_ready()
        catalogues.create(definition("unreadable"), None)
        with pytest.raises(NotReady):
            shelves.get("unreadable").probe()
        shelves.require_ready()
