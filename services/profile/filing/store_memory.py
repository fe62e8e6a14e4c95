"""The store in memory: for tests, and as the plainest statement of what a store does."""

from __future__ import annotations

from services.profile.catalogue.catalogues_memory import MemoryCatalogues
from services.profile.collaborative.vectors_memory import MemoryVectors
from services.profile.events.events_memory import MemoryEvents
from services.profile.filing.store import ProfileStore
from services.profile.filing.tokens_memory import MemoryTokens
from services.profile.people.export_memory import MemoryExport
from services.profile.people.people_memory import MemoryPeople
from services.profile.popularity.popularity_memory import MemoryPopularity
from services.profile.segments.segments_memory import MemorySegments
from services.profile.taste.tastes_memory import MemoryTastes


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
