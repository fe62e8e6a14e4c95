"""The indexer as it is built for production: over a real Redis, through a real server, beside a toy embedder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.errors import InvalidInput, InvalidPicture, NotFound, SpaceMismatch, TooLate
from services.indexer.servicer import IndexerServicer
from services.indexer.version import Mark, Position, Version
from services.runtime.faults import error_of
from services.runtime.settings import RuntimeSettings
from services.spaces import encode
from tests.indexer.builders import OTHER_SPACE, SPACE, vectors
from tests.indexer.worlds import Service, ids_of, refusal, search, service, vector, with_photos, with_vectors
from visrec.v1 import common_pb2, indexer_pb2
from visrec.v1.common_pb2 import Condition, Filter, KeywordTest, NumericRange

Ask = Callable[[Service], Any]


@pytest.fixture(scope="module")
def running(module_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for all tests of this file; each begins without any catalogue."""
    runtime = RuntimeSettings(
        redis_url=module_redis_url, var_dir=tmp_path_factory.mktemp("indexer"), canary_every_s=0.05
    )
    with service(runtime) as started:
        yield started


@pytest.fixture
def indexer(running: Service) -> Service:
    for one in running.stub.ListCatalogues(indexer_pb2.ListCataloguesRequest()).catalogues:
        running.stub.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue=one.name))
    return running


@pytest.fixture
def shop(indexer: Service) -> Service:
    indexer.create()
    return indexer


