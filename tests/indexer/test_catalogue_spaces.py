"""One suite over both records: spaces beside the own one, raw features, room; and what only a real one can show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from services.errors import Conflict, NotFound, NotReady, Refused
from services.indexer.index.exact import ExactIndex
from services.indexer.item import Item, Record
from services.indexer.record.arrangement import create_space, delete_space
from services.indexer.record.catalogue import Catalogue, ItemVectors, LayoutChanged, Receipt, Wanted
from services.indexer.record.catalogue_memory import InMemoryCatalogue
from services.indexer.record.catalogues import Catalogues, InMemoryCatalogues
from services.indexer.record.catalogues_redis import RedisCatalogues
from services.indexer.record.connection_redis import Connection, RecordRules
from services.indexer.record.layout import Layout
from services.indexer.record.packing_redis import pack_layout, unpack_layout
from services.indexer.serving.shelf import Shelf
from services.indexer.wire.items import pack_item
from services.indexer.writing.draft import Draft, GivenVector
from services.indexer.writing.ingest import Ingest
from services.indexer.writing.looks import Looking
from services.indexer.writing.pieces import Request
from services.spaces import Block, Float16, Space, encode
from tests.indexer.builders import (
    HEAD_SPACE,
    NOW_US,
    OTHER_SPACE,
    SPACE,
    ToyEmbedder,
    counted_bytes,
    definition,
    raw_features,
    record,
    seen,
    vectors,
)
from tests.indexer.test_catalogue import Resending, catalogues
from tests.indexer.worlds import CODEC, monotonic

__all__ = ["catalogues"]

BOTH = Wanted((OTHER_SPACE.name, HEAD_SPACE.name), raw=True)


@pytest.fixture
def shop(catalogues: Catalogues) -> Catalogue:
    return catalogues.open(catalogues.create(definition(), None))


@pytest.fixture
def wide(catalogues: Catalogues) -> Catalogue:
    return catalogues.open(catalogues.create(definition("wide", partitions=3), None))


def learned(*seeds: int) -> Float16:
    return vectors(*seeds, space=HEAD_SPACE)


def add_spaces(catalogue: Catalogue) -> Layout:
    for space in (OTHER_SPACE, HEAD_SPACE):
        layout = catalogue.layout()
        catalogue.relayout(layout, layout.adding(space))
    return catalogue.layout()


def read(catalogue: Catalogue, *item_ids: str) -> list[Record | None]:
    return catalogue.get(item_ids, BOTH)


class TestLayouts:
    def test_a_new_catalogue_has_its_own_space_behind_visual(self, shop: Catalogue) -> None:
        assert shop.layout() == Layout.first(SPACE)

    def test_a_layout_is_replaced_in_every_partition_and_said_in_every_log(self, wide: Catalogue) -> None:
        before, heads = wide.layout(), [wide.head(partition) for partition in range(3)]
        after = before.adding(OTHER_SPACE)
        mark = wide.relayout(before, after)
        assert mark == wide.head(0)
        for partition, head in enumerate(heads):
            assert wide.layout(partition) == after
            changes = wide.follow(partition, head, 0.01)
            assert (changes.layout, list(changes.upserts), changes.mark) == (after, [], wide.head(partition))

    def test_an_alias_moves_in_one_write(self, shop: Catalogue) -> None:
        layout, head = add_spaces(shop), shop.head(0)
        moved = layout.pointing("visual", HEAD_SPACE.name)
        shop.relayout(layout, moved)
        assert shop.layout() == moved
        assert shop.follow(0, head, 0.01).layout == moved

    def test_of_two_who_change_the_same_layout_one_is_told(self, shop: Catalogue) -> None:
        before = shop.layout()
        shop.relayout(before, before.adding(OTHER_SPACE))
        with pytest.raises(LayoutChanged):
            shop.relayout(before, before.adding(HEAD_SPACE))
        assert list(shop.layout().further) == [OTHER_SPACE.name]

    def test_the_same_change_again_is_done(self, shop: Catalogue) -> None:
        before = shop.layout()
        after = before.adding(OTHER_SPACE)
        assert shop.relayout(before, after).epoch == shop.relayout(before, after).epoch
        assert shop.layout() == after

    def test_a_log_without_a_change_has_no_layout(self, shop: Catalogue) -> None:
        add_spaces(shop)
        head = shop.head(0)
        shop.write(0, [record("a")], (), None)
        assert shop.follow(0, head, 0.01).layout is None

    def test_a_deleted_catalogue_has_none(self, catalogues: Catalogues, shop: Catalogue) -> None:
        layout = add_spaces(shop)
        shop.write(0, [seen(record("a"), visual=vectors(1))], (), None)
        catalogues.delete(shop.definition)
        for ask in (
            shop.layout,
            lambda: shop.relayout(layout, layout.dropping(OTHER_SPACE.name)),
            lambda: shop.put_vectors(0, OTHER_SPACE.name, [ItemVectors("a", vectors(1))], None),
        ):
            with pytest.raises(NotFound):
                ask()


class TestVectors:
    def test_vectors_of_every_space_and_raw_features_are_kept_and_read_when_wanted(self, shop: Catalogue) -> None:
        add_spaces(shop)
        full = seen(record("a", 1, 2), raw_features(1, 2), visual=vectors(3, 4), learned=learned(5))
        head = shop.head(0)
        shop.write(0, [full, record("b", 1)], (), None)
        assert read(shop, "a", "b") == [full, record("b", 1)]
        assert shop.get(["a"]) == [record("a", 1, 2)]
        assert shop.get(["a"], Wanted((HEAD_SPACE.name,))) == [seen(record("a", 1, 2), learned=learned(5))]
        assert shop.get(["a"], Wanted(raw=True)) == [seen(record("a", 1, 2), raw_features(1, 2))]
        scanned, _ = shop.scan(0, 0, 10, BOTH)
        assert sorted(scanned, key=lambda one: one.item.id) == [full, record("b", 1)]
        assert list(shop.follow(0, head, 0.01).upserts) == [replace(full, raw=None), record("b", 1)]

    def test_an_item_may_be_in_other_spaces_only(self, shop: Catalogue) -> None:
        add_spaces(shop)
        none = np.empty((0, SPACE.dimension), np.float16)
        shop.write(0, [seen(replace(record("a"), vectors=none), learned=learned(1))], (), None)
        (found,) = read(shop, "a")
        assert found is not None
        assert len(found.vectors) == 0
        assert np.array_equal(found.others[HEAD_SPACE.name], learned(1))

    def test_what_a_new_version_of_an_item_does_not_bring_is_dropped(self, shop: Catalogue) -> None:
        add_spaces(shop)
        shop.write(0, [seen(record("a"), raw_features(1), visual=vectors(1), learned=learned(1))], (), None)
        shop.write(0, [seen(record("a"), learned=learned(2))], (), None)
        assert read(shop, "a") == [seen(record("a"), learned=learned(2))]

    def test_a_deleted_item_leaves_nothing_behind(self, shop: Catalogue) -> None:
        add_spaces(shop)
        shop.write(0, [seen(record("a"), raw_features(1), visual=vectors(1))], (), None)
        shop.write(0, [], ["a"], None)
        shop.write(0, [record("a")], (), None)
        assert read(shop, "a") == [record("a")]

    def test_vectors_are_put_beside_an_item(self, shop: Catalogue) -> None:
        add_spaces(shop)
        shop.write(0, [record("a"), record("b")], (), None)
        head = shop.head(0)
        puts = [ItemVectors(name, learned(n)) for n, name in enumerate(("a", "none", "b"))]
        written = shop.put_vectors(0, HEAD_SPACE.name, puts, None)
        assert (list(written.skipped), written.mark) == ([1], shop.head(0))
        wanted = [seen(record("a"), learned=learned(0)), None, seen(record("b"), learned=learned(2))]
        assert read(shop, "a", "none", "b") == wanted
        assert list(shop.follow(0, head, 0.01).upserts) == [wanted[0], wanted[2]]

    def test_vectors_are_put_once_for_a_receipt(self, shop: Catalogue) -> None:
        add_spaces(shop)
        shop.write(0, [record("a")], (), None)
        receipt = Receipt("one", b"x", b"answer")
        puts = [ItemVectors("a", learned(1)), ItemVectors("none", learned(1))]
        first = shop.put_vectors(0, HEAD_SPACE.name, puts, receipt)
        shop.put_vectors(0, HEAD_SPACE.name, [ItemVectors("a", learned(2))], None)
        again = shop.put_vectors(0, HEAD_SPACE.name, puts, receipt)
        assert (again.mark, list(again.skipped), again.answer) == (first.mark, [1], b"answer")
        assert read(shop, "a") == [seen(record("a"), learned=learned(2))]
        with pytest.raises(Conflict):
            shop.put_vectors(0, HEAD_SPACE.name, puts, replace(receipt, digest=b"y"))

    def test_vectors_for_what_was_read_are_not_put_beside_what_came_after(self, shop: Catalogue) -> None:
        add_spaces(shop)
        shop.write(0, [record("a"), record("b")], (), None)
        stamps = {one.item.id: one.stamp for one in read(shop, "a", "b") if one}
        shop.write(0, [record("a")], (), None)
        puts = [ItemVectors(name, learned(1), stamps[name]) for name in ("a", "b")]
        assert list(shop.put_vectors(0, HEAD_SPACE.name, puts, None).skipped) == [0]
        assert read(shop, "a", "b") == [record("a"), seen(record("b"), learned=learned(1))]

    def test_there_is_no_putting_into_an_unknown_space(self, shop: Catalogue) -> None:
        for space in (HEAD_SPACE.name, SPACE.name):
            with pytest.raises(NotFound):
                shop.put_vectors(0, space, [ItemVectors("a", vectors(1))], None)

    def test_vectors_of_an_earlier_space_are_not_put_into_a_later_one_of_its_name(self, shop: Catalogue) -> None:
        earlier = add_spaces(shop).further[HEAD_SPACE.name]
        shop.write(0, [record("a")], (), None)
        shop.relayout(shop.layout(), shop.layout().dropping(HEAD_SPACE.name))
        puts = [ItemVectors("a", learned(1))]
        with pytest.raises(NotFound):
            shop.put_vectors(0, HEAD_SPACE.name, puts, None, earlier)
        shop.relayout(shop.layout(), shop.layout().adding(Space(HEAD_SPACE.name, (Block("x", 3),))))
        with pytest.raises(LayoutChanged):
            shop.put_vectors(0, HEAD_SPACE.name, puts, None, earlier)
        assert read(shop, "a") == [record("a")]
        later = shop.layout().further[HEAD_SPACE.name]
        shop.put_vectors(0, HEAD_SPACE.name, [ItemVectors("a", np.ones((1, 3), np.float16))], None, later)

    def test_a_space_that_was_deleted_and_added_again_is_empty(self, wide: Catalogue) -> None:
        layout = add_spaces(wide)
        partition = wide.definition.partition_of("a")
        wide.write(partition, [seen(record("a"), visual=vectors(1), learned=learned(1))], (), None)
        dropped = layout.dropping(HEAD_SPACE.name)
        wide.relayout(layout, dropped)
        assert read(wide, "a") == [seen(record("a"), visual=vectors(1))]
        wide.relayout(dropped, dropped.adding(HEAD_SPACE))
        assert read(wide, "a") == [seen(record("a"), visual=vectors(1))]
        assert wide.layout().made(HEAD_SPACE.name) > layout.made(HEAD_SPACE.name)

    def test_a_write_that_knows_other_spaces_is_told(self, shop: Catalogue) -> None:
        old = shop.layout().generation
        new = add_spaces(shop).generation
        with pytest.raises(LayoutChanged):
            shop.write(0, [record("a")], (), None, old)
        assert shop.get(["a"]) == [None]
        shop.write(0, [record("a")], (), None, new)
        shop.relayout(shop.layout(), shop.layout().pointing("visual", HEAD_SPACE.name))
        shop.write(0, [record("b")], (), None, new)
        assert None not in shop.get(["a", "b"])


class TestRoom:
    @pytest.fixture(params=["memory", "redis", "redis, each command twice"])
    def small(self, request: pytest.FixtureRequest) -> Iterator[Catalogue]:
        """At most 3 items, by the service's rule."""
        if request.param == "memory":
            yield InMemoryCatalogue(definition(), b"12345678", 3)
            return
        kind = redis.Redis if request.param == "redis" else Resending
        with closing(kind.from_url(request.getfixturevalue("redis_url"))) as client:
            catalogues = RedisCatalogues(Connection(client, client), RecordRules(max_items=3), counted_bytes())
            yield catalogues.open(catalogues.create(definition(), None))

    def test_new_items_beyond_it_are_skipped_and_old_ones_replaced(self, small: Catalogue) -> None:
        names = ["a", "b", "c", "d", "e"]
        receipt = Receipt("one", b"x")
        written = small.write(0, [record(name) for name in names], (), receipt)
        assert list(written.skipped) == [3, 4]
        remembered = small.remembered(0, receipt)
        assert remembered is not None
        assert list(remembered.skipped) == [3, 4]
        assert [one is not None for one in small.get(names)] == [True, True, True, False, False]
        assert not small.write(0, [record("a", title="new")], (), None).skipped
        small.write(0, [], ["b"], None)
        assert list(small.write(0, [record("a"), record("d"), record("e")], (), None).skipped) == [2]

    def test_a_catalogue_may_have_a_number_of_its_own(self, catalogues: Catalogues) -> None:
        made = catalogues.create(replace(definition(), max_items=1), None)
        assert catalogues.all() == [made]
        assert list(catalogues.open(made).write(0, [record("a"), record("b")], (), None).skipped) == [1]

    @given(st.integers(1, 64), st.integers(1, 10_000), st.integers(0, 10_000))
    def test_partitions_share_it_evenly_and_never_have_more(self, partitions: int, own: int, rule: int) -> None:
        shares = [replace(definition(partitions=partitions), max_items=own).room(p, rule) for p in range(partitions)]
        known = [share for share in shares if share is not None]
        assert sum(known) == own
        assert max(known) - min(known) <= 1

    def test_without_a_number_there_is_room_for_all(self) -> None:
        assert definition().room(0, 0) is None
        assert definition().room(0, 5) == 5


