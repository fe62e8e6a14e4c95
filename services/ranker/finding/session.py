"""What somebody did in this session and is not recorded yet: it counts for one answer, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.ranker.others.ports import Embedding

MAX_EVENTS = 32
SEARCHED = 8
"""So many that count most are searched with: each is a search of its own, and a session turns on what was done last."""

HALF_LIFE_S = 600.0
"""Ten minutes later an event counts half: long enough for a page of reading, short enough to follow somebody to the
next thing."""

WEIGHTS = {
    "view": 0.5,
    "click": 1.0,
    "like": 2.0,
    "dislike": -3.0,
    "save": 3.0,
    "cart": 3.0,
    "purchase": 5.0,
    "upload": 2.0,
    "impression": 0.0,
}
"""How much an event says, in clicks; as the profile service weighs what it has recorded."""


@dataclass(frozen=True)
class SessionEvent:
    """`kind`: one of WEIGHTS. Of an item, or of a photo's vector in the catalogue's space; `age_s` >= 0 seconds ago."""

    kind: str
    item_id: str = ""
    embedding: Embedding | None = None
    age_s: float = 0.0

    @property
    def weight(self) -> float:
        """In clicks of now; negative for what was disliked."""
        return float(WEIGHTS[self.kind] * 0.5 ** (self.age_s / HALF_LIFE_S))


def searched(events: Sequence[SessionEvent]) -> list[SessionEvent]:
    """The events to search with, each item once, by its latest event, those that count most first. They come in the
    same order whatever the order of `events`."""
    latest: dict[str, SessionEvent] = {}
    photos: list[SessionEvent] = []
    for event in sorted(events, key=_order):
        if event.embedding is not None:
            photos.append(event)
        elif event.item_id not in latest:
            latest[event.item_id] = event
    telling = [event for event in (*latest.values(), *photos) if event.weight]
    return sorted(telling, key=lambda event: (-abs(event.weight), _order(event)))[:SEARCHED]


def _order(event: SessionEvent) -> tuple[float, float, float, str, str, str, bytes]:
    """Of all that an event is, or two that weigh alike (`save`, `cart`, `dislike`) would stand as they came. Of those,
    what pushes away holds."""
    weight, vector = WEIGHTS[event.kind], event.embedding
    told = (vector.space, vector.data) if vector else ("", b"")
    return event.age_s, -abs(weight), weight, event.kind, event.item_id, *told
