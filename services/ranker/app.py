"""The ranker, put together."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from services.errors import InvalidInput, NotReady, Overloaded
from services.ranker.frozen.aftermath import Aftermath
from services.ranker.frozen.archive import Archive
from services.ranker.frozen.freezer import Freezer, Keeping
from services.ranker.frozen.recorder import Recorder
from services.ranker.frozen.store_redis import RedisFrozenStore
from services.ranker.limits import Limits
from services.ranker.metrics import RankerMetrics
from services.ranker.order.calibration import Calibration
from services.ranker.order.calibration import read as read_calibration
from services.ranker.others.breaker_redis import GuardedRedis
from services.ranker.others.lately import Lately
from services.ranker.others.peers import GrpcEmbedder, GrpcIndexer, GrpcProfile
from services.ranker.others.peers_explain import GrpcDiary, GrpcItemVectors, GrpcPhotoEvidence
from services.ranker.others.tuning import Tuning
from services.ranker.others.waits import Waits
from services.ranker.reasons.explain import Explainer
from services.ranker.recommend import BUILT_IN, Recommender
from services.ranker.scenes.book import SceneBook
from services.ranker.scenes.file import read as read_scenes
from services.ranker.scenes.shelf import SceneShelf
from services.ranker.scenes.store_redis import RedisSceneStore
from services.ranker.servicer import RankerServicer, UseCases
from services.ranker.settings import RankerSettings
from services.runtime.app import AsyncApp
from services.runtime.channel_async import open_channel
from services.runtime.redis_async import AsyncRedis
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from visrec.v1 import ranker_pb2_grpc

T = TypeVar("T")

SERVICE = "visrec.v1.RankerService"

REDIS_S = 1.0
"""Redis answers within milliseconds, or not at all."""

CALLS = {
    "embedder": ["visrec.v1.EmbedderService/EmbedImage"],
    "indexer": [f"visrec.v1.IndexerService/{name}" for name in ("ListSpaces", "SearchMany", "ListItems", "GetItem")],
    "profile": [f"visrec.v1.ProfileService/{name}" for name in ("GetTastes", "GetPopularItems", "RecordEvents")],
}
"""Whom the ranker calls, and what: all of it may be asked again, for an event that comes twice counts once."""


async def build(settings: RankerSettings, runtime: RuntimeSettings, telemetry: Telemetry) -> AsyncApp:
    """Channels to the other three and to Redis, if there is one, and the use cases over them. Raises InvalidInput for
    files that mean nothing."""
    curves = _read(settings.calibration, "VISREC_RANKER_CALIBRATION", read_calibration) or Calibration()
    own = _read(settings.scenes, "VISREC_RANKER_SCENES", read_scenes)
    book = SceneBook(*own) if own else BUILT_IN
    embedder, indexer, profile = (open_channel(name, runtime, idempotent=calls) for name, calls in CALLS.items())
    redis = AsyncRedis(runtime, REDIS_S) if runtime.redis_url else None
    freezer, shelf = _kept(settings, runtime, redis, book)
    metrics = RankerMetrics(telemetry.registry)
    recorder = Recorder(GrpcDiary(profile), asyncio.sleep, metrics.lost)
    tuning = Tuning(
        together=settings.together,
        in_flight=settings.in_flight,
        space_s=settings.space_ttl_s,
        popular_s=settings.popular_ttl_s,
        counts_s=settings.counts_ttl_s,
        taste_share=settings.profile_share,
        remembered_bytes=settings.remembered_mb * 2**20,
    )
    waits = Waits(Lately(time.monotonic), Lately(time.monotonic))
    catalogue = GrpcIndexer(indexer, time.monotonic, tuning, waits)
    archive = Archive(freezer, catalogue, time.monotonic)
    cases = UseCases(
        recommender=Recommender(
            GrpcEmbedder(embedder, waits.embedding),
            catalogue,
            GrpcProfile(profile, time.monotonic, tuning, waits),
            time.monotonic,
            _limits(settings),
            freezer=freezer,
            book=lambda: shelf.book,
            calibration=curves,
        ),
        aftermath=Aftermath(recorder, _now_ms, lambda: uuid4().hex),
        archive=archive,
        explainer=Explainer(
            freezer,
            archive,
            catalogue,
            GrpcPhotoEvidence(embedder),
            GrpcItemVectors(indexer),
            lambda: curves,
            time.monotonic,
        ),
        shelf=shelf,
    )
    servicer = RankerServicer(cases, metrics, runtime.default_deadline_s, time.time)

    async def canary() -> None:
        # Without a photo, a person or Redis there still is an answer, without a catalogue there is none.
        await asyncio.gather(catalogue.ping(), _refreshed(freezer, shelf))

    async def close() -> None:
        await recorder.close(runtime.drain_s / 2)
        await asyncio.gather(*(channel.close() for channel in (embedder, indexer, profile)))
        if redis is not None:
            await redis.close()

    return AsyncApp(
        services=(SERVICE,),
        register=lambda server: ranker_pb2_grpc.add_RankerServiceServicer_to_server(servicer, server),
        canary=canary,
        close=close,
    )


def _kept(
    settings: RankerSettings, runtime: RuntimeSettings, redis: AsyncRedis | None, book: SceneBook
) -> tuple[Freezer, SceneShelf]:
    """What stands over Redis, or does without."""
    keeping = Keeping(settings.frozen_ttl_s * 1000, settings.frozen_wait_ms / 1000, settings.frozen_memory_share)
    if redis is None:
        return Freezer(None, keeping, secrets.token_bytes), SceneShelf(book, None)
    peer = GuardedRedis(redis.ask, keeping.wait_s)
    frozen = RedisFrozenStore(peer.ask, in_cluster=runtime.redis_cluster)
    return Freezer(frozen, keeping, secrets.token_bytes), SceneShelf(book, RedisSceneStore(peer.ask))


def _read(file: Path | None, setting: str, meaning: Callable[[str], T]) -> T | None:
    """What a file means; None: there is none. Raises InvalidInput, naming the setting."""
    if file is None:
        return None
    try:
        return meaning(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise InvalidInput(setting, f"{file}: {problem}") from problem


def _limits(settings: RankerSettings) -> Limits:
    return Limits(
        embed_share=settings.embed_share,
        profile_share=settings.profile_share,
        candidates=settings.candidates,
        all_candidates=2 * settings.candidates,
        popular=settings.popular,
    )


async def _refreshed(freezer: Freezer, shelf: SceneShelf) -> None:
    """Looks for what other replicas have made; while Redis is away what is known holds."""
    with suppress(NotReady, Overloaded):
        await freezer.refresh()
        await shelf.refresh()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