class TestRedis:
    """What only a real record can show."""

    @pytest.fixture
    def client(self, redis_url: str) -> Iterator[redis.Redis]:
        with closing(redis.Redis.from_url(redis_url)) as client:
            yield client

    @pytest.fixture
    def records(self, client: redis.Redis) -> RedisCatalogues:
        return RedisCatalogues(Connection(client, client), RecordRules(), counted_bytes())

    def test_who_does_not_know_a_later_space_yet_puts_vectors_into_it(self, records: RedisCatalogues) -> None:
        made = records.create(definition(), None)
        old, new = records.open(made), records.open(made)
        old.write(0, [record("a")], (), None)
        add_spaces(old)
        new.relayout(new.layout(), new.layout().dropping(HEAD_SPACE.name))
        new.relayout(new.layout(), new.layout().adding(HEAD_SPACE))
        later = new.layout().further[HEAD_SPACE.name]
        assert not old.put_vectors(0, HEAD_SPACE.name, [ItemVectors("a", learned(1))], None, later).skipped

    def test_a_deleted_catalogue_leaves_no_key(self, client: redis.Redis, records: RedisCatalogues) -> None:
        shop = records.open(records.create(definition(partitions=2), None))
        add_spaces(shop)
        for name in ("a", "b"):
            full = seen(record(name), raw_features(1), visual=vectors(1), learned=learned(1))
            shop.write(shop.definition.partition_of(name), [full], (), None)
        records.delete(shop.definition)
        assert client.keys("*") == []

    def test_a_partition_that_a_crash_kept_from_a_space_gets_it_when_it_is_needed(
        self, client: redis.Redis, records: RedisCatalogues
    ) -> None:
        made = records.create(definition(partitions=2), None)
        shop, crashed = records.open(made), records.open(made)
        behind = next(name for name in "abcdefgh" if made.partition_of(name) == 1)
        shop.write(1, [record(behind)], (), None)
        key = f"visrec:{{shop.{made.incarnation}:1}}:layout"
        before, old = crashed.layout(), client.hgetall(key)
        crashed.relayout(before, before.adding(HEAD_SPACE))
        client.delete(key)
        client.hset(key, mapping=old)  # type: ignore[arg-type] # as it was before the second partition's turn
        assert not shop.put_vectors(1, HEAD_SPACE.name, [ItemVectors(behind, learned(1))], None).skipped
        assert shop.layout(1) == shop.layout(0)
        assert read(shop, behind) == [seen(record(behind), learned=learned(1))]

    @pytest.fixture
    def cut(self, records: RedisCatalogues, monkeypatch: pytest.MonkeyPatch) -> Shelf:
        """Redis goes away whenever a change of its layout has come to partition 0 only."""
        catalogue = records.open(records.create(definition(partitions=2), None))

        def away(_: int) -> Layout:
            raise NotReady("Redis does not answer")

        monkeypatch.setattr(catalogue, "level", away)
        return shelf_of(catalogue)

    def test_a_creation_that_was_cut_short_is_finished_by_the_next(self, records: RedisCatalogues, cut: Shelf) -> None:
        with pytest.raises(NotReady):
            create_space(cut, HEAD_SPACE)
        shop = records.open(cut.definition)
        assert list(shop.layout(0).further) == [HEAD_SPACE.name]
        assert not shop.layout(1).further
        create_space(shelf_of(shop), HEAD_SPACE)
        assert shop.layout(1) == shop.layout(0)

    def test_a_deletion_that_was_cut_short_is_finished_by_the_next(
        self, client: redis.Redis, records: RedisCatalogues, cut: Shelf
    ) -> None:
        shop = records.open(cut.definition)
        create_space(shelf_of(shop), HEAD_SPACE)
        behind = next(name for name in "abcdefgh" if shop.definition.partition_of(name) == 1)
        shop.write(1, [seen(record(behind), learned=learned(1))], (), None)
        with pytest.raises(NotReady):
            delete_space(cut, HEAD_SPACE.name)
        assert list(shop.layout(1).further) == [HEAD_SPACE.name]
        with pytest.raises(NotFound):
            delete_space(shelf_of(shop), HEAD_SPACE.name)
        assert not shop.layout(1).further
        assert client.keys("*:vectors:*") == []

    def test_items_are_written_into_a_space_that_has_not_come_to_their_partition(
        self, records: RedisCatalogues, cut: Shelf
    ) -> None:
        with pytest.raises(NotReady):
            create_space(cut, HEAD_SPACE)
        shop = records.open(cut.definition)
        behind = next(name for name in "abcdefgh" if shop.definition.partition_of(name) == 1)
        given_vector = GivenVector(HEAD_SPACE.name, encode(learned(1)[0]))
        ingest = Ingest(Looking(ToyEmbedder(), keep_raw=False), CODEC, lambda: NOW_US)
        assert not ingest.ingest(shop, [Draft(Item(behind), vectors=[given_vector])], Request()).failures
        (found,) = read(shop, behind)
        assert found is not None
        assert list(found.others) == [HEAD_SPACE.name]

    def test_a_replica_that_knows_an_older_layout_drops_what_it_does_not_know(self, records: RedisCatalogues) -> None:
        made = records.create(definition(), None)
        old, new = records.open(made), records.open(made)
        old.write(0, [record("a")], (), None)
        add_spaces(new)
        new.put_vectors(0, HEAD_SPACE.name, [ItemVectors("a", learned(1))], None)
        old.write(0, [record("a", title="new")], (), None)
        assert read(new, "a") == [record("a", title="new")]


