"""One suite over both records: what the port promises, whoever keeps it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import redis

from services.errors import Conflict, InvalidInput, NotFound, NotReady
from services.indexer.definition import Definition
from services.indexer.index.exact import ExactIndex
from services.indexer.item import Record
from services.indexer.record.catalogue import PLAIN, Catalogue, LogLost, Receipt, ScanLost, Wanted
from services.indexer.record.catalogues import Catalogues, InMemoryCatalogues
from services.indexer.record.catalogues_redis import RedisCatalogues
from services.indexer.record.connection_redis import Connection, RecordRules
from services.indexer.record.reading import Listing, _Place, list_items
from services.indexer.serving.shelf import Shelf
from services.indexer.wire.items import pack_item
from services.runtime.embedded import EmbeddedRedis
from services.runtime.redis import open_redis
from services.runtime.settings import RuntimeSettings
from tests.indexer.builders import counted_bytes, definition, record
from tests.indexer.worlds import monotonic


class Resending(redis.Redis):
    """Every answer is lost once: each command is sent twice, as the client does when a connection breaks."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]


class Interrupted(redis.Redis):
    """Something happens before each command, which may raise."""

    before: Callable[[], object] = staticmethod(lambda: None)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self.before()
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, *args: Any, **options: Any) -> Any:
        self.before()
        return super().pipeline(*args, **options)


def over(client: redis.Redis) -> RedisCatalogues:
    return RedisCatalogues(Connection(client, client), RecordRules(), counted_bytes())


@pytest.fixture(params=["memory", "redis", "redis, each command twice"])
def catalogues(request: pytest.FixtureRequest) -> Iterator[Catalogues]:
    if request.param == "memory":
        yield InMemoryCatalogues(counted_bytes())
        return
    kind = redis.Redis if request.param == "redis" else Resending
    with closing(kind.from_url(request.getfixturevalue("redis_url"))) as client:
        yield over(client)


@pytest.fixture
def shop(catalogues: Catalogues) -> Catalogue:
    return catalogues.open(catalogues.create(definition(), None))


def scanned(catalogue: Catalogue, partition: int = 0, batch: int = 10) -> list[str]:
    ids, cursor, begun = [], 0, False
    while cursor or not begun:
        begun = True
        records, cursor = catalogue.scan(partition, cursor, batch)
        ids += [one.item.id for one in records]
    return ids


class TestCatalogues:
    def test_lists_by_name_what_was_created(self, catalogues: Catalogues) -> None:
        made = [catalogues.create(definition(name, partitions), None) for name, partitions in (("b", 2), ("a", 1))]
        assert catalogues.all() == made[::-1]

    def test_refuses_a_name_that_exists(self, catalogues: Catalogues) -> None:
        catalogues.create(definition(), None)
        with pytest.raises(Conflict):
            catalogues.create(replace(definition(), incarnation="ff"), None)

    def test_the_same_receipt_gets_the_first_definition(self, catalogues: Catalogues) -> None:
        first = catalogues.create(definition(), Receipt("one", b"x"))
        again = replace(definition(), incarnation="ff", created_us=5)
        assert catalogues.create(again, Receipt("one", b"x")) == first
        with pytest.raises(Conflict):
            catalogues.create(again, Receipt("one", b"y"))
        with pytest.raises(Conflict):
            catalogues.create(again, Receipt("two", b"x"))

    def test_the_loser_of_a_name_leaves_the_winner_whole(self, catalogues: Catalogues) -> None:
        shop = catalogues.open(catalogues.create(definition(), None))
        shop.write(0, [record("a")], (), None)
        with pytest.raises(Conflict):
            catalogues.create(replace(definition(), incarnation="ff"), None)
        assert shop.get(["a"]) == [record("a")]

    def test_deletes_with_all_items(self, catalogues: Catalogues, shop: Catalogue) -> None:
        shop.write(0, [record("a"), record("b")], (), None)
        assert catalogues.delete(shop.definition) == 2
        assert catalogues.all() == []
        for ask in (
            lambda: shop.write(0, [record("a")], (), None),
            lambda: shop.get(["a"]),
            lambda: shop.head(0),
            lambda: shop.scan(0, 0, 10),
            lambda: catalogues.delete(shop.definition),
        ):
            with pytest.raises(NotFound):
                ask()

    def test_a_new_catalogue_of_an_old_name_is_empty(self, catalogues: Catalogues, shop: Catalogue) -> None:
        shop.write(0, [record("a")], (), Receipt("one", b"x"))
        catalogues.delete(shop.definition)
        fresh = catalogues.open(catalogues.create(replace(definition(), incarnation="ff"), None))
        assert fresh.get(["a"]) == [None]
        assert fresh.remembered(0, Receipt("one", b"y")) is None
        with pytest.raises(NotFound):
            catalogues.delete(shop.definition)

    def test_is_there(self, catalogues: Catalogues) -> None:
        catalogues.ping()


