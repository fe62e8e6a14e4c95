"""Where people are kept: the port. `store_memory` and `store_redis` stand behind it, under one conformance suite.

A person is one unit: whatever is written about them is written wholly or not at all, and concurrent writers follow one
another. Every method raises NotReady when the store cannot answer now.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from services.profile.events import Event
from services.profile.person import Person
from services.spaces import Space


@dataclass(frozen=True)
class StoreRules:
    """The bounds of what is kept.

    window              events of a person in a catalogue that taste is folded from, the latest by their own time
    shown               impressions of a person in a catalogue, the latest
    seen                items a person has seen in a catalogue, the latest
    remembered          ids of events of a person that are remembered, so that one counts once whatever became of it;
                        fewer than a call may bring, and a call that is sent again would count some twice
    remembered_days     after which they are forgotten
    popular             items of a popularity list
    popular_hours       half-life of popularity, in hours
    """

    window: int = 200
    shown: int = 200
    seen: int = 1000
    remembered: int = 2000
    remembered_days: float = 7.0
    popular: int = 10_000
    popular_hours: float = 14 * 24.0


@dataclass(frozen=True)
class Answered:
    """An earlier answer to a request: what was asked (`payload`, a digest), what was answered, and until when that is
    remembered, in milliseconds since 1970."""

    payload: bytes
    person: Person
    created: bool
    until_ms: int


@dataclass(frozen=True)
class Loaded:
    """A person, None when unknown. `version` is what `swap` compares. `answered`: to the request id asked for."""

    person: Person | None
    version: bytes
    answered: Answered | None = None


class Forget(Enum):
    """What goes together with a change of consent."""

    NOTHING = ""
    UPLOADS = "uploads"
    EVERYTHING = "everything"
    """All but who they are: events, impressions, seen items, tastes, ids of events."""


@dataclass(frozen=True)
class Erased:
    """How many entries were removed in a place: `profile`, `events`, `seen`, `taste`, `requests`, `event_ids`."""

    place: str
    entries: int


@dataclass(frozen=True)
class Page:
    """Some people; `token` for the next page, empty when there is none."""

    people: Sequence[Person]
    token: str


@dataclass(frozen=True)
class Batch:
    """Events of one person in one catalogue, in the order they were given."""

    user_id: str
    catalogue: str
    events: Sequence[Event]


class Outcome(Enum):
    """What became of an event. The first three are good ends."""

    LEARNED = "learned"
    COUNTED = "counted"
    DUPLICATE = "duplicate"
    TOO_OLD = "too_old"
    UNKNOWN_USER = "unknown_user"
    PHOTOS_REFUSED = "photos_refused"


@dataclass(frozen=True)
class Wanted:
    """Whose taste, in which catalogue, and whether the items they have seen are wanted, too."""

    user_id: str
    catalogue: str
    seen: bool = False


@dataclass(frozen=True)
class Glance:
    """What one look at a person shows. `stamp` changes with every event that is written and is empty when there are
    none; `taste` is what was last kept, under whatever stamp."""

    personalised: bool
    stamp: str = ""
    taste: bytes = b""
    seen: tuple[str, ...] = ()


@dataclass(frozen=True)
class Window:
    """The events a taste is folded from, in no particular order, and the stamp they stand under."""

    stamp: str
    events: tuple[Event, ...] = ()


class ProfileStore(ABC):
    """People, their events, and popularity."""

    @abstractmethod
    def load(self, user_id: str, request_id: str = "") -> Loaded:
        """A person as they stand, with the remembered answer to `request_id`."""

    @abstractmethod
    def swap(
        self,
        version: bytes,
        person: Person,
        forget: Forget = Forget.NOTHING,
        request_id: str = "",
        answered: Answered | None = None,
    ) -> bool:
        """Puts `person`, forgets what is to be forgotten and remembers the answer, in one step; False, and nothing is
        done, when the person has changed since they were loaded with `version`."""

    @abstractmethod
    def erase(self, user_id: str) -> list[Erased] | None:
        """Removes all that is kept under a person, ids of events and remembered answers included. None when there is no
        such person."""

    @abstractmethod
    def people(self, size: int, token: str) -> Page:
        """At most `size` >= 1 people; everybody who is there during the whole walk comes at least once. Raises
        InvalidInput, naming `page_token`, for a token that is none."""

    @abstractmethod
    def record(self, batches: Sequence[Batch], now_ms: int) -> list[list[Outcome]]:
        """Writes events: for each batch one step, in which consent is read, ids that are remembered are passed over,
        the window, the seen items and popularity are brought up to date."""

    @abstractmethod
    def glance(self, wanted: Sequence[Wanted]) -> list[Glance | None]:
        """One look at several people, None for one who is unknown; one round trip in all."""

    @abstractmethod
    def window(self, user_id: str, catalogue: str) -> Window:
        """A person's events with a vector in a catalogue. No events, an empty stamp: there are none."""

    @abstractmethod
    def keep_taste(self, user_id: str, catalogue: str, stamp: str, taste: bytes) -> None:
        """Keeps a folded taste, unless the person has moved on from `stamp`."""

    @abstractmethod
    def keep_space(self, space: Space) -> None:
        """Remembers the blocks of a space, so that tastes can be folded while the indexer is away."""

    @abstractmethod
    def space(self, name: str) -> Space | None:
        """A space that was kept."""

    @abstractmethod
    def popular(self, catalogue: str, domains: Sequence[str], limit: int) -> list[tuple[str, float]]:
        """The `limit` highest (item id, level) of a catalogue, of some domains or of all; levels as in `popularity`,
        highest first, equal ones by descending id."""

    @abstractmethod
    def levels(self, catalogue: str, domains: Sequence[str], item_ids: Sequence[str]) -> list[float | None]:
        """The level of each item, None without events in these domains."""

    @abstractmethod
    def ping(self) -> None:
        """Returns when the store answers."""

    @abstractmethod
    def close(self) -> None:
        """Gives back what it holds."""
