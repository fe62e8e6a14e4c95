"""The ports of the ranker over gRPC: the other three services, in the ranker's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np
from grpc_health.v1 import health_pb2, health_pb2_grpc
from numpy.typing import NDArray

from services.ranker.ports import (
    SEGMENT,
    STATED,
    CatalogueItem,
    Embedder,
    Embedding,
    Found,
    Indexer,
    Interest,
    Opaque,
    Profile,
    SearchPlan,
    SearchQuery,
    Source,
    Taste,
)
from services.runtime.channel_async import AsyncChannel
from services.runtime.wire import decode_space
from services.spaces import Space
from visrec.v1 import (
    common_pb2,
    embedder_pb2,
    embedder_pb2_grpc,
    indexer_pb2,
    indexer_pb2_grpc,
    profile_pb2,
    profile_pb2_grpc,
)

ASKED_AT_ONCE = 1000
"""The contract's bound of one call that names items."""


class GrpcEmbedder(Embedder):
    """Photos are `visrec.v1.Photo`."""

    def __init__(self, channel: AsyncChannel) -> None:
        self._stub = embedder_pb2_grpc.EmbedderServiceStub(channel)

    async def embed(self, photo: Opaque, space: str) -> Embedding:
        request = embedder_pb2.EmbedImageRequest(photo=cast("common_pb2.Photo", photo), space=space)
        answer = await self._stub.EmbedImage(request)
        return Embedding(answer.vector.space, answer.vector.data, answer.model_digest)


class GrpcIndexer(Indexer):
    """Filters are `visrec.v1.Filter`, items `visrec.v1.Item`. The space of a catalogue is remembered for `ttl_s`
    seconds of `clock`: every request would ask for it, and it changes once in months."""

    def __init__(self, channel: AsyncChannel, clock: Callable[[], float], ttl_s: float) -> None:
        self._stub = indexer_pb2_grpc.IndexerServiceStub(channel)
        self._health = health_pb2_grpc.HealthStub(channel)
        self._clock = clock
        self._ttl_s = ttl_s
        self._spaces: dict[str, tuple[float, Space]] = {}

    async def ping(self) -> None:
        """Raises when the indexer cannot be reached. Whether it calls itself healthy does not matter: while its record
        is away it still searches."""
        await self._health.Check(health_pb2.HealthCheckRequest())

    async def space(self, catalogue: str) -> Space:
        now = self._clock()
        until, space = self._spaces.get(catalogue, (now, None))
        if space is None or until <= now:
            answer = await self._stub.ListSpaces(indexer_pb2.ListSpacesRequest(catalogue=catalogue))
            space = decode_space(answer.spaces[0].space)
            self._spaces[catalogue] = (now + self._ttl_s, space)
        return space

    async def search(self, plan: SearchPlan) -> Found:
        answer = await self._stub.Search(_search_request(plan))
        shape = (len(answer.hits), len(answer.part_queries), len(answer.part_blocks))
        parts = np.array([hit.parts for hit in answer.hits], dtype=np.float64).reshape(shape)
        return Found([hit.item_id for hit in answer.hits], list(answer.part_blocks), parts, answer.version)

    async def items(self, catalogue: str, ids: Sequence[str], version: str) -> Mapping[str, CatalogueItem]:
        # A search without queries is answered from the index, also while its record is away; BatchGetItems is not.
        request = indexer_pb2.SearchRequest(
            catalogue=catalogue, also_score_item_ids=ids, include_items=True, min_version=version
        )
        answer = await self._stub.Search(request)
        return {hit.item_id: CatalogueItem(hit.item_id, hit.item.title, hit.item) for hit in answer.hits}

    async def some_ids(
        self,
        catalogue: str,
        filter: Opaque,  # noqa: A002 - the word of the contract
        domains: Sequence[str],
        limit: int,
    ) -> Sequence[str]:
        request = indexer_pb2.ListItemsRequest(catalogue=catalogue, page_size=limit, filter=_filter(filter, domains))
        answer = await self._stub.ListItems(request)
        return [stored.item.id for stored in answer.items]


class GrpcProfile(Profile):
    """People and popularity."""

    def __init__(self, channel: AsyncChannel) -> None:
        self._stub = profile_pb2_grpc.ProfileServiceStub(channel)

    async def taste(self, user_id: str, catalogue: str, space: str) -> Taste:
        request = profile_pb2.GetTasteRequest(user_id=user_id, catalogue=catalogue, space=space, include_seen=True)
        taste = (await self._stub.GetTaste(request)).taste
        return Taste(
            personalised=taste.personalised,
            interests=[_interest(interest) for interest in taste.interests],
            block_weights=dict(taste.block_weights),
            seen=list(taste.seen_item_ids),
        )

    async def popular_ids(self, catalogue: str, domains: Sequence[str], limit: int) -> Sequence[str]:
        if not limit:
            return ()
        request = profile_pb2.GetPopularItemsRequest(catalogue=catalogue, domains=domains, limit=limit)
        return [item.item_id for item in (await self._stub.GetPopularItems(request)).items]

    async def popularity(self, catalogue: str, ids: Sequence[str]) -> NDArray[np.float64]:
        scores: list[float] = []
        for start in range(0, len(ids), ASKED_AT_ONCE):
            chosen = ids[start : start + ASKED_AT_ONCE]
            request = profile_pb2.GetPopularItemsRequest(catalogue=catalogue, item_ids=chosen)
            scores += [item.score for item in (await self._stub.GetPopularItems(request)).items]
        return np.array(scores, dtype=np.float64)


def _interest(interest: profile_pb2.Interest) -> Interest:
    sources = [_source(source) for source in interest.sources]
    if not sources and interest.origin == profile_pb2.INTEREST_ORIGIN_SEGMENT:
        sources = [Source("", SEGMENT)]
    return Interest(Embedding(interest.vector.space, interest.vector.data), interest.weight, sources)


def _source(source: profile_pb2.InterestSource) -> Source:
    if source.word:
        return Source("", STATED, source.word)
    name = profile_pb2.EventType.Name(source.event_type)
    return Source(source.item_id, name.removeprefix("EVENT_TYPE_").lower())


def _search_request(plan: SearchPlan) -> indexer_pb2.SearchRequest:
    return indexer_pb2.SearchRequest(
        catalogue=plan.catalogue,
        space=plan.space,
        queries=[_query(query) for query in plan.queries],
        filter=_filter(plan.filter, plan.domains),
        exclude_item_ids=plan.exclude,
        limit=plan.limit,
        union=True,
        also_score_item_ids=plan.also_score,
        min_version=plan.min_version,
        include_parts=True,
    )


def _query(query: SearchQuery) -> indexer_pb2.Query:
    weight = 1.0 if query.positive else -1.0
    message = indexer_pb2.Query(name=query.name, weight=weight, block_weights=query.block_weights)
    if query.embedding is None:
        message.item_id = query.item_id
    else:
        message.vector.space, message.vector.data = query.embedding.space, query.embedding.data
    return message


def _filter(given: Opaque, domains: Sequence[str]) -> common_pb2.Filter:
    """The caller's filter, and one condition more when domains are asked for."""
    combined = common_pb2.Filter()
    if given is not None:
        combined.CopyFrom(cast("common_pb2.Filter", given))
    if domains:
        combined.must.add(field="domain").keyword.any_of.extend(domains)
    return combined
