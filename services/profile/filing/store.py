"""Where everything about people is kept: the ports in one. `store_memory` and `store_redis` stand behind it, under
one conformance suite.

A person is one unit: whatever is written about them is written wholly or not at all, and concurrent writers follow one
another. Every method raises NotReady when the store cannot answer now.
"""

from __future__ import annotations

from abc import abstractmethod

from services.profile.catalogue.catalogue_store import CatalogueStore
from services.profile.collaborative.vector_store import VectorStore
from services.profile.events.event_store import EventStore
from services.profile.filing.token_store import TokenStore
from services.profile.people.export_store import ExportStore
from services.profile.people.people_store import PeopleStore
from services.profile.popularity.popularity_store import PopularityStore
from services.profile.segments.segment_store import SegmentStore
from services.profile.taste.taste_store import TasteStore


class ProfileStore(
    PeopleStore,
    EventStore,
    TasteStore,
    PopularityStore,
    SegmentStore,
    VectorStore,
    ExportStore,
    CatalogueStore,
    TokenStore,
):
    """People, what they do, their tastes, popularity, segments, and vectors."""

    @abstractmethod
    def ping(self) -> None:
        """Returns when the store answers."""

    @abstractmethod
    def close(self) -> None:
        """Gives back what it holds."""
