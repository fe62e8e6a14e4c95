"""Builds go on beside writes and searches, and lose nothing of either."""

from __future__ import annotations

import threading
from itertools import count

import numpy as np
import pytest

from services.indexer.index.builder import Builder, IndexTuning
from services.indexer.index.exact import ExactIndex
from services.indexer.index.faiss_index import FaissIndex
from services.indexer.index.flat import Flat
from services.indexer.index.graph import Graph
from services.indexer.index.port import Proceed
from services.indexer.index.rest import LOOKS
from services.indexer.index.settled import SettledPart
from services.indexer.item import Item, Record
from services.indexer.serving.shelf import GiveUp
from services.indexer.wire.items import pack_item
from tests.indexer.builders import NOW_US, SPACE, record, vectors
from tests.indexer.test_index import (
    ITEMS,
    TINY,
    WIDE,
    assert_alike,
    nearest_ids,
    nothing,
    points,
    query,
    settle,
    settled_rows,
    version,
)

SOON_S = 10.0
"""A bound for what hangs, not a measure."""


def test_fresh_rows_settle() -> None:
    index = FaissIndex(SPACE, 1, pack_item, TINY)
    index.apply([record(f"item-{n}", n) for n in range(8)], (), version(1))
    assert index.view().size().fresh == 8
    settle(index)
    assert index.view().size().fresh == 0
    assert settled_rows(index.view()) == 8


def looked_at(index: FaissIndex) -> None:
    """As often as it takes to be at rest, and then on until nothing is left to do."""
    for _ in range(2 * LOOKS + 2):
        while index.settle(nothing) or index.merge(nothing):
            pass


def test_at_rest_there_is_one_part_and_next_to_nothing_fresh() -> None:
    index = FaissIndex(SPACE, 1, pack_item, IndexTuning(fresh_rows=16, small_rows=64))
    for first, items in ((0, 64), (64, 24), (88, 5)):
        index.apply([record(f"item-{n}", n) for n in range(first, first + items)], (), version(first + 1))
        settle(index)
    assert [placed.part.rows for placed in index.view().placed] == [64, 24, 5]
    looked_at(index)
    assert [placed.part.rows for placed in index.view().placed] == [93, 0]
    assert sorted(index.item_ids()) == sorted(f"item-{n}" for n in range(93))
    index.apply([record("item-93", 93)], (), version(94))
    looked_at(index)
    assert [placed.part.rows for placed in index.view().placed] == [93, 1]


def test_what_is_written_to_again_and_again_is_not_at_rest() -> None:
    index = FaissIndex(SPACE, 1, pack_item, IndexTuning(fresh_rows=16, small_rows=1000))
    for turn in range(2 * LOOKS):
        index.apply([record(f"item-{turn}-{n}", turn * 8 + n) for n in range(8)], (), version(turn + 1))
        assert index.settle(nothing) == (turn % 2 == 1)
    assert not index.merge(nothing)


def test_a_small_part_waits_until_it_pays_for_a_copy_of_a_large_one_with_a_graph() -> None:
    index = FaissIndex(SPACE, 1, pack_item, IndexTuning(fresh_rows=4, small_rows=80, graph_rows=80))
    index.apply([record(f"item-{n}", n) for n in range(80)], (), version(1))
    settle(index)
    index.apply([record(f"item-{n}", n) for n in range(80, 84)], (), version(2))
    looked_at(index)
    assert [placed.part.rows for placed in index.view().placed] == [80, 4, 0]
    index.apply([record(f"item-{n}", n) for n in range(84, 88)], (), version(3))
    looked_at(index)
    assert [placed.part.rows for placed in index.view().placed] == [88, 0]


def test_what_is_written_during_a_build_stays() -> None:
    index = FaissIndex(SPACE, 1, pack_item, TINY)
    index.apply([record(f"item-{n}", n) for n in range(8)], (), version(1))
    index.settle(lambda: index.apply([record("late", 77)], ["item-3"], version(2)))
    assert sorted(index.item_ids()) == sorted([f"item-{n}" for n in range(8) if n != 3] + ["late"])
    assert nearest_ids(index.view(), vectors(77)[0].astype(np.float32), 1) == ["late"]
    assert index.view().version == version(2)


def test_what_is_written_during_a_compaction_stays() -> None:
    index = FaissIndex(SPACE, 1, pack_item, TINY)
    index.apply([record(f"item-{n}", n) for n in range(40)], (), version(1))
    settle(index)
    index.apply((), [f"item-{n}" for n in range(20)], version(2))
    assert index.merge(lambda: index.apply([record("late", 77), record("item-30", 78)], ["item-25"], version(3)))
    expected = [f"item-{n}" for n in range(20, 40) if n != 25] + ["late"]
    assert sorted(index.item_ids()) == sorted(expected)
    view = index.view()
    assert sorted(nearest_ids(view, query(), 40)) == sorted(expected)
    assert nearest_ids(view, vectors(78)[0].astype(np.float32), 1) == ["item-30"]
    assert view.size().deleted == 2


