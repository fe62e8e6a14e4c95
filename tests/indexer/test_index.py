"""The index that serves against the index that compares everything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.indexer.filters import NO_FILTER, Condition, Filter, WordTest
from services.indexer.index.builder import IndexTuning
from services.indexer.index.exact import ExactIndex
from services.indexer.index.faiss_index import FaissIndex
from services.indexer.index.flat import widen
from services.indexer.index.graph import GraphTuning
from services.indexer.index.port import Accuracy, Aims, Index, View
from services.indexer.index.saved import Forms
from services.indexer.item import Item, Record
from services.indexer.version import Mark, Position, Version
from services.indexer.wire.items import pack_item, unpack_item
from services.spaces import Block, Float16, Float32, Space, canonical
from tests.indexer.builders import NOW_US, SPACE, record, vectors

TINY = IndexTuning(
    fresh_rows=8,
    max_fresh_rows=64,
    small_rows=24,
    dead_fraction=0.3,
    sketch_rows=16,
    graph_rows=32,
    graph=GraphTuning("HNSW8,SQfp16"),
)
"""Settles after a handful of rows, so that short sequences meet every state."""

DRESSES = Filter(must=(Condition("category", WordTest(frozenset({"dress"}))),))


def version(number: int) -> Version:
    return Version((Mark(b"12345678", Position(number, 0)),))


def query(seed: int = 99) -> Float32:
    wanted: Float32 = vectors(seed)[0].astype(np.float32)
    return wanted


def nearest_ids(
    view: View,
    weighed: Float32,
    limit: int,
    filter_: Filter = NO_FILTER,
    accuracy: Accuracy = Accuracy.EXACT,
) -> list[str]:
    aims = Aims(weighed[None], SPACE.weights({})[None])
    firsts = view.nearest(aims, limit, view.eligible(filter_), accuracy, nothing)[0]
    return [view.item_id(first) for first in firsts]


def nothing() -> None:
    """Lets a build go on."""


def settled_rows(view: View) -> int:
    size = view.size()
    return size.rows + size.deleted - size.fresh


def settle(index: Index) -> None:
    while index.settle(nothing) or index.merge(nothing) or index.link(nothing):
        pass


Step: TypeAlias = "tuple[str, Sequence[tuple[int, int, str]]]"
"""What to do (put, remove, settle), and to which items: number, photos, category."""

changes = st.lists(
    st.tuples(st.integers(0, 25), st.integers(1, 3), st.sampled_from(["dress", "shoe"])), min_size=1, max_size=12
)
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(st.sampled_from(["put", "put", "remove", "settle", "merge", "link", "rebuild", "restart"]), changes),
    min_size=1,
    max_size=12,
)


def records_of(number: int, step: Sequence[tuple[int, int, str]]) -> list[Record]:
    return [
        record(f"item-{one}", *(1000 * number + 10 * one + photo for photo in range(photos)), category=category)
        for one, photos, category in step
    ]


@settings(deadline=None)
@given(steps)
def test_any_sequence_of_changes_leaves_both_indexes_alike(sequence: list[Step]) -> None:
    """Exact search must agree item by item: vectors, masks, row numbers and filters through every build."""
    served, oracle = FaissIndex(SPACE, 1, pack_item, TINY), ExactIndex(SPACE, 1, pack_item)
    for number, (what, step) in enumerate(sequence):
        served = _worked(served, what)
        for index in (served, oracle):
            if what == "put":
                index.apply(records_of(number, step), (), version(number))
            elif what == "remove":
                index.apply((), [f"item-{one}" for one, _, _ in step], version(number))
    assert_alike(served, oracle)


def _worked(index: FaissIndex, what: str) -> FaissIndex:
    """Does what is no write; a restart goes on with what was saved."""
    match what:
        case "settle":
            index.settle(nothing)
        case "merge":
            index.merge(nothing)
        case "link":
            index.link(nothing)
        case "rebuild":
            index.rebuild(nothing)
        case "restart":
            with TemporaryDirectory() as folder:
                index.save(Path(folder), nothing)
                return FaissIndex.load(Path(folder), SPACE, 1, Forms(pack_item, unpack_item), TINY, proceed=nothing)
    return index


def assert_alike(served: FaissIndex, oracle: ExactIndex) -> None:
    one, other = served.view(), oracle.view()
    assert sorted(served.item_ids()) == sorted(oracle.item_ids())
    for filter_ in (NO_FILTER, DRESSES, Filter(must_not=(Condition("id", WordTest(frozenset({"item-3"}))),))):
        assert one.eligible(filter_).count == other.eligible(filter_).count
        assert nearest_ids(one, query(), 40, filter_) == nearest_ids(other, query(), 40, filter_)
    for item_id in oracle.item_ids():
        mine, theirs = one.find(item_id), other.find(item_id)
        assert mine is not None
        assert theirs is not None
        assert one.packed(mine) == other.packed(theirs)
        assert np.array_equal(one.vectors(one.expand([mine])[0]), other.vectors(other.expand([theirs])[0]))
    size, true = one.size(), other.size()
    assert (size.items, size.rows, size.items_by_domain) == (true.items, true.rows, true.items_by_domain)


WIDE = Space("visual@beefbeef", (Block("content", 48), Block("colour", 16)))
ITEMS = 12_000
QUERIES = 40


def points(count: int, seed: int) -> Float16:
    """Clustered, as pictures are."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(60, 64))
    drawn = centres[rng.integers(60, size=count)] + 0.8 * rng.normal(size=(count, 64))
    return canonical(WIDE.normalise(drawn.astype(np.float32)))


