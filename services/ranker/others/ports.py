"""What the ranker needs of the other three services, in its own words.

Every port raises the errors of `services.errors`: NotReady, Overloaded and TooLate mean that the service could not
answer now; anything else is about the request. Filters, photos and items pass through the ranker unread, as `Opaque`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.spaces import Float16, Space

Opaque: TypeAlias = object
"""Carried from one side of the ranker to the other: only the adapters on both sides know what it is."""


@dataclass(frozen=True)
class Embedding:
    """A photo's vector: `data` as little-endian float32 of `space`, and the digest of the model that made it.
    `raw_features`: what a vector in a later space is made from, only when asked for."""

    space: str
    data: bytes
    model_digest: str = ""
    raw_features: bytes = b""


@dataclass(frozen=True)
class Spaces:
    """The spaces of a catalogue that are searched: behind its alias `visual`, and `collaborative` if it has that.
    `others`: further ones: where people's collaborative vectors are while a job moves them, or stopped at it, and what
    was searched before an alias moved."""

    visual: Space
    collaborative: Space | None = None
    others: Sequence[Space] = ()

    def named(self, name: str) -> Space | None:
        """The one of that name, whatever it is for."""
        known = (self.visual, self.collaborative, *self.others)
        return next((each for each in known if each and each.name == name), None)

    def for_vector_of(self, space: str) -> Spaces | None:
        """With the space of that name as the collaborative one, for somebody who is there; None: there is none."""
        known = (self.collaborative, *self.others)
        return next((replace(self, collaborative=each) for each in known if each and each.name == space), None)


@dataclass(frozen=True)
class Condition:
    """One test that an item has to pass: its `field` has one of the words `any_of`, or is a number within bounds that
    are included; a bound of None does not bind."""

    field: str
    any_of: Sequence[str] = ()
    at_least: float | None = None
    at_most: float | None = None


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
    """One search in one space. `limit` nearest items of each positive query, and `also_score` besides; all pass
    `filter`, `conditions` and `domains` (empty: any), none is in `exclude`. `max_per_group`, `max_per_category`: of
    what queries bring; 0: no bound. `vectors`, `traits`: whether those of the found items come along. `fast`: nine in
    ten of the nearest of each query will do. `after_photo`: a photo was embedded for it. `score_only`: nothing is
    looked for, and only `also_score` comes back."""

    catalogue: str
    space: str
    queries: Sequence[SearchQuery]
    limit: int
    filter: Opaque = None
    domains: Sequence[str] = ()
    exclude: Sequence[str] = ()
    also_score: Sequence[str] = ()
    min_version: str = ""
    conditions: Sequence[Condition] = ()
    vectors: bool = False
    traits: bool = False
    fast: bool = False
    after_photo: bool = False
    score_only: bool = False
    max_per_group: int = 0
    max_per_category: int = 0


class Traits(Protocol):
    """What rules and freshness read of an item."""

    @property
    def time_s(self) -> float:
        """When it was published, seconds since 1970; 0: unknown."""

    @property
    def category(self) -> str:
        """Empty: none."""

    @property
    def group_id(self) -> str:
        """Of the thing that it is a variant of; empty: none."""

    def words(self, field: str) -> Collection[str]:  # as in the contract's Condition
        """What a field of words has; empty where the item lacks it."""


@dataclass(frozen=True)
class Found:
    """`ids`: n different items in any order. `parts`: (n, queries, blocks) float, exact. `version`: of the index.
    `vectors`: (n, D), of the rows that scored; `traits`: n, each read when it is looked at; both only if planned."""

    ids: Sequence[str]
    blocks: Sequence[str]
    parts: NDArray[np.float64] | NDArray[np.float32]
    version: str
    vectors: Float16 | None = None
    traits: Sequence[Traits] | None = None


@dataclass(frozen=True)
class CatalogueItem:
    """What the ranker reads of an item, and the item itself for the caller. `traits`: None where they are not known.
    `size`: bytes that all of that takes in memory, about."""

    item_id: str
    title: str
    payload: Opaque
    traits: Traits | None = None
    size: int = 1000


STATED = "stated"
SEGMENT = "segment"
AVOIDED = "avoided"


@dataclass(frozen=True)
class Source:
    """Why somebody is thought to have an interest: an item and what they did with it, such as `like`; or the `word` by
    which they stated it (event STATED); or that people of their segment have it (SEGMENT). Or what they want to be far
    from (AVOIDED); or, of a rule of the request, its condition as the `word`."""

    item_id: str
    event: str
    word: str = ""


SOMETHING = Source("", "session")
"""Stands for what was done in a session, where that is not to be kept."""

SOMETHING_AVOIDED = Source("", AVOIDED)
"""The same for what was disliked in it."""


@dataclass(frozen=True)
class Interest:
    """One of several things a person likes; `weight` > 0. `sources`: those that count most first."""

    embedding: Embedding
    weight: float
    sources: Sequence[Source] = ()


@dataclass(frozen=True)
class Taste:
    """A person in one catalogue. `personalised`: they consent; `photo_learning`: to that. `seen`: item ids, latest
    first. `collaborative`: their vector in the collaborative space. `segment`: whom they are like; empty: none.
    `pseudonym`: under what things of theirs are kept."""

    personalised: bool
    interests: Sequence[Interest] = ()
    block_weights: Mapping[str, float] = field(default_factory=dict)
    seen: Sequence[str] = ()
    collaborative: Embedding | None = None
    segment: str = ""
    pseudonym: str = ""
    photo_learning: bool = False


class Embedder(Protocol):
    """Photos to vectors."""

    async def embed(self, photo: Opaque, space: str, raw: bool = False) -> Embedding:
        """Raises InvalidPicture for what is not a picture, NotFound for a space that no photo can be embedded into.
        `raw`: with raw features."""


class Indexer(Protocol):
    """The catalogue and the search in it."""

    async def spaces(self, catalogue: str, *, anew: bool = False) -> Spaces:
        """As they were when they were last asked for; `anew`: as they are now. Raises NotFound for an unknown
        catalogue."""

    async def search(self, plan: SearchPlan) -> Found:
        """Raises NotFound for an unknown seed item, InvalidInput for a filter that does not fit, SpaceMismatch for a
        space that is gone."""

    async def items(self, catalogue: str, ids: Sequence[str], version: str) -> Mapping[str, CatalogueItem]:
        """Those of at most 1000 items that exist, by id, as of `version` or later: another replica may answer than the
        one that searched."""

    async def some_ids(
        self,
        catalogue: str,
        filter: Opaque,  # noqa: A002 - the word of the contract
        domains: Sequence[str],
        limit: int,
        conditions: Sequence[Condition] = (),
    ) -> Sequence[str]:
        """Up to `limit` items that pass, the same ones for the same catalogue."""

    async def fresh_ids(
        self,
        catalogue: str,
        filter: Opaque,  # noqa: A002 - the word of the contract
        domains: Sequence[str],
        limit: int,
        conditions: Sequence[Condition] = (),
    ) -> Sequence[str]:
        """Up to `limit` of the newest items that pass, newest first."""

    def remember(
        self,
        catalogue: str,
        filter: Opaque,  # noqa: A002 - the word of the contract
        domains: Sequence[str],
        conditions: Sequence[Condition],
        items: Mapping[str, CatalogueItem],
    ) -> None:
        """Keeps items of a whole answer in mind, a bounded number of them, for when the index is away. Never waits."""

    def remembered(
        self,
        catalogue: str,
        filter: Opaque,  # noqa: A002 - the word of the contract
        domains: Sequence[str],
        conditions: Sequence[Condition],
    ) -> Mapping[str, CatalogueItem]:
        """Items that were answered lately to who asked for the same; empty: none. Never waits."""


class Profile(Protocol):
    """People, and what is popular among them: among all, or among those of a `segment`."""

    async def taste(self, user_id: str, catalogue: str, space: str, *, beside_photo: bool = False) -> Taste:
        """In `space`, or for an empty one in that of the person's events. `beside_photo`: it is of no use before
        a photo has been embedded. Raises NotFound for an unknown person and SpaceMismatch when none of their events is
        of the space."""

    async def popular_ids(self, catalogue: str, domains: Sequence[str], limit: int, segment: str = "") -> Sequence[str]:
        """Up to `limit` items with positive events, most popular first. Raises NotFound for an unknown segment."""

    async def popularity(self, catalogue: str, ids: Sequence[str], segment: str = "") -> NDArray[np.float64]:
        """(n,) decayed counts of any number of items, 0 for those without events. Raises as `popular_ids`."""
