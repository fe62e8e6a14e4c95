"""What people do: the types of events, what each says about taste, and what is known of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from services.spaces import Float16

MAX_SPACES = 2
"""Spaces that an event has vectors in: the one it was recorded in and, while a catalogue moves, another."""

MAX_TAGS = 8
MAX_TAG_LETTERS = 64
"""Tags of an item that an event holds on to: the first, without long ones."""

MAX_RAW_BYTES = 16 * 1024
"""Raw features of one photo."""


class EventType(IntEnum):
    """What somebody did. The numbers are those of the contract."""

    VIEW = 1
    CLICK = 2
    LIKE = 3
    DISLIKE = 4
    SAVE = 5
    CART = 6
    PURCHASE = 7
    UPLOAD = 8
    IMPRESSION = 9


WEIGHTS: Mapping[EventType, float] = {
    EventType.VIEW: 0.5,
    EventType.CLICK: 1.0,
    EventType.LIKE: 2.0,
    EventType.DISLIKE: -3.0,
    EventType.SAVE: 3.0,
    EventType.CART: 3.0,
    EventType.PURCHASE: 5.0,
    EventType.UPLOAD: 2.0,
    EventType.IMPRESSION: 0.0,
}
"""How much an event says, in clicks. Implicit feedback is confidence, not rating (Hu, Koren and Volinsky, ICDM 2008):
more effort, more confidence. A dislike outweighs a like, so that the last word of who changes their mind holds."""

TYPES = frozenset(EventType)


@dataclass(frozen=True)
class Showing:
    """Where an item was shown. `rank`: its place, 1 for the best, 0: not told. The names are empty for none."""

    rank: int = 0
    scene: str = ""
    experiment: str = ""
    variant: str = ""


NOT_TOLD = Showing()


@dataclass(frozen=True)
class Event:
    """One event, cleaned.

    `time_ms` since 1970. `item_id` is empty for an upload. `vectors`: (D,) canonical float16 of the item or of the
    photo by the name of the space, first that of the space it was recorded in; none for an impression, which is not
    learned from. `domain`, `category`, `tags`: of the item. `raw_features`: of an upload, float16, from which its
    vector in another space can be made. `shown_signals`, `showing`: of an impression. `pending`: its item could not be
    looked up yet, so nothing is known of that but the id.
    """

    event_id: str
    type: EventType
    time_ms: int
    item_id: str = ""
    domain: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()
    vectors: Mapping[str, Float16] = field(default_factory=dict)
    recommendation_id: str = ""
    shown_signals: Mapping[str, float] = field(default_factory=dict)
    raw_features: bytes = b""
    pending: bool = False
    showing: Showing = NOT_TOLD

    @property
    def space(self) -> str:
        """The name of the space it was recorded in; empty when it has no vector."""
        return next(iter(self.vectors), "")

    @property
    def vector(self) -> Float16 | None:
        """Its vector in that space."""
        return next(iter(self.vectors.values()), None)

    def vector_in(self, space: str) -> Float16 | None:
        """Its vector in a space, by name."""
        return self.vectors.get(space)

    @property
    def weight(self) -> float:
        """What it says about taste, of WEIGHTS."""
        return WEIGHTS[self.type]

    @property
    def is_popular(self) -> bool:
        """Whether it counts for the popularity of its item."""
        return bool(self.item_id) and self.weight > 0

    @property
    def is_seen(self) -> bool:
        """Whether the person has seen the item by it."""
        return bool(self.item_id) and self.type is not EventType.IMPRESSION