@pytest.fixture(scope="module")
def index() -> FaissIndex:
    """Built in several steps, with one row in seven deleted."""
    tuning = IndexTuning(fresh_rows=1000, small_rows=2000, graph_rows=4000, graph=GraphTuning(ef_construction=60))
    index = FaissIndex(WIDE, 1, pack_item, tuning)
    data = points(ITEMS, 1)
    for start in range(0, ITEMS, 3000):
        rows = range(start, start + 3000)
        some = [Record(Item(f"i{row}", category=f"c{row % 100}"), data[row : row + 1], NOW_US) for row in rows]
        index.apply(some, (), version(start))
        settle(index)
    index.apply((), [f"i{row}" for row in range(0, ITEMS, 7)], version(ITEMS))
    return index


class TestRecall:
    """The graph against exact search, on clustered vectors."""

    @pytest.mark.parametrize(
        ("weights", "accuracy", "floor"),
        [
            ({}, Accuracy.FAST, 0.90),
            ({}, Accuracy.BALANCED, 0.97),
            ({"content": 1.0}, Accuracy.BALANCED, 0.90),
            ({"colour": 1.0}, Accuracy.BALANCED, 0.90),
            # A block that pushes away goes against the links of the graph, which know only likeness.
            ({"content": 1.0, "colour": -0.5}, Accuracy.BALANCED, 0.80),
        ],
    )
    def test_recall_stays_above_its_floor(
        self, index: FaissIndex, weights: dict[str, float], accuracy: Accuracy, floor: float
    ) -> None:
        view = index.view()
        assert settled_rows(view) > 9000
        hits = 0
        for point in points(QUERIES, 2).astype(np.float32):
            weighed = WIDE.weigh(point, WIDE.weights(weights))
            true = nearest_ids(view, weighed, 10)
            hits += len(set(true) & set(nearest_ids(view, weighed, 10, accuracy=accuracy)))
        assert hits / (10 * QUERIES) >= floor

    def test_a_filter_that_few_pass_is_answered_exactly(self, index: FaissIndex) -> None:
        rare = Filter(must=(Condition("category", WordTest(frozenset({"c3"}))),))
        view = index.view()
        for point in points(5, 3).astype(np.float32):
            assert nearest_ids(view, point, 10, rare, Accuracy.FAST) == nearest_ids(view, point, 10, rare)

    def test_a_filter_passed_only_far_from_the_query_still_finds_as_many_as_asked_for(self, index: FaissIndex) -> None:
        """The graph walk does not come there by itself."""
        view = index.view()
        point = points(1, 4)[0].astype(np.float32)
        order = nearest_ids(view, point, ITEMS)
        far = Filter(must=(Condition("id", WordTest(frozenset(order[1500:]))),))
        found = nearest_ids(view, point, 10, far, Accuracy.BALANCED)
        assert len(found) == 10
        assert set(found) <= set(order[1500:])


class TestViews:
    def test_a_view_does_not_change(self) -> None:
        index = FaissIndex(SPACE, 1, pack_item, TINY)
        index.apply([record("a", 1, title="old"), record("b", 2)], (), version(1))
        before = index.view()
        index.apply([record("a", 3, 4, title="new")], ["b"], version(2))
        for number in range(20):
            index.apply([record(f"item-{number}", number)], (), version(3))
        settle(index)
        first = before.find("a")
        assert first is not None
        assert before.packed(first) == pack_item(record("a", title="old").dated())
        assert np.array_equal(before.vectors(np.array([first])), vectors(1).astype(np.float32))
        assert sorted(nearest_ids(before, query(), 10)) == ["a", "b"]
        assert before.version == version(1)

    def test_the_same_record_again_changes_nothing_but_the_version(self) -> None:
        index = FaissIndex(SPACE, 1, pack_item, TINY)
        for number in range(3):
            index.apply([record("a", 1, title="A")], (), version(number))
        assert (index.view().rows, index.view().version) == (1, version(2))

    def test_an_item_with_several_photos_is_one_answer(self) -> None:
        index = FaissIndex(SPACE, 1, pack_item, TINY)
        index.apply([record("many", *range(10)), record("one", 50), record("two", 51)], (), version(1))
        for _ in range(2):
            assert sorted(nearest_ids(index.view(), vectors(0)[0].astype(np.float32), 3)) == ["many", "one", "two"]
            assert nearest_ids(index.view(), vectors(7)[0].astype(np.float32), 1) == ["many"]
            settle(index)

    def test_an_empty_index_answers_with_nothing(self) -> None:
        view = FaissIndex(SPACE, 1, pack_item, TINY).view()
        assert nearest_ids(view, query(), 10, accuracy=Accuracy.BALANCED) == []
        assert view.find("a") is None
        assert view.size().items == 0


def test_every_finite_float16_is_widened_exactly() -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)].reshape(-1, 64)
    wide = np.empty(finite.shape, np.float32)
    widen(finite, wide)
    assert np.array_equal(wide, finite.astype(np.float32))
    assert np.array_equal(np.signbit(wide), np.signbit(finite))
    widen(finite[:0], wide[:0])
