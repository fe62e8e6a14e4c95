"""Spaces, raw features, operations and quotas as callers see them: over a real Redis, through a real server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest

from services.errors import InvalidInput, NotFound, Overloaded, Refused, SpaceMismatch
from services.indexer.settings import IndexerSettings
from services.indexer.writing.embedder import Kept
from services.runtime.embedded import EmbeddedRedis
from services.runtime.faults import error_of
from services.runtime.settings import RuntimeSettings
from services.runtime.wire import encode_space
from services.spaces import encode
from tests.indexer.builders import HEAD_SPACE, OTHER_SPACE, SPACE, vectors
from tests.indexer.worlds import Service, ids_of, refusal, search, service, vector, with_photos, with_vectors
from visrec.v1 import common_pb2, indexer_pb2

SOON_S = 20.0
"""A bound for what hangs, not a measure."""


def runtime_over(server: EmbeddedRedis, folder: Path) -> RuntimeSettings:
    return RuntimeSettings(redis_url=server.url, var_dir=folder, canary_every_s=0.05)


@pytest.fixture(scope="module")
def running(redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = IndexerSettings(keep_raw_features=True)
    with service(runtime_over(redis_server, tmp_path_factory.mktemp("spaces")), settings) as started:
        yield started


@pytest.fixture
def shop(running: Service) -> Service:
    for one in running.stub.ListCatalogues(indexer_pb2.ListCataloguesRequest()).catalogues:
        running.stub.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue=one.name))
    running.create()
    return running


def add_space(shop: Service, space: object = HEAD_SPACE) -> indexer_pb2.CreateSpaceResponse:
    message = encode_space(space)  # type: ignore[arg-type] # a space
    return shop.stub.CreateSpace(indexer_pb2.CreateSpaceRequest(catalogue="shop", space=message))


def put_vectors(shop: Service, *items: tuple[str, int], request_id: str = "") -> indexer_pb2.PutVectorsResponse:
    messages = [indexer_pb2.ItemVectors(item_id=item_id, vectors=[vector(seed, HEAD_SPACE)]) for item_id, seed in items]
    request = indexer_pb2.PutVectorsRequest(catalogue="shop", items=messages, request_id=request_id)
    return shop.stub.PutVectors(request)


def set_alias(shop: Service, alias: str, space: str) -> indexer_pb2.SetAliasResponse:
    return shop.stub.SetAlias(indexer_pb2.SetAliasRequest(catalogue="shop", alias=alias, space=space))


def learned(seed: int, version: str = "", **fields: object) -> indexer_pb2.SearchRequest:
    """A search by a vector of the further space."""
    one = indexer_pb2.Query(name="q", vector=vector(seed, HEAD_SPACE))
    return indexer_pb2.SearchRequest(catalogue="shop", queries=[one], min_version=version, **fields)  # type: ignore[arg-type]


def spaces(shop: Service) -> dict[str, tuple[int, list[str]]]:
    listed = shop.stub.ListSpaces(indexer_pb2.ListSpacesRequest(catalogue="shop")).spaces
    return {one.space.name: (one.items, list(one.aliases)) for one in listed}


def ended(shop: Service, name: str) -> indexer_pb2.Operation:
    """The operation once it has ended."""
    ask = indexer_pb2.GetOperationRequest(name=name)
    waiting = threading.Event()
    for _ in range(int(SOON_S / 0.05)):
        operation = shop.stub.GetOperation(ask).operation
        if operation.state != indexer_pb2.OPERATION_STATE_RUNNING:
            return operation
        waiting.wait(0.05)
    raise AssertionError("the operation does not end")


class TestSpaces:
    def test_a_space_is_added_filled_and_searched(self, shop: Service) -> None:
        shop.put(with_vectors("a", 1), with_vectors("b", 2))
        made = add_space(shop)
        assert (made.state.space.name, made.state.items, list(made.state.aliases)) == (HEAD_SPACE.name, 0, [])
        put = put_vectors(shop, ("a", 11), ("none", 1), ("b", 12))
        assert [one.status.code for one in put.results] == [0, grpc.StatusCode.NOT_FOUND.value[0], 0]
        answer = shop.stub.Search(learned(12, put.version, space=HEAD_SPACE.name, include_vectors=True, limit=1))
        assert (ids_of(answer.hits), answer.space) == (["b"], HEAD_SPACE.name)
        assert np.array_equal(np.frombuffer(answer.hits[0].vector, "<f2"), vectors(12, space=HEAD_SPACE)[0])
        assert shop.found(search(1, limit=1)) == ["a"]
        assert spaces(shop) == {SPACE.name: (2, ["visual"]), HEAD_SPACE.name: (2, [])}

    def test_the_switch_is_one_write_and_so_is_the_way_back(self, shop: Service) -> None:
        shop.put(with_vectors("a", 1), with_vectors("b", 2))
        add_space(shop)
        put_vectors(shop, ("a", 12), ("b", 11))
        moved = set_alias(shop, "visual", HEAD_SPACE.name)
        assert moved.previous_space == SPACE.name
        assert shop.found(learned(12, moved.version, limit=1)) == ["a"]
        again = set_alias(shop, "visual", HEAD_SPACE.name)
        assert (again.previous_space, again.version) == (moved.previous_space, moved.version)
        code, error = refusal(lambda: shop.stub.Search(search(1)))
        assert code is grpc.StatusCode.FAILED_PRECONDITION
        assert isinstance(error, SpaceMismatch)
        back = set_alias(shop, "visual", moved.previous_space)
        assert back.previous_space == HEAD_SPACE.name
        assert shop.found(search(1, min_version=back.version, limit=1)) == ["a"]

    def test_another_replica_sees_a_switch_at_once(
        self, shop: Service, redis_server: EmbeddedRedis, tmp_path: Path
    ) -> None:
        shop.put(with_vectors("a", 1))
        with service(runtime_over(redis_server, tmp_path)) as other:
            add_space(shop)
            version = put_vectors(other, ("a", 11)).version
            assert shop.found(learned(11, version, space=HEAD_SPACE.name)) == ["a"]
            assert other.found(learned(11, set_alias(shop, "visual", HEAD_SPACE.name).version)) == ["a"]
            assert other.found(search(1, min_version=set_alias(shop, "visual", SPACE.name).version)) == ["a"]

    def test_a_query_by_item_uses_the_vectors_of_the_space_that_is_searched(self, shop: Service) -> None:
        shop.put(with_vectors("a", 1), with_vectors("b", 1), with_vectors("c", 2), with_vectors("lacks", 1))
        add_space(shop)
        version = put_vectors(shop, ("a", 11), ("b", 12), ("c", 11)).version
        seeds = [indexer_pb2.Query(name="seed", item_id="a")]
        request = indexer_pb2.SearchRequest(catalogue="shop", queries=seeds, limit=1, min_version=version)
        assert shop.found(request) == ["b"]
        request.space = HEAD_SPACE.name
        assert shop.found(request) == ["c"]
        request.queries[0].item_id = "lacks"
        assert refusal(lambda: shop.stub.Search(request))[0] is grpc.StatusCode.NOT_FOUND

    def test_items_are_read_with_the_vectors_of_a_space(self, shop: Service) -> None:
        shop.put(with_vectors("a", 1))
        add_space(shop)
        put_vectors(shop, ("a", 11))
        for space, wanted in (("", vector(1)), ("visual", vector(1)), (HEAD_SPACE.name, vector(11, HEAD_SPACE))):
            request = indexer_pb2.GetItemRequest(catalogue="shop", item_id="a", include_vectors=True, space=space)
            (found,) = shop.stub.GetItem(request).stored.vectors
            assert found.space == wanted.space
            assert np.abs(np.frombuffer(found.data, "<f4") - np.frombuffer(wanted.data, "<f4")).max() < 2**-10
        batch = shop.stub.BatchGetItems(
            indexer_pb2.BatchGetItemsRequest(
                catalogue="shop", item_ids=["a"], include_vectors=True, space=HEAD_SPACE.name
            )
        )
        assert batch.space == HEAD_SPACE.name

    def test_what_a_new_version_of_an_item_does_not_bring_is_gone(self, shop: Service) -> None:
        shop.put(with_vectors("a", 1))
        add_space(shop)
        put_vectors(shop, ("a", 11))
        version = shop.put(with_vectors("a", 2))
        assert shop.found(learned(11, version, space=HEAD_SPACE.name)) == []
        gone = shop.stub.DeleteItems(indexer_pb2.DeleteItemsRequest(catalogue="shop", item_ids=["a"]))
        assert spaces_reach(shop, gone.version) == {SPACE.name: 0, HEAD_SPACE.name: 0}

    def test_a_photo_is_looked_at_once_and_has_a_vector_in_every_space(self, shop: Service) -> None:
        add_space(shop)
        add_space(shop, OTHER_SPACE)  # which the embedder does not know
        looked = shop.toy.embedded
        version = shop.put(with_photos("a", b"one"), with_photos("b", b"two", b"three"))
        assert shop.toy.embedded == looked + 3
        first = shop.toy.one(b"one", SPACE)
        assert isinstance(first, np.ndarray)
        wanted = shop.toy.projected_one(Kept(shop.toy.raw(b"one"), first.astype(np.float16)), HEAD_SPACE)
        one = indexer_pb2.Query(name="q", vector=common_pb2.Vector(space=HEAD_SPACE.name, data=encode(wanted)))
        request = indexer_pb2.SearchRequest(
            catalogue="shop", queries=[one], min_version=version, space=HEAD_SPACE.name, limit=1
        )
        answer = shop.stub.Search(request)
        assert ids_of(answer.hits) == ["a"]
        assert answer.hits[0].score > 0.99
        assert {name: items for name, (items, _) in spaces(shop).items()} == {
            SPACE.name: 2,
            HEAD_SPACE.name: 2,
            OTHER_SPACE.name: 0,
        }

    def test_an_item_may_bring_vectors_of_several_spaces(self, shop: Service) -> None:
        add_space(shop)
        both = with_vectors("both", 1)
        both.vectors.append(vector(11, HEAD_SPACE))
        only = with_vectors("only", 12, space=HEAD_SPACE)
        version = shop.put(both, only)
        assert shop.found(learned(11, version, space=HEAD_SPACE.name)) == ["both", "only"]
        assert shop.found(search(1)) == ["both"]

    def test_a_space_that_an_alias_points_at_stays(self, shop: Service) -> None:
        add_space(shop)
        set_alias(shop, "collaborative", HEAD_SPACE.name)
        delete = indexer_pb2.DeleteSpaceRequest(catalogue="shop", space=HEAD_SPACE.name)
        code, error = refusal(lambda: shop.stub.DeleteSpace(delete))
        assert (code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SPACE_IN_USE")
        set_alias(shop, "collaborative", "")
        version = shop.stub.DeleteSpace(delete).version
        assert isinstance(
            refusal(lambda: shop.stub.Search(learned(1, version, space=HEAD_SPACE.name)))[1], SpaceMismatch
        )
        assert list(spaces(shop)) == [SPACE.name]

    def test_a_restart_knows_all_spaces(self, shop: Service) -> None:
        shop.put(with_vectors("a", 1), with_vectors("b", 2))
        add_space(shop)
        put_vectors(shop, ("a", 11))
        version = set_alias(shop, "visual", HEAD_SPACE.name).version
        shop.restart()
        assert shop.found(learned(11, version)) == ["a"]
        assert spaces(shop) == {HEAD_SPACE.name: (1, ["visual"]), SPACE.name: (2, [])}

    def test_putting_twice_is_putting_once(self, shop: Service) -> None:
        shop.put(with_vectors("a", 1))
        add_space(shop)
        first = put_vectors(shop, ("a", 11), ("none", 1), request_id="one")
        assert put_vectors(shop, ("a", 11), ("none", 1), request_id="one") == first
        with pytest.raises(grpc.RpcError) as refused:
            put_vectors(shop, ("a", 12), request_id="one")
        assert refused.value.code() is grpc.StatusCode.ALREADY_EXISTS


def spaces_reach(shop: Service, version: str) -> dict[str, int]:
    shop.found(search(1, min_version=version))
    return {name: items for name, (items, _) in spaces(shop).items()}


Refusing = Callable[[Service], object]


@pytest.mark.parametrize(
    ("ask", "kind", "reason"),
    [
        (lambda shop: set_alias(shop, "visual", OTHER_SPACE.name), NotFound, "SPACE_NOT_FOUND"),
        (lambda shop: set_alias(shop, "visual", ""), Refused, "VISUAL_NEEDS_SPACE"),
        (lambda shop: set_alias(shop, "No!", SPACE.name), InvalidInput, "INVALID_INPUT"),
        (lambda shop: set_alias(shop, SPACE.name, SPACE.name), InvalidInput, "INVALID_INPUT"),
        (
            lambda shop: shop.stub.DeleteSpace(indexer_pb2.DeleteSpaceRequest(catalogue="shop", space=SPACE.name)),
            Refused,
            "OWN_SPACE",
        ),
        (lambda shop: remake(shop, SPACE.name), Refused, "OWN_SPACE"),
        (lambda shop: remake(shop, HEAD_SPACE.name), NotFound, "SPACE_NOT_FOUND"),
        (
            lambda shop: shop.stub.GetOperation(indexer_pb2.GetOperationRequest(name="x")),
            NotFound,
            "OPERATION_NOT_FOUND",
        ),
        (
            lambda shop: shop.stub.CancelOperation(indexer_pb2.CancelOperationRequest(name="x")),
            NotFound,
            "OPERATION_NOT_FOUND",
        ),
        (
            lambda shop: shop.stub.ListOperations(indexer_pb2.ListOperationsRequest(page_token="x")),
            InvalidInput,
            "INVALID_INPUT",
        ),
        (
            lambda shop: shop.stub.StartRebuild(indexer_pb2.StartRebuildRequest(catalogue="none")),
            NotFound,
            "CATALOGUE_NOT_FOUND",
        ),
        (
            lambda shop: shop.stub.PutVectors(indexer_pb2.PutVectorsRequest(catalogue="shop")),
            InvalidInput,
            "INVALID_INPUT",
        ),
    ],
)
def test_what_cannot_be_is_refused(shop: Service, ask: Refusing, kind: type[Exception], reason: str) -> None:
    _, error = refusal(lambda: ask(shop))
    assert isinstance(error, kind)
    assert error.reason == reason


def test_bad_vectors_fail_one_by_one(shop: Service) -> None:
    shop.put(with_vectors("a", 1))
    add_space(shop)
    items = [
        indexer_pb2.ItemVectors(item_id="own", vectors=[vector(1)]),
        indexer_pb2.ItemVectors(item_id="none"),
        indexer_pb2.ItemVectors(item_id="two", vectors=[vector(1, HEAD_SPACE), vector(1)]),
        indexer_pb2.ItemVectors(item_id="short", vectors=[common_pb2.Vector(space=HEAD_SPACE.name, data=b"1234")]),
        indexer_pb2.ItemVectors(item_id="unknown", vectors=[vector(1, OTHER_SPACE)]),
        indexer_pb2.ItemVectors(item_id="a", vectors=[vector(1, HEAD_SPACE)]),
    ]
    results = shop.stub.PutVectors(indexer_pb2.PutVectorsRequest(catalogue="shop", items=items)).results
    told = [error_of(one.status) if one.status.code else None for one in results]
    assert [one and one.reason for one in told] == [
        "OWN_SPACE",
        "INVALID_INPUT",
        "INVALID_INPUT",
        "WRONG_DIMENSION",
        "SPACE_NOT_FOUND",
        None,
    ]


def remake_of_another(shop: Service) -> str:
    """The operation that a second tenant begins with the first one's request id."""
    message = encode_space(HEAD_SPACE)
    shop.create("other")
    shop.stub.CreateSpace(indexer_pb2.CreateSpaceRequest(catalogue="other", space=message))
    request = indexer_pb2.RemakeSpaceRequest(catalogue="other", space=HEAD_SPACE.name, request_id="one")
    return shop.stub.RemakeSpace(request).operation.name


