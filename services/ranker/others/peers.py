"""The ports of the ranker over gRPC: the other three services, in the ranker's words.

Searches and tastes of requests that wait at the same time go out together. Behind a breaker, so that a service that is
dead or hangs costs nothing until it answers again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import numpy as np
from grpc_health.v1 import health_pb2, health_pb2_grpc
from numpy.typing import NDArray

from services.errors import VisrecError
from services.ranker.others.coalescing import Bounds, Coalescer
from services.ranker.others.items import ItemCache
from services.ranker.others.lately import Lately
from services.ranker.others.peer import Peer
from services.ranker.others.popularity import Among, Popularity, Top
from services.ranker.others.ports import (
    CatalogueItem,
    Condition,
    Embedder,
    Embedding,
    Found,
    Indexer,
    Opaque,
    Profile,
    SearchPlan,
    Spaces,
    Taste,
)
from services.ranker.others.refreshed import EACH_BYTES, Refreshed
from services.ranker.others.remembered import MAX_FILTER_BYTES, Shown
from services.ranker.others.tuning import Tuning
from services.ranker.others.waits import Waits
from services.ranker.wire import indexer as wire_indexer
from services.ranker.wire import profile as wire_profile
from services.runtime import deadlines
from services.runtime.channel_async import AsyncChannel
from services.runtime.faults import error_of
from visrec.v1 import (
    common_pb2,
    embedder_pb2,
    embedder_pb2_grpc,
    indexer_pb2,
    indexer_pb2_grpc,
    profile_pb2,
    profile_pb2_grpc,
)

DAY_S = 86_400.0
NO_DEADLINE_S, LONGEST_S = 10.0, 3600.0
FOREVER_S = float("inf")
FRESH_DAYS = (1, 7, 30, 365, 36_500)
LISTED = 1000

_Fresh = tuple[str, bytes, int]
"""Catalogue, serialised filter, how many."""

SEARCH_WORK = 128_000
"""The contract's bound of all searches of one call together."""


class GrpcEmbedder(Peer, Embedder):
    """Photos are `visrec.v1.Photo`."""

    def __init__(self, channel: AsyncChannel, took: Lately) -> None:
        """`took`: told how long each photo took."""
        super().__init__("embedder")
        self._stub = embedder_pb2_grpc.EmbedderServiceStub(channel)
        self._took = took

    async def embed(self, photo: Opaque, space: str, raw: bool = False) -> Embedding:
        request = embedder_pb2.EmbedImageRequest(
            photo=cast("common_pb2.Photo", photo), space=space, include_raw_features=raw
        )
        began = time.monotonic()
        answer = await self.through(lambda: self._stub.EmbedImage(request))
        self._took.note(time.monotonic() - began)
        return Embedding(answer.vector.space, answer.vector.data, answer.model_digest, answer.raw_features)


