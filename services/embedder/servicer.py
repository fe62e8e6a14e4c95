"""The contract of the embedder to its domain and back; nothing is decided here."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any, TypeAlias

import grpc.aio

from services.embedder import wire
from services.embedder.batching import EmbeddingQueue
from services.embedder.bulk import in_order, settled
from services.embedder.heads import Heads
from services.embedder.metrics import EmbedderMetrics
from services.embedder.model import Model
from services.embedder.photo import Embedded, Photo
from services.embedder.projection import project
from services.errors import InvalidInput, NotReady, VisrecError
from services.runtime import deadlines, faults
from services.runtime.wire import encode_space
from visrec.v1 import embedder_pb2, embedder_pb2_grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Embed: TypeAlias = Callable[[Photo, float], Awaitable[Embedded]]

MAX_KEY_BYTES = 512
MAX_KEPT = 1000
MAX_ORIGINS = 8


class EmbedderServicer(embedder_pb2_grpc.EmbedderServiceServicer):
    """`window`: photos of one stream that are held at a time."""

    def __init__(
        self, model: Model, heads: Heads, queue: EmbeddingQueue, metrics: EmbedderMetrics, window: int
    ) -> None:
        self._model = model
        self._heads = heads
        self._queue = queue
        self._metrics = metrics
        self._window = window

    async def GetModel(self, request: embedder_pb2.GetModelRequest, context: Context) -> embedder_pb2.GetModelResponse:
        spaces = [self._model.space]
        # What the model is can be said without Redis, and who asks wants to embed.
        with suppress(NotReady):
            spaces += [summary.space for summary in await self._heads.all()]
        return embedder_pb2.GetModelResponse(model=wire.encode_model(self._model.card, spaces))

    async def EmbedImage(
        self, request: embedder_pb2.EmbedImageRequest, context: Context
    ) -> embedder_pb2.EmbedImageResponse:
        return await self._embed(request, self._queue.embed, "photo")

    async def EmbedImages(
        self, request_iterator: AsyncIterator[embedder_pb2.EmbedImagesRequest], context: Context
    ) -> AsyncIterator[embedder_pb2.EmbedImagesResponse]:
        async with aclosing(in_order(request_iterator, self._embed_one_of_many, self._window)) as responses:
            async for response in responses:
                yield response

    async def ProjectFeatures(
        self, request: embedder_pb2.ProjectFeaturesRequest, context: Context
    ) -> embedder_pb2.ProjectFeaturesResponse:
        if not 1 <= len(request.photos) <= MAX_KEPT:
            raise InvalidInput("photos", f"{len(request.photos)} given, must be 1 to {MAX_KEPT}")
        head = await self._heads.require(request.space)
        names = {one.vector.space for one in request.photos if one.HasField("vector")}
        if len(names) > MAX_ORIGINS:
            raise InvalidInput("photos", f"vectors of {len(names)} spaces given, at most {MAX_ORIGINS}")
        origins = {name: await settled(self._heads.require(name)) for name in names}
        kept = [wire.decode_kept(one, origins) for one in request.photos]
        card = self._model.card
        # A thousand photos are some 20 ms of matrix product, for which the loop must not stand still.
        results = await asyncio.to_thread(project, kept, head, card.raw_dimension)
        return wire.encode_projected(results, head.space, card.digest)

    async def PutHead(self, request: embedder_pb2.PutHeadRequest, context: Context) -> embedder_pb2.PutHeadResponse:
        given = wire.decode_head(request.head, self._model.card.raw_dimension)
        space = await self._heads.put(given, request.request_id)
        return embedder_pb2.PutHeadResponse(space=encode_space(space))

    async def ListHeads(
        self, request: embedder_pb2.ListHeadsRequest, context: Context
    ) -> embedder_pb2.ListHeadsResponse:
        page, token = await self._heads.page(request.page_size, request.page_token)
        return embedder_pb2.ListHeadsResponse(heads=map(wire.encode_summary, page), next_page_token=token)

    async def DeleteHead(
        self, request: embedder_pb2.DeleteHeadRequest, context: Context
    ) -> embedder_pb2.DeleteHeadResponse:
        await self._heads.delete(request.space)
        return embedder_pb2.DeleteHeadResponse()

    async def _embed_one_of_many(self, request: embedder_pb2.EmbedImagesRequest) -> embedder_pb2.EmbedImagesResponse:
        outcome = await settled(self._embed_keyed(request))
        if isinstance(outcome, VisrecError):
            error = faults.status_of(faults.fault_of(outcome))
            return embedder_pb2.EmbedImagesResponse(key=request.key[:MAX_KEY_BYTES], error=error)
        return embedder_pb2.EmbedImagesResponse(key=request.key, embedding=outcome)

    async def _embed_keyed(self, request: embedder_pb2.EmbedImagesRequest) -> embedder_pb2.EmbedImageResponse:
        if len(request.key.encode()) > MAX_KEY_BYTES:
            raise InvalidInput("key", f"at most {MAX_KEY_BYTES} bytes")
        return await self._embed(request.request, self._queue.embed_bulk, "request.photo")

    async def _embed(
        self, request: embedder_pb2.EmbedImageRequest, embed: Embed, field: str
    ) -> embedder_pb2.EmbedImageResponse:
        head = await self._heads.require(request.space)
        left_s = deadlines.remaining_s()
        deadline = math.inf if left_s is None else time.monotonic() + left_s
        embedded = await embed(wire.decode_photo(request, head, field), deadline)
        self._metrics.embedded(embedded)
        return wire.encode_embedded(
            embedded, head.space, self._model.card.digest, raw_features=request.include_raw_features
        )