class TestCatalogue:
    def test_gives_back_what_was_written_in_the_order_asked_for(self, shop: Catalogue) -> None:
        shop.write(0, [record("a", 1, 2, title="A"), record("b", tags=("x",))], (), None)
        assert shop.get(["b", "none", "a"]) == [record("b", tags=("x",)), None, record("a", 1, 2, title="A")]

    def test_an_item_is_replaced_as_a_whole_and_keeps_its_first_time(self, shop: Catalogue) -> None:
        shop.write(0, [record("a", 1, 2, created_us=5, title="old")], (), None)
        shop.write(0, [record("a", 3, created_us=9)], (), None)
        assert shop.get(["a"]) == [record("a", 3, created_us=5)]

    def test_removes_and_counts_what_was_there(self, shop: Catalogue) -> None:
        shop.write(0, [record("a"), record("b")], (), None)
        assert shop.write(0, [], ["a", "none"], None).removed == 1
        assert shop.get(["a", "b"]) == [None, record("b")]

    def test_every_write_moves_the_head_and_an_empty_one_does_not(self, shop: Catalogue) -> None:
        before = shop.head(0)
        written = shop.write(0, [record("a")], (), None).mark
        assert written == shop.head(0)
        assert written.position > before.position
        assert written.epoch == before.epoch
        assert shop.write(0, [], ["none"], None).mark == written

    def test_a_receipt_makes_a_write_act_once(self, shop: Catalogue) -> None:
        receipt = Receipt("one", b"x", b"answer")
        first = shop.write(0, [record("a")], (), receipt)
        assert first.answer == b"answer"
        shop.write(0, [], ["a"], None)
        assert shop.write(0, [record("a")], (), replace(receipt, answer=b"other")) == first
        assert shop.remembered(0, receipt) == first
        assert shop.get(["a"]) == [None]

    def test_a_receipt_remembers_how_many_were_removed(self, shop: Catalogue) -> None:
        shop.write(0, [record("a")], (), None)
        for _ in range(2):
            assert shop.write(0, [], ["a"], Receipt("one", b"x")).removed == 1

    def test_a_receipt_with_another_payload_is_a_conflict(self, shop: Catalogue) -> None:
        shop.write(0, [record("a")], (), Receipt("one", b"x"))
        with pytest.raises(Conflict):
            shop.write(0, [record("b")], (), Receipt("one", b"y"))
        with pytest.raises(Conflict):
            shop.remembered(0, Receipt("one", b"y"))
        assert shop.get(["b"]) == [None]

    def test_a_receipt_of_nobody_is_unknown(self, shop: Catalogue) -> None:
        assert shop.remembered(0, Receipt("one", b"x")) is None

    def test_a_scan_sees_each_item_once(self, shop: Catalogue) -> None:
        names = [f"item-{number}" for number in range(137)]
        for start in range(0, 137, 50):
            shop.write(0, [record(name, 1) for name in names[start : start + 50]], (), None)
        assert sorted(scanned(shop)) == sorted(names)

    def test_a_scan_may_begin_with_a_cursor_that_can_be_kept(self, shop: Catalogue) -> None:
        shop.write(0, [record(f"item-{number}", 1) for number in range(137)], (), None)
        assert shop.scan(0, shop.first_cursor(0), 10) == shop.scan(0, 0, 10)

    def test_follows_changes_up_to_the_head(self, shop: Catalogue) -> None:
        start = shop.head(0)
        shop.write(0, [record("a"), record("b")], (), None)
        shop.write(0, [record("a", title="new")], ["b"], None)
        changes = shop.follow(0, start, 0.01)
        assert list(changes.upserts) == [record("a", title="new")]
        assert list(changes.removed) == ["b"]
        assert changes.mark == shop.head(0)

    def test_reads_a_long_log_to_its_end(self, shop: Catalogue) -> None:
        mark, seen = shop.head(0), set()
        for number in range(150):
            shop.write(0, [record(f"item-{number}", 1)], (), None)
        while mark != shop.head(0):
            changes = shop.follow(0, mark, 0.01)
            mark = changes.mark
            seen |= {one.item.id for one in changes.upserts}
        assert len(seen) == 150

    def test_nothing_new_is_no_change(self, shop: Catalogue) -> None:
        head = shop.head(0)
        changes = shop.follow(0, head, 0.01)
        assert (list(changes.upserts), list(changes.removed), changes.mark) == ([], [], head)

    def test_whoever_waits_is_woken_by_a_write(self, shop: Catalogue) -> None:
        start = shop.head(0)
        writer = threading.Timer(0.05, lambda: shop.write(0, [record("a")], (), None))
        writer.start()
        assert [one.item.id for one in shop.follow(0, start, 4).upserts] == ["a"]
        writer.join()

    def test_a_mark_of_another_epoch_is_lost(self, shop: Catalogue) -> None:
        with pytest.raises(LogLost):
            shop.follow(0, replace(shop.head(0), epoch=b"12345678"), 0.01)

    def test_partitions_are_apart(self, catalogues: Catalogues) -> None:
        wide = catalogues.open(catalogues.create(definition("wide", partitions=3), None))
        names = [f"item-{number}" for number in range(30)]
        before = wide.head(1)
        by_partition = {p: [name for name in names if wide.definition.partition_of(name) == p] for p in range(3)}
        for partition in (0, 2):
            wide.write(partition, [record(name, 1) for name in by_partition[partition]], (), None)
        assert wide.head(1) == before
        assert sorted(scanned(wide, 2)) == sorted(by_partition[2])
        found = wide.get(names)
        assert [one is not None for one in found] == [name not in by_partition[1] for name in names]


