"""What people do: the types of events, what each says about taste, and the form in which they are stored."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from services.errors import Internal
from services.spaces import Float16

FORMAT = 1
"""First byte of a packed event; it changes when the rest does."""


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
class Event:
    """One event, cleaned.

    `time_ms` since 1970. `item_id` is empty for an upload. `vector`: (D,) canonical float16 of `space`, of the item or
    of the photo; None for an impression, which is not learned from. `domain`: of the item. `shown_signals`: of an
    impression.
    """

    event_id: str
    type: EventType
    time_ms: int
    item_id: str = ""
    domain: str = ""
    space: str = ""
    vector: Float16 | None = None
    recommendation_id: str = ""
    shown_signals: Mapping[str, float] = field(default_factory=dict)

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


_HEAD = struct.Struct("<BBqHHHHHI")
# format, type, time_ms, then the byte lengths of event_id, item_id, domain, space, recommendation_id, shown_signals


def pack(event: Event) -> bytes:
    """A fixed head, the words in UTF-8, then the vector as little-endian float16. About 60 bytes and the vector."""
    shown = json.dumps(dict(event.shown_signals), sort_keys=True) if event.shown_signals else ""
    words = (event.event_id, event.item_id, event.domain, event.space, event.recommendation_id, shown)
    parts = [word.encode() for word in words]
    vector = b"" if event.vector is None else event.vector.astype("<f2").tobytes()
    return _HEAD.pack(FORMAT, event.type, event.time_ms, *map(len, parts)) + b"".join(parts) + vector


def unpack(data: bytes) -> Event:
    """The inverse of `pack`. Raises Internal for a format this version does not know."""
    if data[:1] != bytes([FORMAT]):
        raise Internal("a stored event has a format this version does not know", reason="UNKNOWN_FORMAT")
    _, type_, time_ms, *lengths = _HEAD.unpack_from(data)
    words, start = [], _HEAD.size
    for length in lengths:
        words.append(data[start : start + length].decode())
        start += length
    event_id, item_id, domain, space, recommendation_id, shown = words
    return Event(
        event_id=event_id,
        type=EventType(type_),
        time_ms=time_ms,
        item_id=item_id,
        domain=domain,
        space=space,
        vector=np.frombuffer(data, dtype="<f2", offset=start) if start < len(data) else None,
        recommendation_id=recommendation_id,
        shown_signals=json.loads(shown) if shown else {},
    )
