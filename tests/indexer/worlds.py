"""Indexers in one process, from one shelf over a record in memory to the whole service over Redis."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar

import grpc
import numpy as np

from services.errors import VisrecError
from services.indexer.app import build
from services.indexer.record.catalogue import Catalogue
from services.indexer.record.catalogues import InMemoryCatalogues
from services.indexer.settings import IndexerSettings
from services.indexer.wire import items as wire
from services.indexer.writing.embedder import Kept, Photo
from services.indexer.writing.pieces import FailureCodec
from services.runtime.app import SyncApp
from services.runtime.faults import status_of
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from services.runtime.wire import encode_space
from services.spaces import Space, encode
from tests.indexer.builders import SPACE, ToyEmbedder, counted_bytes, definition, vectors
from tests.servers import fault, serving
from visrec.v1 import common_pb2, embedder_pb2, embedder_pb2_grpc, indexer_pb2, indexer_pb2_grpc

CODEC = FailureCodec(wire.pack_failures, wire.unpack_failures)

Answer = TypeVar("Answer")


def catalogue_in_memory(partitions: int = 1, max_items: int = 0) -> Catalogue:
    catalogues = InMemoryCatalogues(counted_bytes(), max_items)
    return catalogues.open(catalogues.create(definition(partitions=partitions), None))


class ToyEmbedderServicer(embedder_pb2_grpc.EmbedderServiceServicer):
    """A `ToyEmbedder` behind the contract; down means that its calls fail."""

    def __init__(self, toy: ToyEmbedder) -> None:
        self._toy = toy

    def GetModel(  # noqa: N802 - named as in the contract
        self, request: embedder_pb2.GetModelRequest, context: grpc.ServicerContext
    ) -> embedder_pb2.GetModelResponse:
        model = embedder_pb2.Model(spaces=[encode_space(self._toy.default_space())])
        return embedder_pb2.GetModelResponse(model=model)

    def EmbedImages(  # noqa: N802 - named as in the contract
        self, request_iterator: Iterator[embedder_pb2.EmbedImagesRequest], context: grpc.ServicerContext
    ) -> Iterator[embedder_pb2.EmbedImagesResponse]:
        self._toy.default_space()
        for request in request_iterator:
            yield self._answer(request)

    def _answer(self, request: embedder_pb2.EmbedImagesRequest) -> embedder_pb2.EmbedImagesResponse:
        asked = request.request
        space = self._toy.heads.get(asked.space, Space(asked.space, self._toy.space.blocks))
        result = self._toy.embed([Photo(asked.photo.data)], space, raw=asked.include_raw_features)[0]
        if isinstance(result, VisrecError):
            return embedder_pb2.EmbedImagesResponse(key=request.key, error=status_of(result))
        embedding = embedder_pb2.EmbedImageResponse(
            vector=common_pb2.Vector(space=space.name, data=encode(result.vector)),
            raw_features=b"" if result.raw is None else result.raw.astype("<f2").tobytes(),
        )
        return embedder_pb2.EmbedImagesResponse(key=request.key, embedding=embedding)

    def ProjectFeatures(  # noqa: N802 - named as in the contract
        self, request: embedder_pb2.ProjectFeaturesRequest, context: grpc.ServicerContext
    ) -> embedder_pb2.ProjectFeaturesResponse:
        kept = [
            Kept(np.frombuffer(one.raw_features, "<f2"), np.frombuffer(one.vector.data, "<f4").astype(np.float16))
            for one in request.photos
        ]
        space = self._toy.heads.get(request.space, Space(request.space, self._toy.space.blocks))
        response = embedder_pb2.ProjectFeaturesResponse()
        for result in self._toy.project(kept, self._toy.space, space):
            if isinstance(result, VisrecError):
                response.results.add(error=status_of(result))
            else:
                response.results.add(vector=common_pb2.Vector(space=space.name, data=encode(result)))
        return response


@contextmanager
def toy_embedder(runtime: RuntimeSettings, toy: ToyEmbedder) -> Iterator[str]:
    """A running embedder; its target."""
    servicer = ToyEmbedderServicer(toy)  # type: ignore[abstract] # the rest is UNIMPLEMENTED
    app = SyncApp(
        services=("visrec.v1.EmbedderService",),
        register=lambda server: embedder_pb2_grpc.add_EmbedderServiceServicer_to_server(servicer, server),
        canary=lambda: None,
        close=lambda: None,
    )
    with serving(app, runtime) as served:
        yield served.target


@dataclass
class Service:
    """A running indexer with an embedder beside it. `restart` begins anew over the same record."""

    stub: indexer_pb2_grpc.IndexerServiceStub
    toy: ToyEmbedder
    telemetry: Telemetry
    channel: grpc.Channel
    restart: Callable[[], None]

    def create(self, name: str = "shop", space: Space = SPACE, **fields: object) -> indexer_pb2.Catalogue:
        request = indexer_pb2.CreateCatalogueRequest(catalogue=name, space=encode_space(space), **fields)  # type: ignore[arg-type]
        return self.stub.CreateCatalogue(request).catalogue

    def put(self, *items: indexer_pb2.IngestItem, catalogue: str = "shop", request_id: str = "") -> str:
        """Ingests, insists that all went well, and returns the version."""
        request = indexer_pb2.IngestItemsRequest(catalogue=catalogue, items=items, request_id=request_id)
        answer = self.stub.IngestItems(request)
        assert [result.status.code for result in answer.results] == [0] * len(items)
        assert answer.written == len(items)
        return answer.version

    def found(self, request: indexer_pb2.SearchRequest) -> list[str]:
        return [hit.item_id for hit in self.stub.Search(request).hits]


@contextmanager
def service(runtime: RuntimeSettings, settings: IndexerSettings | None = None) -> Iterator[Service]:
    """The indexer as it is built for production, over the Redis of `runtime` and a toy embedder."""
    toy = ToyEmbedder()
    with ExitStack() as stack:
        target = stack.enter_context(toy_embedder(runtime, toy))
        wired = runtime.model_copy(update={"embedder_target": target})
        running = stack.enter_context(ExitStack())

        def start() -> tuple[grpc.Channel, Telemetry]:
            telemetry = Telemetry()
            served = running.enter_context(serving(build(settings or IndexerSettings(), wired, telemetry), wired))
            return served.channel, telemetry

        def restart() -> None:
            running.close()
            one.channel, one.telemetry = start()
            one.stub = indexer_pb2_grpc.IndexerServiceStub(one.channel)

        channel, telemetry = start()
        one = Service(indexer_pb2_grpc.IndexerServiceStub(channel), toy, telemetry, channel, restart)
        yield one


def with_vectors(item_id: str, *seeds: int, space: Space = SPACE, **fields: object) -> indexer_pb2.IngestItem:
    return indexer_pb2.IngestItem(
        item=indexer_pb2.Item(id=item_id, **fields),  # type: ignore[arg-type] # a test says what it means
        vectors=[vector(seed, space) for seed in seeds],
    )


def with_photos(item_id: str, *photos: bytes, **fields: object) -> indexer_pb2.IngestItem:
    return indexer_pb2.IngestItem(
        item=indexer_pb2.Item(id=item_id, **fields),  # type: ignore[arg-type] # a test says what it means
        photos=[common_pb2.Photo(data=photo) for photo in photos],
    )


def vector(seed: int, space: Space = SPACE) -> common_pb2.Vector:
    return common_pb2.Vector(space=space.name, data=encode(vectors(seed, space=space)[0]))


def search(*seeds: int, **fields: object) -> indexer_pb2.SearchRequest:
    """A search in `shop` with one query for each seed."""
    queries = [indexer_pb2.Query(name=f"q{number}", vector=vector(seed)) for number, seed in enumerate(seeds)]
    return indexer_pb2.SearchRequest(catalogue="shop", queries=queries, **fields)  # type: ignore[arg-type]


def refusal(call: Callable[[], Answer]) -> tuple[grpc.StatusCode, VisrecError]:
    """The status and the error, with its details, with which a call is refused."""
    try:
        call()
    except grpc.RpcError as failure:
        return failure.code(), fault(failure)
    raise AssertionError("the call was not refused")


def monotonic() -> float:
    return time.monotonic()


def ids_of(hits: Sequence[indexer_pb2.Hit]) -> list[str]:
    return [hit.item_id for hit in hits]