def remake(shop: Service, space: str = HEAD_SPACE.name, request_id: str = "") -> indexer_pb2.Operation:
    request = indexer_pb2.RemakeSpaceRequest(catalogue="shop", space=space, request_id=request_id)
    return shop.stub.RemakeSpace(request).operation


class TestOperations:
    def test_a_space_is_made_from_raw_features(self, shop: Service) -> None:
        shop.put(*(with_photos(f"item-{number}", b"photo %d" % number) for number in range(30)))
        add_space(shop)
        begun = remake(shop, request_id="one")
        assert (begun.kind, begun.catalogue, begun.space) == ("remake", "shop", HEAD_SPACE.name)
        done = ended(shop, begun.name)
        assert (done.state, done.progress, dict(done.counts)) == (indexer_pb2.OPERATION_STATE_DONE, 1, {"made": 30})
        assert done.ended.seconds >= done.started.seconds > 1_700_000_000
        assert remake(shop, request_id="one").name == begun.name
        # Of another catalogue the same id is another request.
        other = remake_of_another(shop)
        assert other != begun.name
        version = set_alias(shop, "visual", HEAD_SPACE.name).version
        first = shop.toy.one(b"photo 7", SPACE)
        assert isinstance(first, np.ndarray)
        wanted = shop.toy.projected_one(Kept(shop.toy.raw(b"photo 7"), first.astype(np.float16)), HEAD_SPACE)
        one = indexer_pb2.Query(name="q", vector=common_pb2.Vector(space=HEAD_SPACE.name, data=encode(wanted)))
        request = indexer_pb2.SearchRequest(catalogue="shop", queries=[one], min_version=version, limit=1)
        assert shop.found(request) == ["item-7"]

    def test_items_without_raw_features_make_it_fail_and_say_how_many(self, shop: Service) -> None:
        shop.put(with_photos("a", b"one"), with_vectors("b", 1))
        add_space(shop)
        failed = ended(shop, remake(shop).name)
        error = error_of(failed.error)
        assert (failed.state, error.reason) == (indexer_pb2.OPERATION_STATE_FAILED, "ITEMS_WITHOUT_VECTORS")
        assert dict(failed.counts) == {"made": 1, "without_raw_features": 1}

    def test_raw_features_are_listed_and_may_be_brought(self, shop: Service) -> None:
        add_space(shop)
        brought = with_vectors("b", 1)
        brought.raw_features.append(shop.toy.raw(b"b").astype("<f2").tobytes())
        shop.put(with_photos("a", b"a", b"b"), brought)
        request = indexer_pb2.ListItemsRequest(catalogue="shop", include_raw_features=True)
        found = {one.item.id: list(one.raw_features) for one in shop.stub.ListItems(request).items}
        a, b = (shop.toy.raw(photo).astype("<f2").tobytes() for photo in (b"a", b"b"))
        assert found == {"a": [a, b], "b": [b]}
        request.include_raw_features = False
        assert not any(one.raw_features for one in shop.stub.ListItems(request).items)
        assert {name: items for name, (items, _) in spaces(shop).items()}[HEAD_SPACE.name] == 2

    def test_a_rebuild_and_a_snapshot_are_done_by_this_replica(self, shop: Service) -> None:
        version = shop.put(*(with_vectors(f"item-{number}", number) for number in range(20)))
        shop.found(search(1, min_version=version))
        rebuilt = shop.stub.StartRebuild(indexer_pb2.StartRebuildRequest(catalogue="shop", all_replicas=True))
        saved = shop.stub.CreateSnapshot(indexer_pb2.CreateSnapshotRequest(catalogue="shop"))
        for begun, kind in ((rebuilt.operation, "rebuild"), (saved.operation, "snapshot")):
            done = ended(shop, begun.name)
            assert (done.kind, done.state) == (kind, indexer_pb2.OPERATION_STATE_DONE)
            assert done.replica == begun.replica != ""
        assert shop.found(search(7, limit=1)) == ["item-7"]

    def test_operations_are_listed_newest_first_page_by_page(self, shop: Service) -> None:
        shop.create("museum")
        names = []
        for catalogue in ("shop", "museum", "shop"):
            begun = shop.stub.StartRebuild(indexer_pb2.StartRebuildRequest(catalogue=catalogue)).operation
            ended(shop, begun.name)
            names.append(begun.name)
        request = indexer_pb2.ListOperationsRequest(page_size=2)
        first = shop.stub.ListOperations(request)
        assert [one.name for one in first.operations] == names[:0:-1]
        request.page_token = first.next_page_token
        assert shop.stub.ListOperations(request).operations[0].name == names[0]
        mine = shop.stub.ListOperations(indexer_pb2.ListOperationsRequest(catalogue="museum"))
        assert names[1] in [one.name for one in mine.operations]
        assert names[0] not in [one.name for one in mine.operations]

    def test_one_that_runs_is_cancelled(self, shop: Service) -> None:
        shop.put(with_photos("a", b"one"))
        add_space(shop)
        with shop.toy.outage():
            begun = remake(shop)
            again = refusal(lambda: remake(shop))[1]
            assert (again.reason, again.metadata) == ("OPERATION_RUNNING", {"operation": begun.name})
            shop.stub.CancelOperation(indexer_pb2.CancelOperationRequest(name=begun.name))
            assert ended(shop, begun.name).state == indexer_pb2.OPERATION_STATE_CANCELLED

    def test_work_for_a_catalogue_that_is_gone_fails(self, shop: Service) -> None:
        shop.put(with_photos("a", b"one"))
        add_space(shop)
        with shop.toy.outage():
            begun = remake(shop)
            shop.stub.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue="shop"))
        failed = ended(shop, begun.name)
        assert error_of(failed.error).reason == "CATALOGUE_NOT_FOUND"


