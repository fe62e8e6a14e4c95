"""What the stores in memory hold, behind one lock. Nothing outlives the process."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from threading import RLock

from services.profile.collaborative.placing import PutVector
from services.profile.events.event import Event, EventType
from services.profile.filing.store_rules import StoreRules
from services.profile.people.people_store import Answered
from services.profile.people.person import ConsentState, Person
from services.profile.segments.segment import Segmentation
from services.spaces import Space


@dataclass
class History:
    """What one person did in one catalogue; `acts` and `shown` ascend in time. `mark`: see
    `event_store.boundary`. `tastes`: by the name of their space, "" for that of the latest act."""

    acts: list[Event] = field(default_factory=list)
    shown: list[Event] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    memory: bytes = b""
    mark: bytes = b""
    tastes: dict[str, bytes] = field(default_factory=dict)
    segment: str = ""
    photos_settled: bool = False
    writes: int = 0

    @property
    def pending(self) -> int:
        """Acts that wait for their item."""
        return sum(act.pending for act in self.acts)


@dataclass
class Held:
    """All that is held about one person. `life` tells apart what was before and after forgetting, at `since_ms`.
    `erased`: events up to the first time are refused until the second. `told`: how often popularity counted the same
    act on the same item, by catalogue and day."""

    person: Person
    life: int
    answers: dict[str, Answered] = field(default_factory=dict)
    event_ids: dict[str, int] = field(default_factory=dict)
    histories: dict[str, History] = field(default_factory=dict)
    puts: int = 0
    alias: str = ""
    since_ms: int = 0
    erased: tuple[int, int] | None = None
    vectors: dict[str, PutVector] = field(default_factory=dict)
    told: dict[tuple[str, int, EventType, str], int] = field(default_factory=dict)

    def stamp(self, catalogue: str) -> str:
        """Changes with every event that is written, and with the person; empty when there are no events."""
        history = self.histories.get(catalogue)
        return f"{self.life}:{history.writes}:{self.puts}" if history else ""

    @property
    def personalised(self) -> bool:
        """Whether they consent to it."""
        return self.person.consent.personalisation is ConsentState.GIVEN


def place(event: Event) -> int:
    """Where an event stands among those of its person and catalogue: of equal ones, as they came."""
    return event.time_ms


class Memory:
    """What every store in memory is made of: people by their id, spaces by name, segments by
    catalogue, levels by catalogue, domain and segment."""

    def __init__(self, rules: StoreRules | None = None) -> None:
        self._rules = rules or StoreRules()
        self._lock = RLock()
        self._held: dict[str, Held] = {}
        self._tombstones: dict[str, tuple[int, int]] = {}
        self._lives = 0
        self._spaces: dict[str, Space] = {}
        self._segments: dict[str, Segmentation] = {}
        self._places: dict[str, tuple[str, str]] = {}
        self._levels: dict[tuple[str, str | None, str], dict[str, float]] = defaultdict(dict)

    def _next_life(self) -> int:
        self._lives += 1
        return self._lives


def highest(scores: dict[str, float] | dict[str, int], limit: int) -> list[tuple[str, float]]:
    """The `limit` highest, equal ones by descending name: the order of a reversed sorted set."""
    return sorted(scores.items(), key=lambda pair: (pair[1], pair[0]), reverse=True)[:limit]
