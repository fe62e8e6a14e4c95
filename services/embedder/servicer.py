"""The contract of the embedder to its domain and back; nothing is decided here."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc.aio

from services.embedder.batching import Embedded, EmbeddingQueue, Photo
from services.embedder.bulk import in_order, settled
from services.embedder.images import WHOLE, Box
from services.embedder.metrics import EmbedderMetrics
from services.embedder.model import Model
from services.errors import InvalidInput, NotImplementedYet, VisrecError
from services.runtime import deadlines, faults
from services.runtime.wire import encode_space
from services.spaces import Space, encode
from visrec.v1 import common_pb2, embedder_pb2, embedder_pb2_grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Embed: TypeAlias = Callable[[Photo, float], Awaitable[Embedded]]

MAX_KEY_BYTES = 512


class EmbedderServicer(embedder_pb2_grpc.EmbedderServiceServicer):
    """`window`: photos of one stream that are held at a time."""

    def __init__(self, model: Model, queue: EmbeddingQueue, metrics: EmbedderMetrics, window: int) -> None:
        self._model = model
        self._queue = queue
        self._metrics = metrics
        self._window = window

    async def GetModel(self, request: embedder_pb2.GetModelRequest, context: Context) -> embedder_pb2.GetModelResponse:
        card = self._model.card
        return embedder_pb2.GetModelResponse(
            model=embedder_pb2.Model(
                name=card.name,
                digest=card.digest,
                precision=card.precision,
                licence=card.licence,
                input_pixels=card.input_pixels,
                raw_dimension=card.raw_dimension,
                spaces=[encode_space(self._model.space)],
            )
        )

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

    async def PutHead(self, request: embedder_pb2.PutHeadRequest, context: Context) -> embedder_pb2.PutHeadResponse:
        raise NotImplementedYet("PutHead")

    async def ListHeads(
        self, request: embedder_pb2.ListHeadsRequest, context: Context
    ) -> embedder_pb2.ListHeadsResponse:
        raise NotImplementedYet("ListHeads")

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
        for unfilled in ("include_evidence", "multi_crop"):
            if getattr(request, unfilled):
                raise NotImplementedYet(f"EmbedImageRequest.{unfilled}")
        space = self._model.require(request.space)
        left_s = deadlines.remaining_s()
        deadline = math.inf if left_s is None else time.monotonic() + left_s
        embedded = await embed(_photo(request.photo, field), deadline)
        self._metrics.embedded(embedded)
        return self._response(embedded, space, raw=request.include_raw_features)

    def _response(self, embedded: Embedded, space: Space, *, raw: bool) -> embedder_pb2.EmbedImageResponse:
        return embedder_pb2.EmbedImageResponse(
            vector=common_pb2.Vector(space=space.name, data=encode(embedded.vector)),
            raw_features=embedded.features.astype("<f2").tobytes() if raw else b"",
            model_digest=self._model.card.digest,
            costs=[
                common_pb2.StageCost(stage="queue", ms=embedded.queue_ms),
                common_pb2.StageCost(stage="decode", ms=embedded.decode_ms),
                common_pb2.StageCost(stage="network", ms=embedded.network_ms),
            ],
        )


def _photo(photo: common_pb2.Photo, field: str) -> Photo:
    crop = photo.crop
    box = Box(crop.left, crop.top, crop.right, crop.bottom) if photo.HasField("crop") else WHOLE
    return Photo(photo.data, box, field)
