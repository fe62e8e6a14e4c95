"""What the ranker needs of the other three services, in its own words.

Every port raises the errors of `services.errors`: NotReady, Overloaded and TooLate mean that the service could not
answer now; anything else is about the request. Filters, photos and items pass through the ranker unread, as `Opaque`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.spaces import Space

Opaque: TypeAlias = object
"""Carried from one side of the ranker to the other: only the adapters on both sides know what it is."""


@dataclass(frozen=True)
class Embedding:
    """A photo's vector: `data` as little-endian float32 of `space`, and the digest of the model that made it."""

    space: str
    data: bytes
    model_digest: str = ""


@dataclass(frozen=True)
class SearchQuery:
    """One query: a vector (`embedding`) or an item by id, exactly one of them. `positive`: it brings candidates.
    `block_weights` as in `services.spaces.Space.weights`."""

    name: str
    block_weights: Mapping[str, float]
    embedding: Embedding | None = None
    item_id: str = ""
    positive: bool = True


@dataclass(frozen=True)
class SearchPlan:
    """One search. `limit` nearest items of each positive query, and `also_score` besides; all pass `filter` and
    `domains` (empty: any), none is in `exclude`."""

    catalogue: str
    space: str
    queries: Sequence[SearchQuery]
    limit: int
    filter: Opaque = None
    domains: Sequence[str] = ()
    exclude: Sequence[str] = ()
    also_score: Sequence[str] = ()
    min_version: str = ""


@dataclass(frozen=True)
class Found:
    """`ids`: n different items in any order. `parts`: (n, queries, blocks) float64, exact. `version`: of the index."""

    ids: Sequence[str]
    blocks: Sequence[str]
    parts: NDArray[np.float64]
    version: str


@dataclass(frozen=True)
class CatalogueItem:
    """What the ranker reads of an item, and the item itself for the caller."""

    item_id: str
    title: str
    payload: Opaque


STATED = "stated"
SEGMENT = "segment"


@dataclass(frozen=True)
class Source:
    """Why somebody is thought to have an interest: an item and what they did with it, such as `like`; or the `word` by
    which they stated it (event STATED); or that people of their segment have it (SEGMENT)."""

    item_id: str
    event: str
    word: str = ""


@dataclass(frozen=True)
class Interest:
    """One of several things a person likes; `weight` > 0. `sources`: those that count most first."""

    embedding: Embedding
    weight: float
    sources: Sequence[Source] = ()


@dataclass(frozen=True)
class Taste:
    """A person in one catalogue. `personalised`: they consent. `seen`: item ids, latest first."""

    personalised: bool
    interests: Sequence[Interest] = ()
    block_weights: Mapping[str, float] = field(default_factory=dict)
    seen: Sequence[str] = ()


class Embedder(Protocol):
    """Photos to vectors."""

    async def embed(self, photo: Opaque, space: str) -> Embedding:
        """Raises InvalidPicture for what is not a picture, NotFound for a space that no photo can be embedded into."""


class Indexer(Protocol):
    """The catalogue and the search in it."""

    async def space(self, catalogue: str) -> Space:
        """The space behind the catalogue's alias `visual`. Raises NotFound for an unknown catalogue."""

    async def search(self, plan: SearchPlan) -> Found:
        """Raises NotFound for an unknown seed item, InvalidInput for a filter that does not fit."""

    async def items(self, catalogue: str, ids: Sequence[str], version: str) -> Mapping[str, CatalogueItem]:
        """Those of at most 1000 items that exist, by id, as of `version` or later: another replica may answer than the
        one that searched."""

    async def some_ids(self, catalogue: str, filter: Opaque, domains: Sequence[str], limit: int) -> Sequence[str]:  # noqa: A002 - the word of the contract
        """Up to `limit` items that pass, the same ones for the same catalogue."""


class Profile(Protocol):
    """People, and what is popular among them."""

    async def taste(self, user_id: str, catalogue: str, space: str) -> Taste:
        """In `space`, or for an empty one in that of the person's events. Raises NotFound for an unknown person and
        SpaceMismatch when none of their events is of the space."""

    async def popular_ids(self, catalogue: str, domains: Sequence[str], limit: int) -> Sequence[str]:
        """Up to `limit` items with positive events, most popular first."""

    async def popularity(self, catalogue: str, ids: Sequence[str]) -> NDArray[np.float64]:
        """(n,) decayed counts of at most 1000 items, 0 for those without events."""