class GrpcIndexer(Peer, Indexer):
    """Filters are `visrec.v1.Filter`, items `visrec.v1.Item`. The space of a catalogue is remembered for a while:
    every request would ask for it, and it changes once in months. `clock`: seconds, monotonic; `waits`: told how long
    searches wait to go out; None: nobody waits for company."""

    def __init__(
        self, channel: AsyncChannel, clock: Callable[[], float], tuning: Tuning, waits: Waits | None = None
    ) -> None:
        super().__init__("indexer")
        # What it reads from its record hangs with Redis, while searches go on; so that is a peer of its own.
        self._record = Peer("indexer")
        self._waits = waits
        self._stub = indexer_pb2_grpc.IndexerServiceStub(channel)
        self._health = health_pb2_grpc.HealthStub(channel)
        # They hardly change, and a search in others would be refused: without the indexer they are as they were.
        self._spaces: Refreshed[str, Spaces]
        self._spaces = Refreshed(self._load_spaces, clock, tuning.space_s, FOREVER_S)
        self._items = ItemCache(tuning.items, tuning.items_bytes)
        self._shown = Shown(clock, tuning.shown_s, tuning.shown_bytes)
        self._fresh: Refreshed[_Fresh, Sequence[str]]
        self._fresh = Refreshed(
            self._load_fresh, clock, tuning.newest_s, tuning.stale_s, _size, most_bytes=tuning.list_bytes
        )
        bounds = Bounds(tuning.together, SEARCH_WORK, tuning.in_flight)
        self._searches: Coalescer[indexer_pb2.SearchRequest, indexer_pb2.SearchResponse]
        self._searches = Coalescer(self._search_many, bounds, wire_indexer.weigh, waits.searching if waits else None)

    async def ping(self) -> None:
        """Raises when the indexer cannot be reached. Whether it calls itself healthy does not matter: while its record
        is away it still searches."""
        await self._health.Check(health_pb2.HealthCheckRequest())

    async def spaces(self, catalogue: str, *, anew: bool = False) -> Spaces:
        return await (self._spaces.anew(catalogue) if anew else self._spaces.get(catalogue))

    async def _load_spaces(self, catalogue: str) -> Spaces:
        request = indexer_pb2.ListSpacesRequest(catalogue=catalogue)
        return wire_indexer.decode_spaces(await self._record.through(lambda: self._stub.ListSpaces(request)))

    async def search(self, plan: SearchPlan) -> Found:
        spare_s = self._waits.before_search_s(after_photo=plan.after_photo) if self._waits else 0.0
        request = wire_indexer.encode_plan(plan)
        return wire_indexer.decode_found(await self._searches.ask(request, _left_s(), spare_s))

    async def items(self, catalogue: str, ids: Sequence[str], version: str) -> Mapping[str, CatalogueItem]:
        known, missing = self._items.known(catalogue, version, ids)
        if missing:
            request = wire_indexer.encode_items(catalogue, missing, version)
            answer = await self._searches.ask(request, _left_s())
            more = wire_indexer.decode_items(answer)
            self._items.add(catalogue, answer.version, more)
            known |= {item.item_id: item for item in more}
        return known

    async def some_ids(
        self,
        catalogue: str,
        filter: Opaque,  # noqa: A002 - the word of the contract
        domains: Sequence[str],
        limit: int,
        conditions: Sequence[Condition] = (),
    ) -> Sequence[str]:
        passing = wire_indexer.encode_filter(filter, domains, conditions)
        return [item.id for item in await self._listed(catalogue, passing, limit)]

    async def fresh_ids(
        self,
        catalogue: str,
        filter: Opaque,  # noqa: A002 - the word of the contract
        domains: Sequence[str],
        limit: int,
        conditions: Sequence[Condition] = (),
    ) -> Sequence[str]:
        passing = wire_indexer.encode_filter(filter, domains, conditions)
        key = catalogue, _key(passing), limit
        return await (self._fresh.get(key) if len(key[1]) <= MAX_FILTER_BYTES else self._load_fresh(key))

    def remembered(
        self,
        catalogue: str,
        filter: Opaque,  # noqa: A002 - the word of the contract
        domains: Sequence[str],
        conditions: Sequence[Condition] = (),
    ) -> Mapping[str, CatalogueItem]:
        return self._shown.under(catalogue, _key(wire_indexer.encode_filter(filter, domains, conditions)))

    def remember(
        self,
        catalogue: str,
        filter: Opaque,  # noqa: A002 - the word of the contract
        domains: Sequence[str],
        conditions: Sequence[Condition],
        items: Mapping[str, CatalogueItem],
    ) -> None:
        self._shown.add(catalogue, _key(wire_indexer.encode_filter(filter, domains, conditions)), items.values())

    async def _load_fresh(self, key: _Fresh) -> Sequence[str]:
        """Items come in no order, so those of the last day are looked at, then of a longer time, until there are enough
        of them."""
        catalogue, passing, limit = key
        items: list[indexer_pb2.Item] = []
        for days in FRESH_DAYS:
            within = wire_indexer.encode_newer(passing, time.time() - days * DAY_S)
            items = await self._listed(catalogue, within, LISTED)
            if len(items) >= limit:
                break
        items.sort(key=lambda item: (-item.time.seconds, -item.time.nanos, item.id))
        return [item.id for item in items[:limit]]

    async def _listed(self, catalogue: str, passing: common_pb2.Filter | None, limit: int) -> list[indexer_pb2.Item]:
        request = indexer_pb2.ListItemsRequest(catalogue=catalogue, page_size=limit, filter=passing)
        answer = await self._record.through(lambda: self._stub.ListItems(request))
        return [stored.item for stored in answer.items]

    async def _search_many(
        self, asked: Sequence[tuple[indexer_pb2.SearchRequest, float]], within_s: float
    ) -> list[indexer_pb2.SearchResponse | VisrecError]:
        searches = [
            indexer_pb2.DatedSearch(search=search, timeout_ms=max(1, int(left_s * 1e3))) for search, left_s in asked
        ]
        request = indexer_pb2.SearchManyRequest(searches=searches)
        answer = await self.through(partial(self._stub.SearchMany, request, timeout=within_s))
        return [error_of(each.error) if each.HasField("error") else each.response for each in answer.results]


