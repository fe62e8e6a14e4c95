"""Where what people do is kept: the port. `events_memory` and `events_redis` stand behind it.

The events of a person in a catalogue stand in one order, which is kept: by time, and those of the same millisecond as
they came, so that of two opinions the one that was told last holds. What is settled, that is, has gone into the
long-term memory, ends at a boundary in that order. An event that comes late is taken, exactly as if it had come in
time, if it stands after the boundary, and refused otherwise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from services.profile.collaborative.placing import PutVector
from services.profile.events.event import Event
from services.profile.people.person import Person


@dataclass(frozen=True)
class Batch:
    """Events of one person in one catalogue, in the order they were given."""

    user_id: str
    catalogue: str
    events: Sequence[Event]


class Outcome(Enum):
    """What became of an event. The first five are good ends."""

    LEARNED = "learned"
    COUNTED = "counted"
    DUPLICATE = "duplicate"
    PENDING = "pending"
    IGNORED = "ignored"
    TOO_OLD = "too_old"
    """Than what has gone into the long-term memory, or than the impressions that are kept."""
    EXPIRED = "expired"
    """Of longer ago than anything is kept."""
    UNKNOWN_USER = "unknown_user"
    ERASED = "erased"
    """From before the person was erased, be there a new one of the same name or not."""
    PHOTOS_REFUSED = "photos_refused"
    UNKNOWN_ITEM = "unknown_item"
    """A pending event of somebody of whom nothing may be kept until its item is known."""
    FULL = "full"
    """There are as many events as may be: what is due has to be settled first."""


@dataclass(frozen=True)
class Recorded:
    """What became of a batch. `acts`: how many events the person has now in the catalogue, impressions apart;
    `pending`: how many of them wait for their item. `segment`: as it was last kept, of those who consent to that.
    `again`: the numbers of events that popularity does not count, for they repeat another (see `tidying.AGAIN_MS`),
    or as many of the same act on the same item were counted that day (`tidying.MOST_ALIKE`)."""

    outcomes: list[Outcome]
    acts: int = 0
    pending: int = 0
    segment: str = ""
    again: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Act:
    """An event as it is kept. `name`: its digest; `packed`: what `fill` compares."""

    name: bytes
    event: Event
    packed: bytes = b""


@dataclass(frozen=True)
class Window:
    """What a person did in a catalogue: the long-term memory, packed, and the events after it, in their order.

    `stamp` changes with every event that is written, with the person and with a vector that is put, and is empty when
    there are no events and never were; `mark` stands for the boundary of what is settled. `person`: None for one who is
    unknown or does not consent, of whom there is nothing else either. `put`: their collaborative vector, from a job.
    """

    stamp: str = ""
    acts: tuple[Act, ...] = ()
    memory: bytes = b""
    mark: bytes = b""
    person: Person | None = None
    put: PutVector | None = None

    @property
    def writes(self) -> int:
        """How many events there were ever, about: one that was dropped or completed counts again, as does a vector that
        was put."""
        return int(self.stamp.split(":")[1]) if self.stamp else 0

    @property
    def events(self) -> tuple[Event, ...]:
        """What was done."""
        return tuple(act.event for act in self.acts)


@dataclass(frozen=True)
class Settlement:
    """`acts`, the oldest of a window that stood under `stamp` and `mark`, have gone into `memory`. None: the memory is
    the same in one more space."""

    user_id: str
    catalogue: str
    stamp: str
    mark: bytes
    acts: Sequence[Act]
    memory: bytes


@dataclass(frozen=True)
class Filled:
    """An event with what was found out about its item since; None: there is no such item."""

    act: Act
    event: Event | None


@dataclass(frozen=True)
class Histories:
    """Some people who consent and what they did in a catalogue, impressions among it, without memories when they are
    for an export. `aliases`: a pseudonym for each, the same all through one walk and different in the next.

    `token`: for those after them, empty when there are none; `again`: for these once more and then the others."""

    windows: Sequence[Window]
    aliases: Sequence[str]
    token: str
    again: str


def boundary(before: bytes, acts: Sequence[Act]) -> bytes:
    """Where what is settled ends once `acts`, at least one, have gone after the boundary `before`: the time of the last
    one and the names of all that were of this millisecond, which are known even when their ids are forgotten."""
    end = b"%d:\n" % acts[-1].event.time_ms
    names = before.removeprefix(end) if before.startswith(end) else b""
    return end + names + b"".join(act.name + b"\n" for act in acts if act.event.time_ms == acts[-1].event.time_ms)


def counted(batch: Batch, recorded: Recorded) -> list[Event]:
    """Those that are popularity's now; one that waits for its item will be."""
    ends = enumerate(zip(batch.events, recorded.outcomes, strict=True))
    written = (Outcome.LEARNED, Outcome.COUNTED)
    return [event for at, (event, end) in ends if end in written and event.is_popular and at not in recorded.again]


class EventStore(ABC):
    """What people did. Every method raises NotReady when the store cannot answer now."""

    @abstractmethod
    def record(self, batches: Sequence[Batch], now_ms: int) -> list[Recorded]:
        """Writes events: for each batch one step, in which consent is read, ids that are remembered are passed over,
        the events, the seen items and popularity are brought up to date, and what is too old is dropped."""

    @abstractmethod
    def window(self, user_id: str, catalogue: str) -> Window:
        """What a person did in a catalogue, without impressions."""

    @abstractmethod
    def oldest(self, wanted: Sequence[tuple[str, str, int]]) -> list[Window]:
        """Of each (person, catalogue, number) only the oldest so many events."""

    @abstractmethod
    def settle(self, settlements: Sequence[Settlement]) -> list[bool]:
        """Puts memories in the place of the events that went into them; False, and nothing is done, for one whose
        events are no longer the oldest or would leave less than a window, or whose person has changed their mind."""

    @abstractmethod
    def fill(self, user_id: str, catalogue: str, stamp: str, filled: Sequence[Filled]) -> int:
        """Writes back events that have changed in nothing since they were read, and counts the popularity that waited;
        how many. Nothing is done when the person has changed their mind since `stamp`."""

    @abstractmethod
    def histories(self, catalogue: str, people: int, token: str, *, shown: bool = False) -> Histories:
        """At most `people` >= 1 people who did something in the catalogue, perhaps none though others follow; `shown`:
        with their impressions. Raises InvalidInput, naming `page_token`, for a token that is none."""