def shelf_of(catalogue: Catalogue) -> Shelf:
    """Nobody follows; it does not wait to see its own changes."""
    shelf = Shelf(
        catalogue, lambda of, space: ExactIndex(space, of.partitions, pack_item), lambda *_: None, clock=monotonic
    )
    shelf.reach = lambda *_: True  # type: ignore[method-assign]
    return shelf


@given(st.lists(st.sampled_from(["add", "drop", "point", "unpoint"]), max_size=12))
def test_a_layout_survives_packing_and_always_has_a_space_behind_visual(steps: list[str]) -> None:
    layout = Layout.first(SPACE)
    for step in steps:
        before, packed = layout, pack_layout(layout)
        try:
            match step:
                case "add":
                    layout = layout.adding(HEAD_SPACE)
                case "drop":
                    layout = layout.dropping(HEAD_SPACE.name)
                case "point":
                    layout = layout.pointing("visual", HEAD_SPACE.name)
                case "unpoint":
                    layout = layout.pointing("visual", SPACE.name)
        except (NotFound, Refused, Conflict):
            assert pack_layout(before) == packed, "refused: nothing changes"
        assert layout.resolve("") == layout.resolve("visual")
        assert unpack_layout(pack_layout(layout)) == layout
        assert layout.revision >= layout.generation


def test_in_memory_catalogues_pass_their_rule_on() -> None:
    catalogues = InMemoryCatalogues(counted_bytes(), 1)
    shop = catalogues.open(catalogues.create(definition(), None))
    assert list(shop.write(0, [record("a"), record("b")], (), None).skipped) == [1]