class TestMainJob:
    def test_what_was_ingested_is_found_with_its_parts(self, shop: Service) -> None:
        version = shop.put(
            with_vectors("a", 1, category="dress", title="A", price=3),
            with_photos("b", b"one", b"two", category="shoe"),
            with_vectors("c", 3),
        )
        answer = shop.stub.Search(
            search(1, min_version=version, include_parts=True, include_vectors=True, include_items=True, limit=2)
        )
        best = answer.hits[0]
        assert (best.item_id, list(best.found_by)) == ("a", ["q0"])
        assert best.score == pytest.approx(1, abs=1e-3)
        assert (list(answer.part_queries), list(answer.part_blocks)) == (["q0"], ["content", "colour"])
        assert best.score == pytest.approx(sum(best.parts))
        assert best.parts == pytest.approx([2 / 3, 1 / 3], abs=1e-3)
        assert np.array_equal(np.frombuffer(best.vector, "<f2"), vectors(1)[0])
        assert (best.item.title, best.item.price, best.item.HasField("time")) == ("A", 3, True)
        assert (answer.space, answer.version, answer.rows_eligible) == (SPACE.name, version, 4)
        assert [cost.stage for cost in answer.costs] == ["wait", "search", "score"]

    def test_a_hit_says_no_more_than_was_asked_for(self, shop: Service) -> None:
        answer = shop.stub.Search(search(1, min_version=shop.put(with_vectors("a", 1))))
        assert answer.hits[0].ListFields()[-1][0].name == "found_by"
        assert not answer.hits[0].parts
        assert not answer.part_queries

    def test_photos_and_vectors_land_in_the_same_space(self, shop: Service) -> None:
        version = shop.put(with_photos("a", b"one"), with_photos("b", b"two"))
        photo = shop.toy.one(b"two", SPACE)
        assert isinstance(photo, np.ndarray)
        asked = indexer_pb2.Query(name="photo", vector=common_pb2.Vector(space=SPACE.name, data=encode(photo)))
        request = indexer_pb2.SearchRequest(catalogue="shop", queries=[asked], limit=1, min_version=version)
        assert shop.found(request) == ["b"]

    def test_filters_reach_the_index(self, shop: Service) -> None:
        version = shop.put(
            *(with_vectors(f"i{n}", n, category="ab"[n % 2], price=n, tags=[f"t{n}"]) for n in range(10)),
            with_vectors("old", 50, category="a", price=4, time=Timestamp(seconds=100)),
        )

        def found(**groups: Any) -> list[str]:
            return sorted(shop.found(search(1, min_version=version, limit=20, filter=Filter(**groups))))

        cheap = Condition(field="price", range=NumericRange(at_most=4))
        even = Condition(field="category", keyword=KeywordTest(any_of=["a"]))
        before = common_pb2.TimeRange(before=Timestamp(seconds=1000))
        assert found(must=[cheap, even]) == ["i0", "i2", "i4", "old"]
        assert found(must=[cheap], must_not=[even]) == ["i1", "i3"]
        assert found(should=[Condition(field="tags", keyword=KeywordTest(any_of=["t1", "t7"]))]) == ["i1", "i7"]
        assert found(must=[Condition(field="id", keyword=KeywordTest(any_of=["i3", "none"]))]) == ["i3"]
        assert found(must=[Condition(field="time", time=before)]) == ["old"]

    def test_a_query_by_item_leaves_it_out(self, shop: Service) -> None:
        version = shop.put(with_vectors("a", 1), with_vectors("b", 2))
        request = indexer_pb2.SearchRequest(
            catalogue="shop", queries=[indexer_pb2.Query(name="seed", item_id="a")], min_version=version
        )
        assert shop.found(request) == ["b"]

    def test_an_item_is_replaced_as_a_whole(self, shop: Service) -> None:
        shop.put(with_vectors("a", 1, 2, title="old", price=1))
        version = shop.put(with_vectors("a", 3, title="new"))
        answer = shop.stub.Search(search(3, min_version=version, include_items=True))
        assert ids_of(answer.hits) == ["a"]
        assert (answer.hits[0].item.title, answer.hits[0].item.HasField("price")) == ("new", False)
        assert answer.rows_eligible == 1

    def test_deleted_items_are_neither_found_nor_read(self, shop: Service) -> None:
        shop.put(with_vectors("a", 1), with_vectors("b", 2))
        gone = shop.stub.DeleteItems(indexer_pb2.DeleteItemsRequest(catalogue="shop", item_ids=["a", "none"]))
        assert gone.deleted == 1
        assert shop.found(search(1, min_version=gone.version)) == ["b"]
        code, _ = refusal(lambda: shop.stub.GetItem(indexer_pb2.GetItemRequest(catalogue="shop", item_id="a")))
        assert code is grpc.StatusCode.NOT_FOUND

    def test_items_are_read_as_they_are_stored(self, shop: Service) -> None:
        shop.put(with_vectors("a", 1, 2, title="A"), with_vectors("b", 3))
        stored = shop.stub.GetItem(
            indexer_pb2.GetItemRequest(catalogue="shop", item_id="a", include_vectors=True)
        ).stored
        assert stored.item.title == "A"
        assert [np.frombuffer(one.data, "<f4").tolist() for one in stored.vectors] == vectors(1, 2).tolist()
        batch = shop.stub.BatchGetItems(
            indexer_pb2.BatchGetItemsRequest(catalogue="shop", item_ids=["b", "x", "a"], allow_missing=True)
        )
        assert [one.item.id for one in batch.items] == ["b", "a"]
        assert (list(batch.missing_ids), batch.space) == (["x"], SPACE.name)

    def test_items_are_listed_page_by_page(self, shop: Service) -> None:
        shop.put(*(with_vectors(f"i{n}", n, category="ab"[n % 2]) for n in range(30)))
        request = indexer_pb2.ListItemsRequest(
            catalogue="shop",
            page_size=4,
            filter=Filter(must=[Condition(field="category", keyword=KeywordTest(any_of=["a"]))]),
        )
        found: list[str] = []
        while True:
            page = shop.stub.ListItems(request)
            assert len(page.items) <= 4
            found += [one.item.id for one in page.items]
            request.page_token = page.next_page_token
            if not page.next_page_token:
                break
        assert sorted(found) == sorted(f"i{n}" for n in range(0, 30, 2))

    def test_catalogues_are_apart_and_go_as_a_whole(self, indexer: Service) -> None:
        for name in ("shop", "museum", "archive"):
            indexer.create(name)
        indexer.put(with_vectors("a", 1))
        indexer.put(with_vectors("a", 2), with_vectors("b", 3), catalogue="museum")
        first = indexer.stub.ListCatalogues(indexer_pb2.ListCataloguesRequest(page_size=2))
        rest = indexer.stub.ListCatalogues(indexer_pb2.ListCataloguesRequest(page_token=first.next_page_token))
        assert [one.name for one in [*first.catalogues, *rest.catalogues]] == ["archive", "museum", "shop"]
        gone = indexer.stub.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue="museum"))
        assert gone.items_deleted == 2
        code, _ = refusal(lambda: indexer.stub.Search(indexer_pb2.SearchRequest(catalogue="museum")))
        assert code is grpc.StatusCode.NOT_FOUND
        stored = indexer.stub.GetItem(indexer_pb2.GetItemRequest(catalogue="shop", item_id="a"))
        assert stored.stored.item.id == "a"

    def test_a_catalogue_without_a_space_is_in_that_of_the_embedder(self, indexer: Service) -> None:
        made = indexer.stub.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue="shop", partitions=2))
        assert (made.catalogue.space.name, made.catalogue.partitions) == (SPACE.name, 2)
        spaces = indexer.stub.ListSpaces(indexer_pb2.ListSpacesRequest(catalogue="shop")).spaces
        assert [(one.space.name, list(one.aliases)) for one in spaces] == [(SPACE.name, ["visual"])]

    def test_a_catalogue_of_several_partitions_answers_as_one(self, indexer: Service) -> None:
        indexer.create(partitions=4)
        version = indexer.put(*(with_vectors(f"i{n}", n) for n in range(50)))
        assert len(indexer.found(search(1, min_version=version, limit=100))) == 50

    def test_numbers(self, shop: Service) -> None:
        version = shop.put(with_vectors("a", 1, 2, domain="art"), with_vectors("b", 3))
        shop.found(search(1, min_version=version))
        for name in ("shop", ""):
            stats = shop.stub.GetStats(indexer_pb2.GetStatsRequest(catalogue=name))
            assert stats.durability == "every acknowledged write"
            one = stats.catalogues[0]
            assert (one.catalogue, one.items, one.rows, one.fresh_rows, one.deleted_rows) == ("shop", 2, 3, 3, 0)
            assert dict(one.items_by_domain) == {"art": 1, "": 1}
            assert (one.version, one.space) == (version, SPACE.name)
        labels = {"catalogue": "shop", "space": SPACE.name}
        assert shop.telemetry.registry.get_sample_value("visrec_index_rows", labels) == 3


