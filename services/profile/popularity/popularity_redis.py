"""Popularity in Redis: sorted sets of levels, which belong to their catalogue."""

from __future__ import annotations

from collections.abc import Sequence

from services.profile.filing.filing_redis import Filing
from services.profile.filing.keys import popular
from services.profile.popularity import decay as popularity
from services.profile.popularity.popularity_store import PopularityStore
from services.runtime.redis import redis_errors


class RedisPopularity(Filing, PopularityStore):
    """Read here; written with the events."""

    def popular(self, catalogue: str, domains: Sequence[str], limit: int, segment: str = "") -> list[tuple[str, float]]:
        with redis_errors, self._client.pipeline(transaction=False) as pipeline:
            for name in self._lists(catalogue, domains, segment):
                pipeline.zrevrange(name, 0, limit - 1, withscores=True)
            merged: dict[str, float] = {}
            for item_id, level in (pair for found in pipeline.execute() for pair in found):
                merged[item_id.decode()] = popularity.add(merged.get(item_id.decode()), level)
        return sorted(merged.items(), key=lambda pair: (pair[1], pair[0]), reverse=True)[:limit]

    def levels(
        self, catalogue: str, domains: Sequence[str], item_ids: Sequence[str], segment: str = ""
    ) -> list[float | None]:
        with redis_errors, self._client.pipeline(transaction=False) as pipeline:
            for name in self._lists(catalogue, domains, segment):
                pipeline.zmscore(name, list(item_ids))
            columns = pipeline.execute()
        return [popularity.total(row) for row in zip(*columns, strict=True)]

    def _lists(self, catalogue: str, domains: Sequence[str], segment: str) -> list[str]:
        return [
            popular(catalogue, self._rules.popular_hours, domain, segment)
            for domain in dict.fromkeys(domains) or (None,)
        ]