class TestQuotas:
    def test_new_items_beyond_the_bound_fail_one_by_one_and_are_tried_again(self, shop: Service) -> None:
        shop.create("small", max_items=2)
        shop.create("other")
        request = indexer_pb2.IngestItemsRequest(
            catalogue="small", items=[with_vectors(name, 1) for name in "abc"], request_id="one"
        )
        full = shop.stub.IngestItems(request)
        assert (full.written, [one.status.code for one in full.results]) == (2, [0, 0, 8])
        error = error_of(full.results[2].status)
        assert isinstance(error, Overloaded)
        assert error.reason == "ITEM_QUOTA"
        assert shop.stub.IngestItems(request).written == 2
        shop.put(*(with_vectors(name, 1) for name in "abc"), catalogue="other")
        shop.stub.DeleteItems(indexer_pb2.DeleteItemsRequest(catalogue="small", item_ids=["a"]))
        again = shop.stub.IngestItems(request)
        assert (again.written, [one.status.code for one in again.results]) == (3, [0, 0, 0])

    def test_a_catalogue_that_is_asked_too_often_leaves_room_for_others(
        self, redis_server: EmbeddedRedis, tmp_path: Path, shop: Service
    ) -> None:
        shop.create("museum")
        with service(runtime_over(redis_server, tmp_path), IndexerSettings(requests_per_s=5)) as limited:
            ask = indexer_pb2.ListItemsRequest(catalogue="shop")
            told: list[Exception] = []
            for _ in range(50):
                try:
                    limited.stub.ListItems(ask)
                except grpc.RpcError:
                    told.append(refusal(lambda: limited.stub.ListItems(ask))[1])
                    break
            (error,) = told
            assert isinstance(error, Overloaded)
            assert error.reason == "RATE_QUOTA"
            assert 0 < error.retry_after_ms <= 201
            limited.stub.ListItems(indexer_pb2.ListItemsRequest(catalogue="museum"))

    def test_without_the_setting_raw_features_are_refused(
        self, redis_server: EmbeddedRedis, tmp_path: Path, shop: Service
    ) -> None:
        with service(runtime_over(redis_server, tmp_path)) as plain:
            brought = with_vectors("b", 1)
            brought.raw_features.append(bytes(20))
            request = indexer_pb2.IngestItemsRequest(catalogue="shop", items=[brought, with_photos("a", b"one")])
            refused, photo = plain.stub.IngestItems(request).results
            assert error_of(refused.status).reason == "RAW_FEATURES_NOT_KEPT"
            assert photo.status.code == 0
            listed = plain.stub.ListItems(indexer_pb2.ListItemsRequest(catalogue="shop", include_raw_features=True))
            assert not listed.items[0].raw_features
