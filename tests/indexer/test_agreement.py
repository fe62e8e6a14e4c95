"""Whatever happens to a record, its log, its snapshots and the process: the indexes agree with ones that compare
everything, in every space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from services.indexer.filters import NO_FILTER, Condition, Filter, WordTest
from services.indexer.index.exact import ExactIndex
from services.indexer.index.port import Accuracy, Aims, Index, View
from services.indexer.item import Record
from services.indexer.record.catalogue import ItemVectors
from services.indexer.record.catalogue_memory import InMemoryCatalogue
from services.indexer.serving.shelf import GiveUp, Shelf
from services.indexer.version import Version
from services.indexer.wire.items import pack_item
from services.spaces import Space
from tests.indexer.builders import HEAD_SPACE, SPACE, definition, record, vectors
from tests.indexer.moody import BREATH_S, Moody, Past, copied
from tests.indexer.test_index import nothing
from tests.indexer.test_keeper import House
from tests.indexer.test_shelf import SOON_S

PARTITIONS = 3

Puts: TypeAlias = Sequence[tuple[int, int, str, bool]]
"""Item, photos, category, and whether it has vectors in the second space, too."""

puts: st.SearchStrategy[Puts] = st.lists(
    st.tuples(st.integers(0, 25), st.integers(1, 3), st.sampled_from(["dress", "shoe"]), st.booleans()),
    min_size=1,
    max_size=12,
    unique_by=lambda one: one[0],
)
numbers = st.lists(st.integers(0, 25), min_size=1, max_size=8, unique=True)
partitions = st.integers(0, PARTITIONS - 1)
builds = st.sampled_from(["settle", "merge", "link", "rebuild"])

FILTERS = (
    NO_FILTER,
    Filter(must=(Condition("category", WordTest(frozenset({"dress"}))),)),
    Filter(must_not=(Condition("id", WordTest(frozenset({"item-3", "item-4"}))),)),
)


class AnyHistory(RuleBasedStateMachine):
    """`model`: what is in the record."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.house = House(Path(self.folder.name))
        self.record = Moody(InMemoryCatalogue(definition(partitions=PARTITIONS), b"epoch--0"))
        self.house.record = self.record
        self.model: dict[str, Record] = {}
        self.past: Past | None = None
        self.steps = 0
        self.shelf: Shelf = self.house.shelf()

    def teardown(self) -> None:
        try:
            self.agrees()
        finally:
            self.house.close()
            self.folder.cleanup()

    # ---- writing

    def put(self, some: Puts) -> None:
        self.steps += 1
        further = self.record.layout().further
        for number, photos, category, both in some:
            seeds = [1000 * self.steps + 10 * number + photo for photo in range(photos)]
            one = record(f"item-{number}", *seeds, category=category)
            if both and further:
                one = replace(one, others={HEAD_SPACE.name: vectors(*seeds, space=HEAD_SPACE)})
            self.model[one.item.id] = one
            self.record.write(self.record.definition.partition_of(one.item.id), [one], (), None)

    @rule(some=puts)
    def put_and_follow(self, some: Puts) -> None:
        self.put(some)
        self.come_to_rest()

    @rule(some=numbers)
    def remove(self, some: list[int]) -> None:
        for number in some:
            item_id = f"item-{number}"
            self.model.pop(item_id, None)
            self.record.write(self.record.definition.partition_of(item_id), (), [item_id], None)
        self.come_to_rest()

    @precondition(lambda self: self.record.layout().further)
    @rule(some=numbers, photos=st.integers(1, 3))
    def put_vectors(self, some: list[int], photos: int) -> None:
        self.steps += 1
        for number in some:
            item_id = f"item-{number}"
            rows = vectors(*(1000 * self.steps + 10 * number + photo for photo in range(photos)), space=HEAD_SPACE)
            if item_id in self.model:
                self.model[item_id] = replace(self.model[item_id], others={HEAD_SPACE.name: rows})
            partition = self.record.definition.partition_of(item_id)
            self.record.put_vectors(partition, HEAD_SPACE.name, [ItemVectors(item_id, rows)], None)
        self.come_to_rest()

    @rule()
    def add_or_remove_a_space(self) -> None:
        before = self.record.layout()
        going = HEAD_SPACE.name in before.further
        self.record.relayout(before, before.dropping(HEAD_SPACE.name) if going else before.adding(HEAD_SPACE))
        self.model = {item_id: replace(one, others={}) for item_id, one in self.model.items()}
        self.come_to_rest()

    # ---- the log and the record

    @rule(partition=partitions)
    def hold(self, partition: int) -> None:
        """The follower falls behind."""
        self.record.held.add(partition)

    @rule(partition=partitions)
    def let_go(self, partition: int) -> None:
        self.record.held.discard(partition)
        self.come_to_rest()

    @rule(partition=partitions)
    def trim(self, partition: int) -> None:
        self.record.floor[partition] = self.record.head(partition).position

    @rule()
    def copy_the_record(self) -> None:
        self.steps += 1
        self.past = Past(copied(self.record.inner, self.steps), dict(self.model))

    # To before a space went, it does not find its way yet: the partitions that notice first miss that space's items.
    @precondition(lambda self: self.past and self.past.inner.layout().further == self.record.layout().further)
    @rule()
    def go_back_to_the_copy(self) -> None:
        assert self.past
        self.steps += 1
        self.record.floor.clear()
        self.model, self.record.inner = dict(self.past.model), copied(self.past.inner, self.steps)
        self.come_to_rest()

    # ---- the index

    @rule(what=builds, meanwhile=puts)
    def build(self, what: str, meanwhile: Puts) -> None:
        """With a write in the middle of it, if it does anything."""
        pending = [meanwhile]

        def proceed() -> None:
            if pending:
                self.put(pending.pop())
                self.shelf.reach(self.heads(), BREATH_S)

        for index in list(self.shelf.indexes.values()):
            getattr(index, what)(proceed)
        self.come_to_rest()

    @rule(what=builds, after=st.integers(0, 3))
    def build_in_vain(self, what: str, after: int) -> None:
        """Given up in the middle."""
        left = [nothing] * after

        def proceed() -> None:
            if not left:
                raise GiveUp
            left.pop()

        for index in list(self.shelf.indexes.values()):
            try:
                getattr(index, what)(proceed)
            except GiveUp:
                continue

    @rule()
    def snapshot(self) -> None:
        self.house.keeper.save(self.shelf, nothing)

    @rule(at=st.integers(0, 2**20))
    def tear_the_newest_snapshots(self, at: int) -> None:
        """A file of each is cut short."""
        for home in Path(self.folder.name).glob("*/*"):
            newest = max((path for path in home.iterdir()), key=lambda path: int(path.name), default=None)
            files = sorted(path for path in newest.rglob("*") if path.is_file()) if newest else []
            if files:
                torn = files[at % len(files)]
                # Its own copy: the same file may be part of an older snapshot.
                data = torn.read_bytes()
                torn.unlink()
                torn.write_bytes(data[: len(data) // 2])

    @rule()
    def restart(self) -> None:
        self.record.held.clear()
        self.shelf = self.house.shelf()
        self.come_to_rest()

    # ---- agreeing

    def heads(self) -> Version:
        """Of all partitions that are not held."""
        known = (self.record.head(partition) for partition in range(PARTITIONS))
        return Version(tuple(None if at in self.record.held else mark for at, mark in enumerate(known)))

    def come_to_rest(self) -> None:
        """Until every follower has read what it may, so that a history is the same each time. Builds as the process
        would, so that there is room."""
        for _ in range(int(SOON_S / BREATH_S)):
            if self.shelf.reach(self.heads(), BREATH_S):
                return
            for index in list(self.shelf.indexes.values()):
                index.settle(nothing)
                index.merge(nothing)
        raise AssertionError("the end of the log is not reached")

    @rule()
    def agrees(self) -> None:
        """Every space, item by item."""
        self.record.held.clear()
        self.come_to_rest()
        spaces = self.record.layout().spaces()
        assert self.shelf.indexes.keys() == spaces.keys()
        for name, space in spaces.items():
            records = (one.of_space(name, SPACE.name) for one in self.model.values())
            oracle = ExactIndex(space, PARTITIONS, pack_item)
            oracle.apply([one for one in records if len(one.vectors)], (), self.heads())
            assert_alike(self.shelf.indexes[name], oracle)


def assert_alike(served: Index, oracle: Index) -> None:
    one, other = served.view(), oracle.view()
    assert sorted(served.item_ids()) == sorted(oracle.item_ids())
    for filter_ in FILTERS:
        assert one.eligible(filter_).count == other.eligible(filter_).count
        assert nearest_ids(one, filter_) == nearest_ids(other, filter_)
    for item_id in oracle.item_ids():
        mine, theirs = one.find(item_id), other.find(item_id)
        assert mine is not None
        assert theirs is not None
        assert one.packed(mine) == other.packed(theirs)
        assert np.array_equal(one.vectors(one.expand([mine])[0]), other.vectors(other.expand([theirs])[0]))
    size, true = one.size(), other.size()
    assert (size.items, size.rows) == (true.items, true.rows)


def nearest_ids(view: View, filter_: Filter) -> list[str]:
    aims = Aims(_direction(view.space)[None], view.space.weights({})[None])
    firsts = view.nearest(aims, 40, view.eligible(filter_), Accuracy.EXACT, nothing)[0]
    return [view.item_id(first) for first in firsts]


def _direction(space: Space) -> np.ndarray:
    return space.weigh(vectors(99, space=space)[0].astype(np.float32), space.weights({}))


def machine(examples: int, steps: int) -> Callable[[], None]:
    """Runs so many histories."""
    case = AnyHistory.TestCase
    case.settings = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    return case("runTest").runTest


def test_after_any_history_the_indexes_agree_with_exact_ones() -> None:
    machine(12, 25)()


@pytest.mark.soak
def test_after_many_a_long_history_the_indexes_agree_with_exact_ones() -> None:
    machine(150, 60)()
