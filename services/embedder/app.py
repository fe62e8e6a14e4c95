"""The embedder, put together."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence

import grpc.aio

from services.embedder.batching import EmbeddingQueue, QueueLimits
from services.embedder.cache import GraphCache
from services.embedder.head_store import HeadStore
from services.embedder.head_store_redis import RedisHeadStore
from services.embedder.heads import Heads
from services.embedder.inference import open_inference_pb2_grpc
from services.embedder.inference import servicer as inference
from services.embedder.inference.readiness import Readiness
from services.embedder.manifest import find_manifest
from services.embedder.metrics import EmbedderMetrics
from services.embedder.model import Model
from services.embedder.opening import prepare
from services.embedder.plan import Plan, ToyPlan
from services.embedder.room import PixelRoom
from services.embedder.servicer import EmbedderServicer
from services.embedder.settings import TOY, EmbedderSettings
from services.embedder.sight import Sight
from services.embedder.sight_process import ProcessSight
from services.embedder.toy import toy_model
from services.embedder.trial import tried
from services.runtime.app import AsyncApp
from services.runtime.redis import open_redis
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from visrec.v1 import embedder_pb2_grpc

SERVICE = "visrec.v1.EmbedderService"


async def build(settings: EmbedderSettings, runtime: RuntimeSettings, telemetry: Telemetry) -> AsyncApp:
    """The real model, each worker in a process of its own, and the heads in Redis if there is one. The first start
    builds the graph, a second or two."""
    model, plan = await asyncio.to_thread(_prepare, settings, runtime)
    sights = await _open(settings, model, plan)
    store = RedisHeadStore(lambda: open_redis(runtime), model.card.digest) if runtime.redis_url else None
    return assemble(settings, telemetry, model, sights, store)


def assemble(
    settings: EmbedderSettings,
    telemetry: Telemetry,
    model: Model,
    sights: Sequence[Sight],
    store: HeadStore | None,
) -> AsyncApp:
    """Over any model, sights and store, which are closed with it. To be called on the loop that serves."""
    limits = QueueLimits(
        max_waiting=settings.max_waiting,
        max_waiting_bytes=settings.max_waiting_bytes,
        max_bulk=2 * settings.bulk_window,
        max_batch=settings.max_batch,
        cache_bytes=settings.cache_bytes,
    )
    queue = EmbeddingQueue(model, sights, limits)
    heads = Heads(model, store, _now_us)
    metrics = EmbedderMetrics(telemetry.registry, queue.waiting)
    servicer = EmbedderServicer(model, heads, queue, metrics, settings.bulk_window)

    readiness = Readiness(queue.check)
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


async def _open(settings: EmbedderSettings, model: Model, plan: Plan) -> list[Sight]:
    """A process for each worker. The first one has shown that the network is as it should be."""
    # All processes together hold no more pixels at a time than one of them may.
    room, bounds = PixelRoom(settings.max_photo_pixels), settings.bounds(on_cpu=plan.on_cpu)

    def start(chosen: Plan) -> ProcessSight:
        return ProcessSight(chosen, model.own_blocks, bounds, room)

    plan, first = await tried(model, plan, start)
    others = [start(plan) for _ in range((settings.workers or _processors()) - 1)]
    await asyncio.gather(*(sight.ready() for sight in (first, *others)))
    return [first, *others]


def _prepare(settings: EmbedderSettings, runtime: RuntimeSettings) -> tuple[Model, Plan]:
    if settings.model == TOY:
        return toy_model(), ToyPlan()
    prepared = prepare(
        find_manifest(settings.model),
        settings.precision,
        threads=settings.network_threads,
        providers=[name.strip() for name in settings.providers.split(",")],
        cache=GraphCache(settings.model_dir or runtime.var_dir / "models"),
    )
    return prepared.model, prepared.plan


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _now_us() -> int:
    return time.time_ns() // 1000
