"""All that is held about a person, for themselves: the port. `export_memory` and `export_redis` stand behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from services.profile.collaborative.placing import PutVector
from services.profile.events.event import Event
from services.profile.people.person import Person

ANSWER = "answer"
"""The kind of what was answered to a PutUser with a request_id, and is remembered for a day."""


@dataclass(frozen=True)
class HeldRecord:
    """What another service keeps, or this one as ANSWER: its kind, such as `recommendation`, and as it is kept."""

    kind: str
    content: bytes


@dataclass(frozen=True)
class HistoryHeld:
    """Of one catalogue. `events`: acts and impressions in no particular order; `seen`: item ids, latest first; `memory`
    and `tastes`: packed; `put`: the collaborative vector from a job; `segment`: its id, empty for none."""

    catalogue: str
    events: Sequence[Event] = ()
    seen: Sequence[str] = ()
    memory: bytes = b""
    tastes: Sequence[bytes] = ()
    put: PutVector | None = None
    segment: str = ""


@dataclass(frozen=True)
class PersonHeld:
    """`alias`: their pseudonym; `event_ids`: of how many events only a digest is kept; `ends_in_ms`: when all this goes
    if nothing more is heard of them, None: never; `erased_ms`: when somebody of their id was erased before, None:
    nobody was, or it matters no more."""

    person: Person
    alias: str
    histories: Sequence[HistoryHeld]
    event_ids: int
    ends_in_ms: int | None
    held: Sequence[HeldRecord] = ()
    erased_ms: int | None = None


class ExportStore(ABC):
    """Raises NotReady when the store cannot answer now."""

    @abstractmethod
    def held(self, user_id: str) -> PersonHeld | None:
        """Everything, None for one who is unknown."""
