"""The ways to the nearest rows of a settled part, each taken for itself, and what is measured of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from services.indexer.filters import Condition, Filter, WordTest
from services.indexer.index import compiled, hunt
from services.indexer.index.builder import IndexTuning
from services.indexer.index.calibration import calibrated, scanned_mixes
from services.indexer.index.effort import Way
from services.indexer.index.faiss_index import FaissIndex
from services.indexer.index.faiss_view import FaissView
from services.indexer.index.flat import Near
from services.indexer.index.graph import GraphTuning
from services.indexer.index.hunt import Hunt
from services.indexer.index.items import ItemSet
from services.indexer.index.part import Chosen
from services.indexer.index.port import Accuracy, Aims
from services.indexer.index.settled import SettledPart
from services.indexer.item import Item, Record
from services.indexer.wire.items import pack_item
from services.spaces import Float16, Float32, canonical
from tests.indexer.builders import NOW_US
from tests.indexer.test_index import WIDE, nothing, points, settle, version

ROWS = 6000
TUNING = IndexTuning(fresh_rows=1000, small_rows=2000, graph_rows=2000, graph=GraphTuning(ef_construction=60))


def part_of(data: Float16) -> SettledPart:
    """One of all these rows, with all that a part may have."""
    index = FaissIndex(WIDE, 1, pack_item, TUNING)
    records = [Record(Item(f"i{row}"), data[row : row + 1], NOW_US) for row in range(len(data))]
    index.apply(records, (), version(1))
    settle(index)
    view = index.view()
    assert isinstance(view, FaissView)
    (part,) = [placed.part for placed in view.placed if placed.part.rows]
    assert isinstance(part, SettledPart)
    assert part.walkable
    assert part.refined
    return part


@pytest.fixture(scope="module")
def part() -> SettledPart:
    return part_of(points(ROWS, 1))


WAYS: dict[Way, Callable[[SettledPart, Float32], Near]] = {
    Way.COMPARE: lambda part, weighed: part.flat.compare(weighed, 10, None),
    Way.SCAN: lambda part, weighed: part.refined.nearest(weighed, 10, 300),  # type: ignore[union-attr]
    Way.WALK: lambda part, weighed: part.walkable.nearest(weighed, 10, 128),  # type: ignore[union-attr]
}


@pytest.mark.parametrize("way", Way)
def test_each_way_finds_the_nearest(part: SettledPart, way: Way) -> None:
    queries = points(50, 2).astype(np.float32) * np.repeat(np.sqrt([0.5, 0.5]), [48, 16]).astype(np.float32)
    true = np.argsort(-(queries @ part.flat.canonical.astype(np.float32).T), axis=1)[:, :10]
    _, found = WAYS[way](part, queries)
    shared = [len(set(mine) & set(theirs)) for mine, theirs in zip(found.tolist(), true.tolist(), strict=True)]
    assert np.mean(shared) / 10 >= (1.0 if way is Way.COMPARE else 0.97)


def efforts(data: Float16) -> list[int]:
    measured = calibrated(part_of(data), WIDE, nothing)
    return [measured.looked_at(mix, Accuracy.BALANCED) for mix in scanned_mixes(WIDE)]


def test_of_duplicates_any_will_do() -> None:
    """Each photo 40 times: which of them is found does not matter."""
    assert all(efforts(np.repeat(points(ROWS // 40, 1), 40, axis=0)))


def test_queries_without_what_the_mix_looks_at_do_not_count() -> None:
    data = points(ROWS, 1)
    data[::10, 48:] = 0
    assert all(efforts(canonical(data.astype(np.float32))))


def test_a_mix_that_nothing_suffices_for_speaks_for_its_neighbours_only(part: SettledPart) -> None:
    measured = calibrated(part, WIDE, nothing).scans
    measured.efforts[Accuracy.BALANCED][2] = 0
    failed, other = measured.mixes[2], measured.mixes[4]
    assert measured.worst(failed, Accuracy.BALANCED) == 0
    assert measured.worst(other, Accuracy.BALANCED) == measured.efforts[Accuracy.BALANCED].max()


def test_many_dear_queries_are_asked_in_pieces_between_which_they_can_be_given_up(
    part: SettledPart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hunt, "PIECE_US", 100)
    queries = points(40, 3).astype(np.float32)
    weights = np.tile(WIDE.weights({}), (len(queries), 1))
    everything = Chosen(None, ItemSet.empty(part.items))
    asked: list[None] = []
    whole = Hunt(part, everything, 10, Accuracy.EXACT, lambda: asked.append(None)).nearest(Aims(queries, weights))
    assert len(asked) > 5
    alone = [
        Hunt(part, everything, 10, Accuracy.EXACT, nothing).nearest(Aims(queries[n : n + 1], weights[n : n + 1]))[0]
        for n in range(len(queries))
    ]
    assert [rows.tolist() for rows, _ in whole] == [rows.tolist() for rows, _ in alone]


def test_remembered_filters_are_bounded_and_counted(part: SettledPart) -> None:
    before = part.nbytes
    for number in range(3000):
        part.passing(Filter(must_not=(Condition("id", WordTest(frozenset({f"i{number}"}))),)))
    assert 0 < part.nbytes - before <= compiled.LEAST_BYTES + compiled.ITEM_BYTES * part.items
