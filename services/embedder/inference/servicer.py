"""The Open Inference Protocol to the embedder's domain and back; nothing is decided here."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import grpc.aio
import numpy as np

from services.embedder.heads import Heads
from services.embedder.inference import open_inference_pb2 as messages
from services.embedder.inference.batch import Embed, embed_all
from services.embedder.inference.open_inference_pb2_grpc import GRPCInferenceServiceServicer
from services.embedder.inference.wire import (
    FEATURES,
    PHOTO,
    VECTOR,
    File,
    decode_files,
    decode_outputs,
    decode_space,
    encode_answer,
)
from services.embedder.metrics import EmbedderMetrics
from services.embedder.model import Model
from services.embedder.photo import Embedded, Photo
from services.errors import NotFound
from services.runtime import deadlines
from services.spaces import Float32, Space

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

SERVICE: Final = "inference.GRPCInferenceService"
NAME: Final = "visrec-embedder"
VERSION: Final = "0.1.0"
PLATFORM: Final = "onnx_onnxv1"

MOST_PHOTOS: Final = 64
"""Of one request, where the queue has room for twice as many."""


class InferenceServicer(GRPCInferenceServiceServicer):
    """`ready` says how the last canary ended; `waiting` (>= 1) is how many photos the queue has room for, of which one
    request may have half, at most `MOST_PHOTOS`."""

    def __init__(
        self,
        model: Model,
        heads: Heads,
        embed: Embed,
        metrics: EmbedderMetrics,
        *,
        ready: Callable[[], bool],
        waiting: int,
    ) -> None:
        self._model = model
        self._heads = heads
        self._embed = embed
        self._metrics = metrics
        self._ready = ready
        self._most = min(MOST_PHOTOS, max(1, waiting // 2))

    async def ServerLive(self, request: messages.ServerLiveRequest, context: Context) -> messages.ServerLiveResponse:
        return messages.ServerLiveResponse(live=True)

    async def ServerReady(self, request: messages.ServerReadyRequest, context: Context) -> messages.ServerReadyResponse:
        return messages.ServerReadyResponse(ready=self._ready())

    async def ModelReady(self, request: messages.ModelReadyRequest, context: Context) -> messages.ModelReadyResponse:
        self._require(request.name, request.version)
        return messages.ModelReadyResponse(ready=self._ready())

    async def ServerMetadata(
        self, request: messages.ServerMetadataRequest, context: Context
    ) -> messages.ServerMetadataResponse:
        return messages.ServerMetadataResponse(name=NAME, version=VERSION)

    async def ModelMetadata(
        self, request: messages.ModelMetadataRequest, context: Context
    ) -> messages.ModelMetadataResponse:
        self._require(request.name, request.version)
        tensor = messages.ModelMetadataResponse.TensorMetadata
        return messages.ModelMetadataResponse(
            name=self._model.card.name,
            versions=[self._version],
            platform=PLATFORM,
            inputs=[tensor(name=PHOTO, datatype="BYTES", shape=[-1])],
            outputs=[
                tensor(name=name, datatype="FP32", shape=[-1, dimension]) for name, dimension in self._outputs().items()
            ],
        )

    async def ModelInfer(self, request: messages.ModelInferRequest, context: Context) -> messages.ModelInferResponse:
        self._require(request.model_name, request.model_version)
        files = decode_files(request, self._most)
        wanted = decode_outputs(request, self._outputs())
        space, embedded = await self._embed_all(files, decode_space(request))
        return encode_answer(request, self._version, space.name, {name: _rows(name, embedded) for name in wanted})

    async def _embed_all(self, files: Sequence[File], space_name: str) -> tuple[Space, list[Embedded]]:
        """The space, and the photos in it."""
        head = await self._heads.require(space_name)
        photos = [Photo(file.data, field=file.field, head=head) for file in files]
        left_s = deadlines.remaining_s()
        deadline = math.inf if left_s is None else time.monotonic() + left_s
        embedded = await embed_all(photos, self._embed, deadline)
        for each in embedded:
            self._metrics.embedded(each)
        return head.space, embedded

    @property
    def _version(self) -> str:
        """Other numbers are another version."""
        return self._model.card.digest[:16]

    def _outputs(self) -> dict[str, int]:
        """Names of the tensors that can be asked for, and their dimensions."""
        dimensions = {VECTOR: self._model.space.dimension, FEATURES: self._model.card.raw_dimension}
        return {name: dimension for name, dimension in dimensions.items() if dimension}

    def _require(self, name: str, version: str) -> None:
        if name != self._model.card.name:
            raise NotFound("model", name, f"this server has {self._model.card.name}")
        if version not in ("", self._version):
            raise NotFound("model_version", version, f"there is {self._version}", within=name)


def _rows(name: str, embedded: Sequence[Embedded]) -> Float32:
    return np.stack([each.vector if name == VECTOR else each.features for each in embedded])
