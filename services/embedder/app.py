"""The embedder, put together."""

from __future__ import annotations

import asyncio
import os

from services.embedder.batching import EmbeddingQueue, QueueLimits
from services.embedder.cache import GraphCache
from services.embedder.images import Limits
from services.embedder.lite0 import open_lite0
from services.embedder.metrics import EmbedderMetrics
from services.embedder.model import Model, ToyModel
from services.embedder.servicer import EmbedderServicer
from services.embedder.settings import EmbedderSettings
from services.runtime.app import AsyncApp
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from visrec.v1 import embedder_pb2_grpc

SERVICE = "visrec.v1.EmbedderService"


async def build(settings: EmbedderSettings, runtime: RuntimeSettings, telemetry: Telemetry) -> AsyncApp:
    """The model, its queue, and the servicer in front. The first start builds the graph, a second or two."""
    model = await asyncio.to_thread(_open_model, settings, runtime)
    queue = EmbeddingQueue(
        model,
        QueueLimits(
            workers=settings.workers or _processors(),
            max_waiting=settings.max_waiting,
            max_waiting_bytes=settings.max_waiting_bytes,
            max_bulk=2 * settings.bulk_window,
            max_batch=settings.max_batch,
        ),
        Limits(max_bytes=settings.max_photo_bytes, max_pixels=settings.max_photo_pixels),
    )
    metrics = EmbedderMetrics(telemetry.registry, queue.waiting)
    servicer = EmbedderServicer(model, queue, metrics, settings.bulk_window)

    async def canary() -> None:
        await asyncio.to_thread(queue.check)

    return AsyncApp(
        services=(SERVICE,),
        register=lambda server: embedder_pb2_grpc.add_EmbedderServiceServicer_to_server(servicer, server),
        canary=canary,
        close=queue.close,
    )


def _open_model(settings: EmbedderSettings, runtime: RuntimeSettings) -> Model:
    if settings.model == "toy":
        return ToyModel()
    cache = GraphCache(settings.model_dir or runtime.var_dir / "models")
    return open_lite0(settings.precision, threads=settings.network_threads, cache=cache)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
