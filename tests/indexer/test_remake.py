"""A space's vectors from raw features: whatever is written meanwhile, and whatever is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from services.errors import NotFound, Refused
from services.indexer.index.exact import ExactIndex
from services.indexer.item import Record
from services.indexer.operations.operation import Operation, Progress, Subject
from services.indexer.operations.remake import remake
from services.indexer.operations.workshop import Task
from services.indexer.record.catalogue import PLAIN, Catalogue, ItemVectors, Receipt, ScanLost, Wanted, Written
from services.indexer.record.layout import Added
from services.indexer.serving.shelf import Shelf
from services.indexer.wire.items import pack_item
from services.indexer.writing.embedder import Kept
from services.spaces import Block, Float16, Space, canonical
from tests.indexer.builders import (
    HEAD_SPACE,
    NOW_US,
    OTHER_SPACE,
    SPACE,
    ToyEmbedder,
    raw_features,
    record,
    seen,
    vectors,
)
from tests.indexer.test_shelf import Troubled
from tests.indexer.worlds import catalogue_in_memory, monotonic


class Overtaken(Troubled):
    """Somebody writes just before vectors are put."""

    before_put: Callable[[], object] = staticmethod(lambda: None)

    def put_vectors(
        self,
        partition: int,
        space: str,
        items: Sequence[ItemVectors],
        receipt: Receipt | None,
        added: Added | None = None,
    ) -> Written:
        self.before_put()
        return super().put_vectors(partition, space, items, receipt, added)


def shop_of(partitions: int = 1) -> Overtaken:
    shop = Overtaken(catalogue_in_memory(partitions))
    layout = shop.layout()
    shop.relayout(layout, layout.adding(HEAD_SPACE))
    return shop


def put(shop: Catalogue, name: str, *seeds: int, raw: bool = True) -> None:
    one = seen(record(name, *seeds), raw_features(*seeds) if raw else None)
    shop.write(shop.definition.partition_of(name), [one], (), None)


def expected(*seeds: int) -> Float16:
    toy = ToyEmbedder()
    kept = zip(raw_features(*seeds), vectors(*seeds), strict=True)
    return canonical(np.array([toy.projected_one(Kept(raw, vector), HEAD_SPACE) for raw, vector in kept]))


def run(shop: Catalogue, toy: ToyEmbedder | None = None, space: str = HEAD_SPACE.name, checkpoint: str = "") -> Task:
    shelf = Shelf(shop, lambda of, one: ExactIndex(one, of.partitions, pack_item), lambda _, __: None, clock=monotonic)
    operation = Operation(
        "op", Subject("remake", "shop", "ff", space), NOW_US, progress=Progress(checkpoint=checkpoint)
    )
    task = Task(operation, monotonic)
    try:
        remake(shelf, toy or ToyEmbedder(), task)
    except Refused as problem:
        task.give_up(problem)
    return task


def found(shop: Catalogue, name: str) -> Float16 | None:
    (one,) = shop.get([name], Wanted((HEAD_SPACE.name,)))
    assert one is not None
    return one.others.get(HEAD_SPACE.name)


@pytest.mark.parametrize("partitions", [1, 3])
def test_every_item_gets_a_vector_for_each_photo(partitions: int) -> None:
    shop = shop_of(partitions)
    for number in range(20):
        put(shop, f"item-{number}", number, number + 100)
    task = run(shop)
    task.proceed()
    assert task.progress.counts == {"made": 20}
    assert (task.progress.done, task.progress.total) == (20, 20)
    for number in range(20):
        assert np.array_equal(found(shop, f"item-{number}"), expected(number, number + 100))  # type: ignore[arg-type]


def test_an_item_that_is_written_meanwhile_is_made_from_what_it_is_by_then() -> None:
    shop = shop_of()
    put(shop, "a", 1)
    put(shop, "b", 2)
    put(shop, "c", 3)
    moments = iter([1])

    def overtake() -> None:
        if next(moments, None):
            put(shop.inner, "a", 7)
            shop.inner.write(0, [], ["b"], None)

    shop.before_put = overtake
    task = run(shop)
    task.proceed()
    assert task.progress.counts == {"made": 2}
    assert np.array_equal(found(shop, "a"), expected(7))  # type: ignore[arg-type]
    assert np.array_equal(found(shop, "c"), expected(3))  # type: ignore[arg-type]


def test_items_without_raw_features_are_counted_and_told() -> None:
    shop = shop_of()
    put(shop, "a", 1)
    put(shop, "without", 2, raw=False)
    put(shop, "kept", 3, raw=False)
    shop.put_vectors(0, HEAD_SPACE.name, [ItemVectors("kept", expected(9))], None)
    task = run(shop)
    with pytest.raises(Refused) as refused:
        task.proceed()
    assert refused.value.reason == "ITEMS_WITHOUT_VECTORS"
    assert refused.value.metadata == {"without_raw_features": "1"}
    assert task.progress.counts == {"made": 1, "without_raw_features": 1, "kept": 1}
    assert found(shop, "a") is not None
    assert np.array_equal(found(shop, "kept"), expected(9))  # type: ignore[arg-type]


def test_it_goes_on_from_where_another_one_stopped() -> None:
    shop = shop_of(2)
    names = [f"item-{number}" for number in range(10)]
    for number, name in enumerate(names):
        put(shop, name, number)
    run(shop, checkpoint="1 0").proceed()
    assert [found(shop, name) is not None for name in names] == [
        shop.definition.partition_of(name) == 1 for name in names
    ]


def test_a_partition_whose_scan_was_lost_begins_again_and_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = shop_of(2)
    for number in range(20):
        put(shop, f"item-{number}", number, raw=bool(number % 2))
    scan, again = shop.inner.scan, iter([1])

    def lost(partition: int, cursor: int, items: int, wanted: Wanted = PLAIN) -> tuple[list[Record], int]:
        if partition == 1 and cursor >= 6 and next(again, None):
            raise ScanLost
        return scan(partition, cursor, items, wanted)

    monkeypatch.setattr(shop.inner, "scan", lost)
    task = run(shop)
    assert next(again, None) is None
    assert task.progress.counts == {"made": 10, "without_raw_features": 10}
    assert (task.progress.done, task.progress.total) == (20, 20)


def test_a_space_of_nobody_is_not_found() -> None:
    shop = shop_of()
    put(shop, "a", 1)
    with pytest.raises(NotFound):
        run(shop, space=OTHER_SPACE.name)
    toy = ToyEmbedder()
    toy.heads = {}
    with pytest.raises(NotFound, match="no head"):
        run(shop, toy)
    with pytest.raises(Refused):
        run(shop, space=SPACE.name).proceed()


def test_it_ends_when_its_space_makes_room_for_another_one_of_its_name() -> None:
    shop = shop_of()
    put(shop, "a", 1)

    def replace_space() -> None:
        shop.relayout(shop.layout(), shop.layout().dropping(HEAD_SPACE.name))
        shop.relayout(shop.layout(), shop.layout().adding(Space(HEAD_SPACE.name, (Block("x", 3),))))

    shop.before_put = replace_space
    with pytest.raises(NotFound, match="another one of its name"):
        run(shop)
    assert found(shop, "a") is None


def test_it_can_be_made_from_vectors_of_any_other_space() -> None:
    """Of an item that has none in the catalogue's own one."""
    shop = shop_of()
    layout = shop.layout()
    shop.relayout(layout, layout.adding(OTHER_SPACE))
    none = np.empty((0, SPACE.dimension), np.float16)
    shop.write(0, [seen(replace(record("a"), vectors=none), raw_features(1), visual=vectors(1))], (), None)
    run(shop).proceed()
    assert np.array_equal(found(shop, "a"), expected(1))  # type: ignore[arg-type]
