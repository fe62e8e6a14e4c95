"""Popularity in memory."""

from __future__ import annotations

from collections.abc import Sequence

from services.profile.filing.held_memory import Memory, highest
from services.profile.popularity import decay as popularity
from services.profile.popularity.popularity_store import PopularityStore


class MemoryPopularity(Memory, PopularityStore):
    """Levels by item."""

    def popular(self, catalogue: str, domains: Sequence[str], limit: int, segment: str = "") -> list[tuple[str, float]]:
        with self._lock:
            merged: dict[str, float] = {}
            for levels in self._lists(catalogue, domains, segment):
                for item_id, level in levels.items():
                    merged[item_id] = popularity.add(merged.get(item_id), level)
            return highest(merged, limit)

    def levels(
        self, catalogue: str, domains: Sequence[str], item_ids: Sequence[str], segment: str = ""
    ) -> list[float | None]:
        with self._lock:
            lists = self._lists(catalogue, domains, segment)
            return [popularity.total(each.get(item_id) for each in lists) for item_id in item_ids]

    def _lists(self, catalogue: str, domains: Sequence[str], segment: str) -> list[dict[str, float]]:
        which = dict.fromkeys(domains) or (None,)
        return [self._levels.get((catalogue, domain, segment), {}) for domain in which]