class TestRedisCatalogues:
    """What only a record that somebody else changes, or that goes away in between, can show."""

    @pytest.fixture
    def client(self, redis_url: str) -> Iterator[redis.Redis]:
        with closing(redis.Redis.from_url(redis_url)) as client:
            yield client

    @pytest.fixture
    def interrupted(self, redis_url: str) -> Iterator[Interrupted]:
        with closing(Interrupted.from_url(redis_url)) as client:
            assert isinstance(client, Interrupted)
            yield client

    def test_a_deletion_that_was_cut_short_anywhere_is_finished_by_the_next(
        self, client: redis.Redis, interrupted: Interrupted
    ) -> None:
        catalogues = over(client)
        for commands in count():
            shop = catalogues.open(catalogues.create(definition(partitions=2), None))
            shop.write(0, [record("a")], (), None)
            left = iter(range(commands))
            interrupted.before = lambda left=left: _next_or_cut(left)  # type: ignore[misc]
            try:
                over(interrupted).delete(definition(partitions=2))
            except NotReady:
                with suppress(NotFound):
                    catalogues.delete(definition(partitions=2))
                assert client.keys("*") == []
            else:
                break
        assert commands > 2
        assert client.keys("*") == []

    def test_a_deletion_leaves_the_catalogue_that_has_the_name_by_now(
        self, client: redis.Redis, interrupted: Interrupted
    ) -> None:
        catalogues = over(client)
        old = catalogues.create(definition(), None)
        again = replace(definition(), incarnation="ff")

        def overtake() -> None:
            # After the deletion has read the name.
            if next(commands) == 1:
                catalogues.delete(old)
                catalogues.create(again, None)

        commands = count()
        interrupted.before = overtake
        over(interrupted).delete(old)
        assert catalogues.all() == [again]
        assert catalogues.open(again).get(["a"]) == [None]

    def test_a_follower_may_wait_longer_than_commands_may_take(self, redis_runtime: RuntimeSettings) -> None:
        hasty = redis_runtime.model_copy(update={"redis_timeout_s": 0.1})
        with closing(Connection.open(hasty, followers=2, wait_s=0.5)) as connection:
            catalogues = RedisCatalogues(connection, RecordRules(), counted_bytes())
            shop = catalogues.open(catalogues.create(definition(), None))
            assert shop.follow(0, shop.head(0), 0.5).mark == shop.head(0)


def _next_or_cut(left: Iterator[int]) -> None:
    if next(left, None) is None:
        raise redis.ConnectionError


