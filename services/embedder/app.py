"""The embedder, put together."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

import grpc.aio

from services.embedder.batching import EmbeddingQueue, QueueLimits
from services.embedder.cache import GraphCache
from services.embedder.decoding import Decoder
from services.embedder.decoding_process import ProcessDecoder
from services.embedder.head_store import HeadStore
from services.embedder.head_store_redis import RedisHeadStore
from services.embedder.heads import Heads
from services.embedder.inference import open_inference_pb2_grpc
from services.embedder.inference import servicer as inference
from services.embedder.inference.readiness import Readiness
from services.embedder.manifest import find_manifest
from services.embedder.metrics import EmbedderMetrics
from services.embedder.model import Model
from services.embedder.opening import open_model
from services.embedder.room import PixelRoom
from services.embedder.servicer import EmbedderServicer
from services.embedder.settings import EmbedderSettings
from services.embedder.toy import ToyModel
from services.runtime.app import AsyncApp
from services.runtime.redis import open_redis
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from visrec.v1 import embedder_pb2_grpc

SERVICE = "visrec.v1.EmbedderService"


async def build(settings: EmbedderSettings, runtime: RuntimeSettings, telemetry: Telemetry) -> AsyncApp:
    """The real model, decoders in processes of their own, and the heads in Redis if there is one. The first start
    builds the graph, a second or two."""
    model = await asyncio.to_thread(_open_model, settings, runtime)
    # All decoders together hold no more pixels at a time than one of them may.
    room = PixelRoom(settings.max_photo_pixels)
    store = RedisHeadStore(open_redis(runtime), model.card.digest) if runtime.redis_url else None
    return assemble(settings, telemetry, model, lambda: ProcessDecoder(settings.bounds(), room), store)


def assemble(
    settings: EmbedderSettings,
    telemetry: Telemetry,
    model: Model,
    open_decoder: Callable[[], Decoder],
    store: HeadStore | None,
) -> AsyncApp:
    """Over any model, decoders and store, which are closed with it. To be called on the loop that serves."""
    limits = QueueLimits(
        workers=settings.workers or _processors(),
        max_waiting=settings.max_waiting,
        max_waiting_bytes=settings.max_waiting_bytes,
        max_bulk=2 * settings.bulk_window,
        max_batch=settings.max_batch,
        cache_bytes=settings.cache_bytes,
    )
    queue = EmbeddingQueue(model, open_decoder, limits)
    heads = Heads(model, store, _now_us)
    metrics = EmbedderMetrics(telemetry.registry, queue.waiting)
    servicer = EmbedderServicer(model, heads, queue, metrics, settings.bulk_window)

    async def canary() -> None:
        await asyncio.to_thread(queue.check)

    readiness = Readiness(canary)
    standard = inference.InferenceServicer(
        model, heads, queue.embed, metrics, ready=lambda: readiness.ready, waiting=settings.max_waiting
    )

    def register(server: grpc.aio.Server) -> None:
        embedder_pb2_grpc.add_EmbedderServiceServicer_to_server(servicer, server)
        open_inference_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(standard, server)

    async def close() -> None:
        await queue.close()
        await heads.close()

    return AsyncApp(
        services=(SERVICE, inference.SERVICE),
        register=register,
        canary=readiness.sing,
        close=close,
    )


def _open_model(settings: EmbedderSettings, runtime: RuntimeSettings) -> Model:
    if settings.model == "toy":
        return ToyModel()
    return open_model(
        find_manifest(settings.model),
        settings.precision,
        threads=settings.network_threads,
        providers=[name.strip() for name in settings.providers.split(",")],
        cache=GraphCache(settings.model_dir or runtime.var_dir / "models"),
    )


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _now_us() -> int:
    return time.time_ns() // 1000