class TestPartialFailure:
    def test_each_item_has_its_own_status(self, shop: Service) -> None:
        with shop.toy.outage():
            down = self._ingest(shop, with_photos("p", b"one"), with_vectors("v", 1))
        assert [result.status.code for result in down.results] == [grpc.StatusCode.UNAVAILABLE.value[0], 0]
        mixed = self._ingest(
            shop, with_photos("p", b"one", b"bad one"), with_vectors("n"), with_vectors("s", 1, space=OTHER_SPACE)
        )
        assert (mixed.written, [result.item_id for result in mixed.results]) == (0, ["p", "n", "s"])
        picture, neither, other = (error_of(result.status) for result in mixed.results)
        assert isinstance(picture, InvalidPicture)
        assert picture.field == "items[0].photos[1]"
        assert isinstance(neither, InvalidInput)
        assert isinstance(other, SpaceMismatch)
        assert shop.stub.ListItems(indexer_pb2.ListItemsRequest(catalogue="shop")).items[0].item.id == "v"

    def test_a_repeated_request_gives_the_same_answer(self, shop: Service) -> None:
        request = indexer_pb2.IngestItemsRequest(
            catalogue="shop", items=[with_vectors("a", 1), with_photos("b", b"bad")], request_id="one"
        )
        first = shop.stub.IngestItems(request)
        shop.stub.DeleteItems(indexer_pb2.DeleteItemsRequest(catalogue="shop", item_ids=["a"]))
        assert shop.stub.IngestItems(request) == first
        assert not shop.stub.ListItems(indexer_pb2.ListItemsRequest(catalogue="shop")).items
        request.items[0].item.title = "other"
        assert refusal(lambda: shop.stub.IngestItems(request))[0] is grpc.StatusCode.ALREADY_EXISTS

    @staticmethod
    def _ingest(shop: Service, *items: indexer_pb2.IngestItem) -> indexer_pb2.IngestItemsResponse:
        return shop.stub.IngestItems(indexer_pb2.IngestItemsRequest(catalogue="shop", items=items))


