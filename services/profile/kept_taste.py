"""A taste as it is kept beside the events it came from, with what tells whether it still holds."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass

import numpy as np

from services.profile.events import EventType
from services.profile.taste import Interest, Source, Taste

FORMAT = 1
"""First byte of a packed taste; one of another format is folded anew, for it is derived."""

_HEAD = struct.Struct("<BI")  # format, bytes of the JSON that follows; the vectors come after it


@dataclass(frozen=True)
class KeptTaste:
    """`stamp` of the events and `recipe` of the rules it was folded from: it holds while neither changes."""

    stamp: str
    recipe: str
    taste: Taste


def pack(kept: KeptTaste) -> bytes:
    """A fixed head, the facts as JSON, then the interests' vectors as little-endian float16."""
    taste = kept.taste
    facts = {
        "stamp": kept.stamp,
        "recipe": kept.recipe,
        "space": taste.space,
        "events": taste.events,
        "weights": [interest.weight for interest in taste.interests],
        "sources": [[[source.item_id, source.type] for source in each.sources] for each in taste.interests],
    }
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
    vectors = b"".join(interest.vector.astype("<f2").tobytes() for interest in taste.interests)
    return _HEAD.pack(FORMAT, len(text)) + text + vectors


def unpack(data: bytes) -> KeptTaste | None:
    """The inverse of `pack`; None for another format."""
    if data[:1] != bytes([FORMAT]):
        return None
    _, length = _HEAD.unpack_from(data)
    start = _HEAD.size + length
    facts = json.loads(data[_HEAD.size : start])
    weights, sources = facts["weights"], facts["sources"]
    vectors = np.frombuffer(data, dtype="<f2", offset=start).reshape(len(weights), -1) if weights else ()
    interests = tuple(
        Interest(vector, weight, tuple(Source(item_id, EventType(type_)) for item_id, type_ in each))
        for vector, weight, each in zip(vectors, weights, sources, strict=True)
    )
    return KeptTaste(facts["stamp"], facts["recipe"], Taste(facts["space"], interests, facts["events"]))
