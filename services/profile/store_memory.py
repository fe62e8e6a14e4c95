"""The store in memory: for tests, and as the plainest statement of what a store does."""

from __future__ import annotations

from services.profile.catalogues_memory import MemoryCatalogues
from services.profile.events_memory import MemoryEvents
from services.profile.export_memory import MemoryExport
from services.profile.people_memory import MemoryPeople
from services.profile.popularity_memory import MemoryPopularity
from services.profile.segments_memory import MemorySegments
from services.profile.store import ProfileStore
from services.profile.tastes_memory import MemoryTastes
from services.profile.tokens_memory import MemoryTokens
from services.profile.vectors_memory import MemoryVectors


class MemoryProfileStore(
    MemoryPeople,
    MemoryEvents,
    MemoryTastes,
    MemoryPopularity,
    MemorySegments,
    MemoryCatalogues,
    MemoryVectors,
    MemoryExport,
    MemoryTokens,
    ProfileStore,
):
    """Everything behind one lock. Nothing outlives the process."""

    def ping(self) -> None:
        """Memory always answers."""

    def close(self) -> None:
        """Memory holds nothing open."""
