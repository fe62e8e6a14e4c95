"""The form in which an event is stored: a fixed head, the words in UTF-8, then the vectors."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping

import numpy as np

from services.errors import Internal
from services.profile.events.event import NOT_TOLD, Event, EventType, Showing
from services.spaces import Float16

FORMAT = 2
"""First byte of a packed event; it changes when the rest does. Format 1 is read, never written."""

PENDING = 1
"""Bit of the third byte: the item could not be looked up yet."""

# Scripts read the head, too: see `lua/packed.lua`.
_HEAD = struct.Struct("<BBBBqHHHHHIHH")
# format, type, flags, number of vectors, time_ms, then the byte lengths of event_id, item_id, domain, category,
# recommendation_id, shown_signals, tags, raw_features
_VECTOR = struct.Struct("<BH")  # bytes of the space's name, dimension; the name and the numbers come after it
_HEAD_1 = struct.Struct("<BBqHHHHHI")
# format, type, time_ms, then the byte lengths of event_id, item_id, domain, space, recommendation_id, shown_signals


def pack(event: Event) -> bytes:
    """About 60 bytes, the words, and 2 bytes for each dimension of a vector."""
    shown = _shown(event)
    tags = "\n".join(event.tags)
    words = (event.event_id, event.item_id, event.domain, event.category, event.recommendation_id, shown, tags)
    parts = [word.encode() for word in words]
    lengths = [len(part) for part in parts]
    flags = PENDING if event.pending else 0
    head = _HEAD.pack(FORMAT, event.type, flags, len(event.vectors), event.time_ms, *lengths, len(event.raw_features))
    for space, vector in event.vectors.items():
        name = space.encode()
        parts += [_VECTOR.pack(len(name), len(vector)), name, vector.astype("<f2").tobytes()]
    return b"".join([head, *parts[: len(words)], event.raw_features, *parts[len(words) :]])


def unpack(data: bytes) -> Event:
    """The inverse of `pack`. Raises Internal for a format this version does not know."""
    if data[:1] == b"\x01":
        return _unpack_1(data)
    if data[:1] != bytes([FORMAT]):
        raise Internal("a stored event has a format this version does not know", reason="UNKNOWN_FORMAT")
    _, type_, flags, vectors, time_ms, *lengths, raw_bytes = _HEAD.unpack_from(data)
    words, start = _words(data, _HEAD.size, lengths)
    event_id, item_id, domain, category, recommendation_id, shown, tags = words
    signals, showing = _read_shown(shown)
    return Event(
        event_id,
        EventType(type_),
        time_ms,
        item_id,
        domain,
        category,
        tuple(tags.split("\n")) if tags else (),
        _vectors(data, start + raw_bytes, vectors),
        recommendation_id,
        signals,
        data[start : start + raw_bytes],
        bool(flags & PENDING),
        showing,
    )


def _shown(event: Event) -> str:
    """The signals and, where it is told, the showing beside them; empty for none of both."""
    signals, showing = dict(event.shown_signals), event.showing
    if showing != NOT_TOLD:
        return json.dumps([signals, showing.rank, showing.scene, showing.experiment, showing.variant], sort_keys=True)
    return json.dumps(signals, sort_keys=True) if signals else ""


def _read_shown(shown: str) -> tuple[Mapping[str, float], Showing]:
    told = json.loads(shown) if shown else {}
    if isinstance(told, dict):
        return told, NOT_TOLD
    return told[0], Showing(*told[1:])


def _words(data: bytes, start: int, lengths: list[int]) -> tuple[list[str], int]:
    """The words that begin at `start`, and where they end."""
    words = []
    for length in lengths:
        words.append(data[start : start + length].decode())
        start += length
    return words, start


def _vectors(data: bytes, start: int, count: int) -> Mapping[str, Float16]:
    found: dict[str, Float16] = {}
    for _ in range(count):
        letters, dimension = _VECTOR.unpack_from(data, start)
        at = start + _VECTOR.size + letters
        name = data[start + _VECTOR.size : at].decode()
        found[name] = np.frombuffer(data, dtype="<f2", count=dimension, offset=at)
        start = at + 2 * dimension
    return found


def _unpack_1(data: bytes) -> Event:
    """Of the first version: one space and no category, tags or raw features."""
    _, type_, time_ms, *lengths = _HEAD_1.unpack_from(data)
    (event_id, item_id, domain, space, recommendation_id, shown), start = _words(data, _HEAD_1.size, lengths)
    return Event(
        event_id=event_id,
        type=EventType(type_),
        time_ms=time_ms,
        item_id=item_id,
        domain=domain,
        vectors={space: np.frombuffer(data, dtype="<f2", offset=start)} if start < len(data) else {},
        recommendation_id=recommendation_id,
        shown_signals=json.loads(shown) if shown else {},
    )
