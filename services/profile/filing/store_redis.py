"""The store in Redis: what survives a restart, and what several replicas of the service share.

A person is a few keys under one hash tag (see `keys`), changed by scripts, each of which is one step for every other
client and one unit in the append-only file. Popularity lists belong to the catalogue. On a single server they change in
the step that writes the event; in a cluster they are in another slot and are counted right after it, so that a crash in
between loses that count, but never the event, and never counts it twice.
"""

from __future__ import annotations

from services.profile.catalogue.catalogues_redis import RedisCatalogues
from services.profile.collaborative.vectors_redis import RedisVectors
from services.profile.events.events_redis import RedisEvents
from services.profile.filing.store import ProfileStore
from services.profile.filing.tokens_redis import RedisTokens
from services.profile.people.export_redis import RedisExport
from services.profile.people.people_redis import RedisPeople
from services.profile.popularity.popularity_redis import RedisPopularity
from services.profile.taste.tastes_redis import RedisTastes
from services.runtime.redis_facts import inspect_redis


class RedisProfileStore(
    RedisPeople,
    RedisEvents,
    RedisTastes,
    RedisPopularity,
    RedisCatalogues,
    RedisVectors,
    RedisExport,
    RedisTokens,
    ProfileStore,
):
    """Over one client, which is closed with it."""

    def ping(self) -> None:
        # Each time: after a failover it may be another server, or one that has lost what it had.
        inspect_redis(self._client)
        self._agree_again()
        self.load("nobody")

    def close(self) -> None:
        self._client.close()