@pytest.mark.parametrize(
    ("name", "partitions", "field"), [("", 1, "catalogue"), ("Shop", 1, "catalogue"), ("shop", 65, "partitions")]
)
def test_a_definition_out_of_bounds_is_refused(name: str, partitions: int, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        definition(name, partitions)
    assert refused.value.field == field


def test_the_partition_of_an_item_is_part_of_the_stored_format() -> None:
    assert [definition(partitions=8).partition_of(name) for name in ("a", "item-1", "größe")] == [3, 1, 1]


def _log_key(shop: Definition) -> str:
    return f"visrec:{{{shop.name}.{shop.incarnation}:0}}:log"


class TestRedisLog:
    """What only a real log can do: be trimmed, and go back in time."""

    @pytest.fixture
    def shop(self, redis_runtime: RuntimeSettings) -> Iterator[Catalogue]:
        with closing(open_redis(redis_runtime)) as client:
            catalogues = RedisCatalogues(Connection(client, client), RecordRules(), counted_bytes())
            self.redis = client
            yield catalogues.open(catalogues.create(definition(), None))

    def test_a_position_that_was_trimmed_is_lost_without_a_new_epoch(self, shop: Catalogue) -> None:
        start = shop.head(0)
        for number in range(3):
            shop.write(0, [record(f"item-{number}")], (), None)
        self.redis.xtrim(_log_key(shop.definition), maxlen=1, approximate=False)
        with pytest.raises(LogLost):
            shop.follow(0, start, 0.01)
        assert shop.head(0).epoch == start.epoch

    def test_a_record_that_went_back_begins_a_new_epoch_once(self, shop: Catalogue) -> None:
        shop.write(0, [record("a")], (), None)
        ahead = shop.write(0, [record("b")], (), None).mark
        self.redis.xdel(_log_key(shop.definition), str(ahead.position))
        for _ in range(2):
            with pytest.raises(LogLost):
                shop.follow(0, ahead, 0.01)
        epoch = shop.head(0).epoch
        assert epoch != ahead.epoch
        with pytest.raises(LogLost):
            shop.follow(0, ahead, 0.01)
        assert shop.head(0).epoch == epoch

    def test_a_record_that_went_back_and_on_again_begins_a_new_epoch(self, shop: Catalogue) -> None:
        shop.write(0, [record("a")], (), None)
        lost = shop.write(0, [record("b")], (), None).mark
        self.redis.xdel(_log_key(shop.definition), str(lost.position))
        shop.write(0, [record("c")], (), None)
        with pytest.raises(LogLost):
            shop.follow(0, lost, 0.01)
        assert shop.head(0).epoch != lost.epoch

    def test_receipts_expire(self, shop: Catalogue) -> None:
        shop.write(0, [record("a")], (), Receipt("one", b"x"))
        key = _log_key(shop.definition).replace(":log", ":receipt:one")
        assert 86_000 < self.redis.ttl(key) <= 86_400


class TestRestarts:
    """What only a server that is started again can do: have its items in another order."""

    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[EmbeddedRedis]:
        server = EmbeddedRedis(tmp_path / "redis")
        server.start()
        yield server
        server.stop()

    @pytest.fixture
    def shop(self, server: EmbeddedRedis, runtime: RuntimeSettings) -> Iterator[Catalogue]:
        """With 1000 items."""
        with closing(Connection.open(runtime.model_copy(update={"redis_url": server.url}), 2, 0.1)) as connection:
            catalogues = RedisCatalogues(connection, RecordRules(), counted_bytes())
            shop = catalogues.open(catalogues.create(definition(), None))
            for start in (0, 500):
                shop.write(0, [record(f"item-{number}") for number in range(start, start + 500)], (), None)
            yield shop

    def test_a_cursor_of_before_is_lost(self, server: EmbeddedRedis, shop: Catalogue) -> None:
        first, (_, following) = shop.first_cursor(0), shop.scan(0, 0, 10)
        assert shop.scan(0, following, 10)
        server.stop()
        server.start()
        for cursor in (first, following, 17):
            with pytest.raises(ScanLost):
                shop.scan(0, cursor, 10)
        assert len(set(scanned(shop))) == 1000

    def test_a_token_of_before_is_refused_also_one_of_the_first_items(
        self, server: EmbeddedRedis, shop: Catalogue
    ) -> None:
        further = list_items(shop, Listing(10)).token
        middle = list_items(shop, Listing(10, further)).token
        beginning = _Place.decode(further, 1)._replace(cursor=shop.first_cursor(0), skip=3).encode()
        server.stop()
        server.start()
        for token in (further, middle, beginning):
            with pytest.raises(InvalidInput, match="restarted") as refused:
                list_items(shop, Listing(10, token))
            assert refused.value.field == "page_token"
        assert len(list_items(shop, Listing(10)).records) == 10

    def test_a_first_page_begins_again_by_itself(
        self, server: EmbeddedRedis, shop: Catalogue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        restart_at_scan(shop, server, monkeypatch, 2)
        # Nothing passes, so that all are examined.
        assert list_items(shop, Listing(100, words="nothing")).token == ""

    def test_a_follower_reads_all_the_same(
        self, server: EmbeddedRedis, shop: Catalogue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("services.indexer.serving.shelf.SCAN_ITEMS", 100)
        restart_at_scan(shop, server, monkeypatch, 4)
        shelf = Shelf(
            shop, lambda of, space: ExactIndex(space, of.partitions, pack_item), lambda *_: None, clock=monotonic
        )
        shelf.start()
        assert shelf.wait_until_ready(20)
        shelf.stop()
        shelf.join(10)
        assert shelf.view().size().items == 1000


def restart_at_scan(shop: Catalogue, server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The server is started again before that scan."""
    scan, scans = shop.scan, count(1)

    def interrupted(partition: int, cursor: int, items: int, wanted: Wanted = PLAIN) -> tuple[list[Record], int]:
        if next(scans) == number:
            server.stop()
            server.start()
        return scan(partition, cursor, items, wanted)

    monkeypatch.setattr(shop, "scan", interrupted)
