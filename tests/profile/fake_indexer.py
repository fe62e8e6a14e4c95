"""An indexer that answers from memory over real gRPC: what `peers` and the crash tests call."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager

import grpc

from services.errors import NotFound, SpaceMismatch
from services.profile.catalogue.items import CatalogueItem, Items, MemoryItems, Resolved
from services.runtime.faults import code_of, status_of, trailers_of
from services.spaces import Space, encode
from visrec.v1 import common_pb2, indexer_pb2
from visrec.v1.indexer_pb2_grpc import IndexerServiceServicer, add_IndexerServiceServicer_to_server


class FakeIndexer(IndexerServiceServicer):
    """Counts the calls of each method."""

    def __init__(self, items: Items) -> None:
        self._items = items
        self.calls: list[str] = []

    def BatchGetItems(  # noqa: N802 - named as the contract says
        self, request: indexer_pb2.BatchGetItemsRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.BatchGetItemsResponse:
        self.calls.append("BatchGetItems")
        assert request.include_vectors
        assert request.allow_missing
        found = self._resolve(request.catalogue, list(request.item_ids), context, request.space)
        items = [_stored(item_id, item, found.space) for item_id, item in found.items.items()]
        missing = [item_id for item_id in request.item_ids if item_id not in found.items]
        return indexer_pb2.BatchGetItemsResponse(items=items, missing_ids=missing, space=found.space.name)

    def ListSpaces(  # noqa: N802 - named as the contract says
        self, request: indexer_pb2.ListSpacesRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.ListSpacesResponse:
        self.calls.append("ListSpaces")
        present = self._resolve(request.catalogue, [], context).space
        others = self._items.others(request.catalogue) if isinstance(self._items, MemoryItems) else []
        states = [indexer_pb2.SpaceState(space=_message(space)) for space in others]
        states.append(indexer_pb2.SpaceState(space=_message(present), aliases=["visual"]))
        return indexer_pb2.ListSpacesResponse(spaces=states)

    def Search(  # noqa: N802 - named as the contract says
        self, request: indexer_pb2.SearchRequest, context: grpc.ServicerContext
    ) -> indexer_pb2.SearchResponse:
        self.calls.append("Search")
        assert request.include_vectors
        tags, category = request.filter.should
        assert (tags.field, category.field) == ("tags", "category")
        assert tags.keyword == category.keyword
        space = self._resolve(request.catalogue, [], context, request.space).space
        space.decode(request.queries[0].vector.data, "queries[0].vector.data")
        found = self._items.carrying(request.catalogue, space, tags.keyword.any_of[0], request.limit)
        hits = [indexer_pb2.Hit(vector=vector.astype("<f2").tobytes()) for vector in found]
        return indexer_pb2.SearchResponse(hits=hits, space=space.name)

    def _resolve(self, catalogue: str, item_ids: list[str], context: grpc.ServicerContext, space: str = "") -> Resolved:
        try:
            return self._items.resolve(catalogue, item_ids, space)
        except (NotFound, SpaceMismatch) as problem:
            context.set_trailing_metadata(trailers_of(status_of(problem)))
            context.abort(code_of(problem), problem.message)
            raise


def _stored(item_id: str, item: CatalogueItem, space: Space) -> indexer_pb2.StoredItem:
    vectors = [] if item.vector is None else [common_pb2.Vector(space=space.name, data=encode(item.vector))] * 2
    about = indexer_pb2.Item(id=item_id, domain=item.domain, category=item.category, tags=item.tags)
    return indexer_pb2.StoredItem(item=about, vectors=vectors)


def _message(space: Space) -> common_pb2.Space:
    blocks = [
        common_pb2.Block(name=each.name, dimension=each.dimension, default_weight=each.default_weight)
        for each in space.blocks
    ]
    return common_pb2.Space(name=space.name, blocks=blocks)


def fake_indexer(items: Items) -> FakeIndexer:
    """One over these items."""
    return FakeIndexer(items)  # type: ignore[abstract] # what it lacks answers UNIMPLEMENTED


@contextmanager
def indexer(servicer: FakeIndexer) -> Iterator[str]:
    """Serves it, and gives its target."""
    server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    add_IndexerServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