def test_links_are_put_onto_whatever_the_part_has_become_and_nobody_waits_for_that() -> None:
    index = FaissIndex(SPACE, 1, pack_item, TINY)
    oracle = ExactIndex(SPACE, 1, pack_item)
    numbers = count(1)

    def grow() -> None:
        number = next(numbers)
        for one in (index, oracle):
            one.apply([record(f"item-{number}-{n}", 100 * number + n) for n in range(40)], (), version(number))
        while index.settle(nothing) or index.merge(nothing):
            pass

    class Growing(Graph):
        """More is added while its links are copied."""

        def onto(self, flat: Flat) -> Graph:
            copied = super().onto(flat)
            if next(numbers) < 8:
                grower = threading.Thread(target=grow, daemon=True)
                grower.start()
                grower.join(SOON_S)
                assert not grower.is_alive()
            return copied

    class Linking(Builder):
        def links(self, part: SettledPart, proceed: Proceed) -> Graph:
            graph = super().links(part, proceed)
            grow()
            return Growing(graph.onto(part.flat)._index, part.flat)

    grow()
    index._builder = Linking(SPACE, TINY)
    assert index.link(nothing)
    index._builder = Builder(SPACE, TINY)
    assert index.view().linked == 40
    assert settled_rows(index.view()) > 120
    settle(index)
    assert index.view().linked == settled_rows(index.view())
    assert_alike(index, oracle)


@pytest.mark.parametrize("anew", [False, True])
def test_what_was_measured_holds_for_more_rows_but_not_for_other_ones(anew: bool) -> None:
    index = FaissIndex(WIDE, 1, pack_item, IndexTuning(fresh_rows=512, small_rows=512, graph_rows=ITEMS))
    data = points(7000, 1)
    some = [Record(Item(f"i{row}"), data[row : row + 1], NOW_US) for row in range(len(data))]
    index.apply(some[:6000], (), version(1))
    while index.settle(nothing) or index.merge(nothing):
        pass
    changes = iter([None])

    def change() -> None:
        for _ in changes:
            index.apply([] if anew else some[6000:], [f"i{row}" for row in range(1500)] if anew else (), version(2))
            while index.settle(nothing) or index.merge(nothing):
                pass

    assert index.link(change)
    assert index.link(nothing) == anew


def test_compaction_forgets_the_deleted() -> None:
    index = FaissIndex(SPACE, 1, pack_item, TINY)
    index.apply([record(f"item-{n}", n) for n in range(40)], (), version(1))
    settle(index)
    index.apply((), [f"item-{n}" for n in range(36)], version(2))
    settle(index)
    assert index.view().size().deleted == 0
    assert index.view().rows == 4


def test_a_build_that_is_given_up_leaves_the_index_as_it_was() -> None:
    index = FaissIndex(SPACE, 1, pack_item, TINY)
    index.apply([record(f"item-{n}", n) for n in range(8)], (), version(1))

    def stop() -> None:
        raise GiveUp

    with pytest.raises(GiveUp):
        index.settle(stop)
    assert len(nearest_ids(index.view(), query(), 10)) == 8
    assert settled_rows(index.view()) == 0


def test_writers_are_held_up_until_the_builder_has_made_room() -> None:
    index = FaissIndex(SPACE, 1, pack_item, TINY)
    index.apply([record(f"item-{n}", n) for n in range(64)], (), version(1))
    assert not index.wait_for_room(0)
    settle(index)
    assert index.wait_for_room(0)


def test_writers_that_wait_for_room_get_it_however_large_the_index_is() -> None:
    """Without room some build is due, and in the end there is room again."""
    tuning = IndexTuning(fresh_rows=8, max_fresh_rows=32, small_rows=16, max_small_rows=128)
    index = FaissIndex(SPACE, 1, pack_item, tuning)
    for first in range(0, 3000, 24):
        index.apply([record(f"i{first + n}", first + n) for n in range(24)], (), version(first))
        while not index.wait_for_room(0):
            assert index.settle(nothing) or index.merge(nothing)
    assert len(index.item_ids()) == 3000


def test_builds_that_fail_leave_no_parts_behind() -> None:
    index = FaissIndex(SPACE, 1, pack_item, TINY)
    index.apply([record(f"i{n}", n) for n in range(10)], (), version(1))

    def fail() -> None:
        raise MemoryError

    for _ in range(20):
        with pytest.raises(MemoryError):
            index.settle(fail)
    index.apply([record("x", 99)], (), version(2))
    assert len(index.view().placed) <= 3
    settle(index)
    assert len(index.view().placed) <= 3
    assert len(index.item_ids()) == 11
