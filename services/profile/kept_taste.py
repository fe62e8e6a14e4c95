"""A taste as it is kept beside the events it came from, with what tells whether it still holds."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass

import numpy as np

from services.profile.collaborative import Collaborative
from services.profile.events import EventType
from services.profile.prior import Origin
from services.profile.taste import Interest, Source, TagWeight, Taste

FORMAT = 2
"""First byte of a packed taste; one of another format is folded anew, for it is derived."""

_HEAD = struct.Struct("<BI")  # format, bytes of the JSON that follows; the vectors come after it


@dataclass(frozen=True)
class KeptTaste:
    """`stamp` of the events and `recipe` of the rules it was folded from: it holds while neither changes. `waiting`:
    events that were left out because their items could not be looked up. `segment`: as it is filed."""

    stamp: str
    recipe: str
    taste: Taste
    waiting: int = 0
    segment: str = ""
    collaborative: Collaborative | None = None


def pack(kept: KeptTaste) -> bytes:
    """A fixed head, the facts as JSON, then the interests' vectors and the collaborative one, little-endian float16."""
    taste, placed = kept.taste, kept.collaborative
    facts = {
        "stamp": kept.stamp,
        "recipe": kept.recipe,
        "waiting": kept.waiting,
        "segment": kept.segment,
        "collaborative": placed.space if placed else "",
        "space": taste.space,
        "events": taste.events,
        "block_weights": dict(taste.block_weights),
        "tags": [[tag.word, tag.weight] for tag in taste.tags],
        "weights": [interest.weight for interest in taste.interests],
        "origins": [interest.origin for interest in taste.interests],
        "sources": [
            [[source.item_id, source.type or 0, source.word] for source in each.sources] for each in taste.interests
        ],
        "dimension": len(taste.interests[0].vector) if taste.interests else 0,
    }
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
    vectors = [interest.vector for interest in taste.interests] + ([placed.vector] if placed else [])
    return _HEAD.pack(FORMAT, len(text)) + text + b"".join(vector.astype("<f2").tobytes() for vector in vectors)


def unpack(data: bytes) -> KeptTaste | None:
    """The inverse of `pack`; None for another format."""
    if data[:1] != bytes([FORMAT]):
        return None
    _, length = _HEAD.unpack_from(data)
    start = _HEAD.size + length
    facts = json.loads(data[_HEAD.size : start])
    weights, sources, dimension = facts["weights"], facts["sources"], facts["dimension"]
    numbers = np.frombuffer(data, dtype="<f2", offset=start)
    end = len(weights) * dimension
    interests = tuple(
        Interest(
            vector=numbers[at * dimension : (at + 1) * dimension],
            weight=weight,
            sources=tuple(_source(*each) for each in sources[at]),
            origin=Origin(facts["origins"][at]),
        )
        for at, weight in enumerate(weights)
    )
    placed = Collaborative(facts["collaborative"], numbers[end:]) if facts["collaborative"] else None
    tags = tuple(TagWeight(*each) for each in facts["tags"])
    taste = Taste(facts["space"], interests, facts["events"], facts["block_weights"], tags)
    return KeptTaste(facts["stamp"], facts["recipe"], taste, facts["waiting"], facts["segment"], placed)


def _source(item_id: str, type_: int, word: str) -> Source:
    return Source(item_id, EventType(type_) if type_ else None, word)