class TestVersions:
    def test_a_version_that_never_comes_ends_with_the_deadline(self, shop: Service) -> None:
        never = Version((Mark(b"12345678", Position(1, 0)),)).encode()
        code, error = refusal(lambda: shop.stub.Search(search(1, min_version=never), timeout=0.3))
        assert code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert isinstance(error, TooLate)

    def test_searches_that_wait_leave_threads_for_those_that_do_not(self, shop: Service) -> None:
        version = shop.put(with_vectors("a", 1))
        never = Version((Mark(b"12345678", Position(1, 0)),)).encode()
        waiting = [shop.stub.Search.future(search(1, min_version=never), timeout=30) for _ in range(8)]
        assert shop.found(search(1, min_version=version)) == ["a"]
        for one in waiting:
            one.cancel()

    def test_too_many_waiting_searches_are_told_to_come_again(self, shop: Service) -> None:
        never = Version((Mark(b"12345678", Position(1, 0)),)).encode()
        ended: SimpleQueue[Any] = SimpleQueue()
        waiting = [shop.stub.Search.future(search(1, min_version=never), timeout=30) for _ in range(8)]
        for one in waiting:
            one.add_done_callback(ended.put)
        assert ended.get(timeout=30).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        for one in waiting:
            one.cancel()

    def test_a_restart_loses_nothing(self, shop: Service) -> None:
        shop.put(with_vectors("a", 1, 2), with_photos("b", b"one"), with_vectors("c", 3))
        version = shop.stub.DeleteItems(indexer_pb2.DeleteItemsRequest(catalogue="shop", item_ids=["c"])).version
        before = shop.stub.Search(search(1, min_version=version, include_vectors=True, include_items=True)).hits
        shop.restart()
        after = shop.stub.Search(search(1, min_version=version, include_vectors=True, include_items=True)).hits
        assert list(after) == list(before)
        assert sorted(ids_of(after)) == ["a", "b"]


NAN = np.full(SPACE.dimension, np.nan, "<f4").tobytes()
ZERO = bytes(4 * SPACE.dimension)


def asked(**fields: Any) -> Ask:
    return lambda shop: shop.stub.Search(search(1, **fields))


def by_vector(space: str, data: bytes) -> Ask:
    one = indexer_pb2.Query(name="q", vector=common_pb2.Vector(space=space, data=data))
    return lambda shop: shop.stub.Search(indexer_pb2.SearchRequest(catalogue="shop", queries=[one]))


def weighed(**weights: float) -> Ask:
    one = indexer_pb2.Query(name="q", vector=vector(1), block_weights=weights)
    return lambda shop: shop.stub.Search(indexer_pb2.SearchRequest(catalogue="shop", queries=[one]))


def listed(**fields: Any) -> Ask:
    return lambda shop: shop.stub.ListItems(indexer_pb2.ListItemsRequest(catalogue="shop", **fields))


@pytest.mark.parametrize(
    ("ask", "field", "reason"),
    [
        (by_vector(SPACE.name, b"1234"), "queries[0].vector.data", "WRONG_DIMENSION"),
        (by_vector(SPACE.name, NAN), "queries[0].vector.data", "NOT_FINITE"),
        (by_vector(SPACE.name, ZERO), "queries[0].vector.data", "ZERO_VECTOR"),
        (weighed(content=0), "queries[0].block_weights", "ZERO_WEIGHTS"),
        (weighed(style=1), "queries[0].block_weights['style']", "INVALID_INPUT"),
        (weighed(content=float("nan")), "queries[0].block_weights", "NOT_FINITE"),
        (asked(limit=-1), "limit", "INVALID_INPUT"),
        (asked(limit=10_000), "limit", "INVALID_INPUT"),
        (asked(accuracy=77), "accuracy", "INVALID_INPUT"),
        (asked(min_version="nonsense"), "min_version", "INVALID_INPUT"),
        (asked(filter=Filter(must=[Condition(field="colour")])), "filter.must[0].field", "INVALID_INPUT"),
        (asked(filter=Filter(should=[Condition(field="price")])), "filter.should[0]", "INVALID_INPUT"),
        (lambda shop: shop.stub.Search(indexer_pb2.SearchRequest(catalogue="shop")), "queries", "INVALID_INPUT"),
        (lambda shop: shop.stub.Search(indexer_pb2.SearchRequest()), "catalogue", "INVALID_INPUT"),
        (
            lambda shop: shop.stub.IngestItems(indexer_pb2.IngestItemsRequest(catalogue="shop")),
            "items",
            "INVALID_INPUT",
        ),
        (
            lambda shop: shop.stub.DeleteItems(indexer_pb2.DeleteItemsRequest(catalogue="shop")),
            "item_ids",
            "INVALID_INPUT",
        ),
        (
            lambda shop: shop.stub.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue="No!")),
            "catalogue",
            "INVALID_INPUT",
        ),
        (lambda shop: shop.create("other", partitions=65), "partitions", "INVALID_INPUT"),
        (
            lambda shop: shop.stub.CreateCatalogue(
                indexer_pb2.CreateCatalogueRequest(catalogue="x", space=common_pb2.Space(name="visual"))
            ),
            "space.name",
            "INVALID_INPUT",
        ),
        (listed(page_size=-1), "page_size", "INVALID_INPUT"),
        (listed(page_token="nonsense"), "page_token", "INVALID_INPUT"),
        (
            lambda shop: shop.stub.ListCatalogues(indexer_pb2.ListCataloguesRequest(page_size=-1)),
            "page_size",
            "INVALID_INPUT",
        ),
        (
            lambda shop: shop.stub.BatchGetItems(indexer_pb2.BatchGetItemsRequest(catalogue="shop")),
            "item_ids",
            "INVALID_INPUT",
        ),
    ],
)
def test_bad_input_is_named_and_the_service_goes_on(shop: Service, ask: Ask, field: str, reason: str) -> None:
    code, error = refusal(lambda: ask(shop))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert isinstance(error, InvalidInput)
    assert (error.field, error.reason) == (field, reason)
    version = shop.put(with_vectors("a", 1))
    assert shop.found(search(1, min_version=version)) == ["a"]


