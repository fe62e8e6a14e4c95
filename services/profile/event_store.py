"""Where what people do is kept: the port. `events_memory` and `events_redis` stand behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from services.profile.events import Event


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
class Window:
    """The events a taste is folded from, in no particular order, and the stamp they stand under."""

    stamp: str
    events: tuple[Event, ...] = ()


class EventStore(ABC):
    """What people did. Every method raises NotReady when the store cannot answer now."""

    @abstractmethod
    def record(self, batches: Sequence[Batch], now_ms: int) -> list[list[Outcome]]:
        """Writes events: for each batch one step, in which consent is read, ids that are remembered are passed over,
        the window, the seen items and popularity are brought up to date."""

    @abstractmethod
    def window(self, user_id: str, catalogue: str) -> Window:
        """A person's events with a vector in a catalogue. No events, an empty stamp: there are none."""
