"""Where people are kept, without what they do: the port. `people_memory` and `people_redis` stand behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from services.profile.people.person import Person


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
    """How many entries were removed in a place: `profile`, `events`, `seen`, `taste`, `requests`, `event_ids`,
    `vectors`, and `held` by other services."""

    place: str
    entries: int


@dataclass(frozen=True)
class Page:
    """Some people; `token` for the next page, empty when there is none."""

    people: Sequence[Person]
    token: str


class PeopleStore(ABC):
    """Who people are and what they consent to. Every method raises NotReady when the store cannot answer now."""

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
    def erase(self, user_id: str, now_ms: int = 0, tombstone_ms: int = 0) -> list[Erased] | None:
        """Removes all that is kept under a person, by whichever service, ids of events and remembered answers included.
        None when there is no such person. For `tombstone_ms` (0: not at all) it is remembered that this was done at
        `now_ms`: no event from before that is taken, not even of somebody new with the same id."""

    @abstractmethod
    def people(self, size: int, token: str) -> Page:
        """At most `size` >= 1 people; everybody who is there during the whole walk comes at least once. Raises
        InvalidInput, naming `page_token`, for a token that is none."""