@pytest.mark.parametrize(
    "ask",
    [
        by_vector(OTHER_SPACE.name, encode(vectors(1)[0])),
        by_vector("", encode(vectors(1)[0])),
        asked(space="collaborative"),
        asked(space=OTHER_SPACE.name),
    ],
)
def test_another_space_is_a_failed_precondition(shop: Service, ask: Ask) -> None:
    code, error = refusal(lambda: ask(shop))
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert isinstance(error, SpaceMismatch)
    assert error.expected == SPACE.name


@pytest.mark.parametrize(
    ("ask", "kind", "name"),
    [
        (lambda shop: shop.stub.Search(indexer_pb2.SearchRequest(catalogue="none")), "catalogue", "none"),
        (
            lambda shop: shop.stub.IngestItems(
                indexer_pb2.IngestItemsRequest(catalogue="none", items=[with_vectors("a", 1)])
            ),
            "catalogue",
            "none",
        ),
        (lambda shop: shop.stub.ListItems(indexer_pb2.ListItemsRequest(catalogue="none")), "catalogue", "none"),
        (lambda shop: shop.stub.GetStats(indexer_pb2.GetStatsRequest(catalogue="none")), "catalogue", "none"),
        (
            lambda shop: shop.stub.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue="none")),
            "catalogue",
            "none",
        ),
        (lambda shop: shop.stub.GetItem(indexer_pb2.GetItemRequest(catalogue="shop", item_id="x")), "item", "x"),
        (
            lambda shop: shop.stub.BatchGetItems(indexer_pb2.BatchGetItemsRequest(catalogue="shop", item_ids=["x"])),
            "item",
            "x",
        ),
        (
            lambda shop: shop.stub.Search(
                indexer_pb2.SearchRequest(catalogue="shop", queries=[indexer_pb2.Query(name="q", item_id="x")])
            ),
            "item",
            "x",
        ),
    ],
)
def test_what_does_not_exist_is_named(shop: Service, ask: Ask, kind: str, name: str) -> None:
    code, error = refusal(lambda: ask(shop))
    assert code is grpc.StatusCode.NOT_FOUND
    assert isinstance(error, NotFound)
    assert (error.kind, error.name) == (kind, name)


def test_a_catalogue_that_exists_is_not_made_again(shop: Service) -> None:
    assert refusal(shop.create)[0] is grpc.StatusCode.ALREADY_EXISTS


def test_the_same_creation_twice_is_one(indexer: Service) -> None:
    assert indexer.create(request_id="one") == indexer.create(request_id="one")


def test_every_method_of_the_contract_has_an_implementation() -> None:
    methods = indexer_pb2.DESCRIPTOR.services_by_name["IndexerService"].methods
    assert {method.name for method in methods} <= vars(IndexerServicer).keys()


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_request_id_is_good_for_one_request_of_one_method(indexer: Service, partitions: int) -> None:
    indexer.create(partitions=partitions)
    indexer.put(with_vectors("a", 1), request_id="one")
    delete = indexer_pb2.DeleteItemsRequest(catalogue="shop", item_ids=["a"], request_id="one")
    code, _ = refusal(lambda: indexer.stub.DeleteItems(delete))
    assert code is grpc.StatusCode.ALREADY_EXISTS
    delete.request_id = "two"
    assert indexer.stub.DeleteItems(delete).deleted == 1
    assert indexer.stub.DeleteItems(delete).deleted == 1
    request = indexer_pb2.IngestItemsRequest(catalogue="shop", items=[with_vectors("b", 1)], request_id="two")
    code, _ = refusal(lambda: indexer.stub.IngestItems(request))
    assert code is grpc.StatusCode.ALREADY_EXISTS