class GrpcProfile(Peer, Profile):
    """People and popularity. `clock`: seconds, monotonic; `waits`: None: nobody waits for company."""

    def __init__(
        self, channel: AsyncChannel, clock: Callable[[], float], tuning: Tuning, waits: Waits | None = None
    ) -> None:
        super().__init__("profile")
        self._waits = waits
        self._stub = profile_pb2_grpc.ProfileServiceStub(channel)
        bounds = Bounds(tuning.together, in_flight=tuning.in_flight)
        self._tastes: Coalescer[profile_pb2.GetTasteRequest, profile_pb2.Taste]
        self._tastes = Coalescer(self._get_tastes, bounds)
        self._taste_share = tuning.taste_share
        self._popularity = Popularity(self._load_top, self._load_counts, clock, tuning)

    async def taste(self, user_id: str, catalogue: str, space: str, *, beside_photo: bool = False) -> Taste:
        request = profile_pb2.GetTasteRequest(user_id=user_id, catalogue=catalogue, space=space, include_seen=True)
        spare_s = self._waits.before_taste_s(beside_photo=beside_photo) if self._waits else 0.0
        return wire_profile.decode_taste(await self._tastes.ask(request, _left_s() * self._taste_share, spare_s))

    async def popular_ids(self, catalogue: str, domains: Sequence[str], limit: int, segment: str = "") -> Sequence[str]:
        return (await self._popularity.top(Top(catalogue, segment, tuple(domains), limit))) if limit else ()

    async def popularity(self, catalogue: str, ids: Sequence[str], segment: str = "") -> NDArray[np.float64]:
        return np.array(await self._popularity.counts(Among(catalogue, segment), ids), np.float64)

    async def _load_top(self, top: Top) -> Sequence[str]:
        request = profile_pb2.GetPopularItemsRequest(
            catalogue=top.catalogue, segment=top.segment, domains=top.domains, limit=top.limit
        )
        return [item.item_id for item in (await self._popular(request)).items]

    async def _load_counts(self, among: Among, ids: Sequence[str]) -> list[float]:
        request = profile_pb2.GetPopularItemsRequest(catalogue=among.catalogue, segment=among.segment, item_ids=ids)
        return [item.score for item in (await self._popular(request)).items]

    async def _popular(self, request: profile_pb2.GetPopularItemsRequest) -> Any:
        return await self.through(lambda: self._stub.GetPopularItems(request))

    async def _get_tastes(
        self, asked: Sequence[tuple[profile_pb2.GetTasteRequest, float]], within_s: float
    ) -> list[profile_pb2.Taste | VisrecError]:
        request = profile_pb2.GetTastesRequest(requests=[each for each, _ in asked])
        answer = await self.through(partial(self._stub.GetTastes, request, timeout=within_s))
        return [error_of(each.error) if each.HasField("error") else each.taste for each in answer.results]


def _key(passing: common_pb2.Filter | None) -> bytes:
    """Of a filter, the same for the same one."""
    return b"" if passing is None else passing.SerializeToString(deterministic=True)


def _size(key: _Fresh, ids: Sequence[str]) -> int:
    catalogue, passing, _ = key
    return len(catalogue) + len(passing) + sum(map(len, ids)) + EACH_BYTES * (1 + len(ids))


def _left_s() -> float:
    """For this call; a bound of an hour keeps what is told to the indexer in milliseconds within its 32 bits."""
    left = deadlines.remaining_s()
    return NO_DEADLINE_S if left is None else min(left, LONGEST_S)
