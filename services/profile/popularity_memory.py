"""Popularity in memory."""

from __future__ import annotations

from collections.abc import Sequence

from services.profile.held_memory import Memory, highest
from services.profile.popularity_store import PopularityStore


class MemoryPopularity(Memory, PopularityStore):
    """Levels by item."""

    def popular(self, catalogue: str, domains: Sequence[str], limit: int, segment: str = "") -> list[tuple[str, float]]:
        with self._lock:
            merged: dict[str, float] = {}
            for domain in domains or (None,):
                merged |= self._levels.get((catalogue, domain, segment), {})
            return highest(merged, limit)

    def levels(
        self, catalogue: str, domains: Sequence[str], item_ids: Sequence[str], segment: str = ""
    ) -> list[float | None]:
        with self._lock:
            lists = [self._levels.get((catalogue, domain, segment), {}) for domain in domains or (None,)]
            found = [[each[item_id] for each in lists if item_id in each] for item_id in item_ids]
            return [max(levels, default=None) for levels in found]
