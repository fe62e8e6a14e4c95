"""The ranker, put together."""

from __future__ import annotations

import asyncio
import time

from services.ranker.metrics import RankerMetrics
from services.ranker.peers import GrpcEmbedder, GrpcIndexer, GrpcProfile
from services.ranker.recommend import Limits, Recommender
from services.ranker.servicer import RankerServicer
from services.ranker.settings import RankerSettings
from services.runtime.app import AsyncApp
from services.runtime.channel_async import open_channel
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from visrec.v1 import ranker_pb2_grpc

SERVICE = "visrec.v1.RankerService"

READS = {
    "embedder": ["visrec.v1.EmbedderService/EmbedImage"],
    "indexer": [f"visrec.v1.IndexerService/{name}" for name in ("ListSpaces", "Search", "ListItems")],
    "profile": [f"visrec.v1.ProfileService/{name}" for name in ("GetTaste", "GetPopularItems")],
}
"""Whom the ranker calls, and what: all of it may be asked again."""


async def build(settings: RankerSettings, runtime: RuntimeSettings, telemetry: Telemetry) -> AsyncApp:
    """Channels to the other three, and the use case over them."""
    embedder, indexer, profile = (open_channel(name, runtime, idempotent=calls) for name, calls in READS.items())
    catalogue = GrpcIndexer(indexer, time.monotonic, settings.space_ttl_s)
    recommender = Recommender(
        GrpcEmbedder(embedder),
        catalogue,
        GrpcProfile(profile),
        time.monotonic,
        Limits(
            embed_share=settings.embed_share,
            profile_share=settings.profile_share,
            candidates=settings.candidates,
            popular=settings.popular,
        ),
    )
    servicer = RankerServicer(recommender, RankerMetrics(telemetry.registry), runtime.default_deadline_s)

    async def close() -> None:
        await asyncio.gather(*(channel.close() for channel in (embedder, indexer, profile)))

    return AsyncApp(
        services=(SERVICE,),
        register=lambda server: ranker_pb2_grpc.add_RankerServiceServicer_to_server(servicer, server),
        # Without a photo or a person there still is an answer, without a catalogue there is none.
        canary=catalogue.ping,
        close=close,
    )
