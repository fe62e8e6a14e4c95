"""All that is held about a person, told to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.errors import NotFound
from services.profile.collaborative.placing import PutVector
from services.profile.events import memory
from services.profile.events.event import Event
from services.profile.events.memory import Memory
from services.profile.identifiers import identifier
from services.profile.people.export_store import ExportStore, HeldRecord, HistoryHeld
from services.profile.people.person import Person
from services.profile.taste import kept as kept_taste
from services.profile.taste.kept import Sealed


@dataclass(frozen=True)
class HistoryExport:
    """Of one catalogue. `events`: oldest first; `tastes`: as they are kept; `seen`: latest first."""

    catalogue: str
    events: Sequence[Event]
    seen: Sequence[str]
    memory: Memory
    tastes: Sequence[Sealed]
    put: PutVector | None
    segment: str = ""


@dataclass(frozen=True)
class PersonExport:
    """`kept_until_ms`: since 1970, None: no end is set. The rest as in `export_store`."""

    person: Person
    alias: str
    histories: Sequence[HistoryExport]
    event_ids: int
    kept_until_ms: int | None
    held: Sequence[HeldRecord]
    erased_ms: int | None = None


class PersonExporter:
    """`now_ms` is the clock, milliseconds since 1970."""

    def __init__(self, store: ExportStore, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._now_ms = now_ms

    def export(self, user_id: str) -> PersonExport:
        """Raises NotFound."""
        found = self._store.held(identifier(user_id, "user_id"))
        if found is None:
            raise NotFound("user", user_id)
        ends = None if found.ends_in_ms is None else self._now_ms() + found.ends_in_ms
        histories = [_told(each) for each in found.histories]
        return PersonExport(found.person, found.alias, histories, found.event_ids, ends, found.held, found.erased_ms)


def _told(held: HistoryHeld) -> HistoryExport:
    tastes = [sealed for packed in held.tastes if (sealed := kept_taste.unpack(packed)) is not None]
    events = sorted(held.events, key=lambda event: (event.time_ms, event.event_id))
    return HistoryExport(held.catalogue, events, held.seen, memory.unpack(held.memory), tastes, held.put, held.segment)
