"""A taste as it is kept: the contract's message in pieces, with the numbers of its vectors as float16.

    how many interests (1 byte), dimension (2), bytes of each piece that follows (4 each):
    the message without what is below; each interest without its vector; the collaborative vector's space
    then the numbers: of the interests', one vector after the other, and of the collaborative one

What callers are told has float32, twice as many bytes. It is put together from these pieces as bytes: making a message
object of it, only to write it down again, costs several times what all the rest of an answer does.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from services.profile.collaborative import Collaborative
from services.profile.events import EventType
from services.profile.kept_taste import Forms, KeptTaste
from services.profile.prior import Origin
from services.profile.taste import Interest, Source, TagWeight, Taste
from visrec.v1 import profile_pb2 as pb

_HEAD = struct.Struct("<BH")
_LENGTH = struct.Struct("<I")

_VECTOR_SPACE, _VECTOR_DATA = 1, 2
_INTEREST_VECTOR = pb.Interest.VECTOR_FIELD_NUMBER
_INTERESTS = pb.Taste.INTERESTS_FIELD_NUMBER
_COLLABORATIVE = pb.Taste.COLLABORATIVE_FIELD_NUMBER


def write(kept: KeptTaste) -> bytes:
    """The content of a kept taste."""
    taste, placed = kept.taste, kept.collaborative
    whole = pb.Taste(
        space=taste.space,
        events=taste.events,
        pending=kept.waiting,
        block_weights=taste.block_weights,
        tags=[pb.TagWeight(word=each.word, weight=each.weight) for each in taste.tags],
        segment=kept.segment.rpartition(":")[2],
    )
    pieces = [
        whole.SerializeToString(deterministic=True),
        *(_interest(interest).SerializeToString(deterministic=True) for interest in taste.interests),
        placed.space.encode() if placed else b"",
        kept.segment.encode(),
    ]
    vectors = [interest.vector for interest in taste.interests] + ([placed.vector] if placed else [])
    numbers = b"".join(vector.astype("<f2").tobytes() for vector in vectors)
    dimension = len(taste.interests[0].vector) if taste.interests else 0
    lengths = b"".join(_LENGTH.pack(len(piece)) for piece in pieces)
    return _HEAD.pack(len(taste.interests), dimension) + lengths + b"".join(pieces) + numbers


def read(content: bytes) -> KeptTaste:
    """The inverse, without stamp and recipe."""
    dimension, (whole, *rest), numbers = _taken_apart(content)
    *interests, placed, segment = rest
    message = pb.Taste.FromString(whole)
    vectors = np.frombuffer(numbers, "<f2")
    found = tuple(
        _interest_of(pb.Interest.FromString(piece), vectors[at * dimension : (at + 1) * dimension])
        for at, piece in enumerate(interests)
    )
    tags = tuple(TagWeight(tag.word, tag.weight) for tag in message.tags)
    taste = Taste(message.space, found, message.events, dict(message.block_weights), tags)
    beyond = vectors[len(interests) * dimension :]
    collaborative = Collaborative(placed.decode(), beyond) if placed else None
    return KeptTaste("", "", taste, message.pending, segment.decode(), collaborative)


FORMS = Forms(write, read)


def told(content: bytes, space: str) -> bytes:
    """A `Taste` as the caller is told it, but for what is not of the taste; `space`: that of its interests."""
    dimension, (whole, *rest), numbers = _taken_apart(content)
    *interests, placed, _ = rest
    data = np.frombuffer(numbers, "<f2").astype("<f4").tobytes()
    head, size = field(_VECTOR_SPACE, space.encode()), 4 * dimension
    parts = [whole]
    for at, piece in enumerate(interests):
        vector = field(_INTEREST_VECTOR, head + field(_VECTOR_DATA, data[at * size : (at + 1) * size]))
        parts.append(field(_INTERESTS, vector + piece))
    if placed:
        vector = field(_VECTOR_SPACE, placed) + field(_VECTOR_DATA, data[len(interests) * size :])
        parts.append(field(_COLLABORATIVE, vector))
    return b"".join(parts)


def field(number: int, payload: bytes) -> bytes:
    """One of a message, of a type that has a length (2): https://protobuf.dev/programming-guides/encoding. `number`:
    at most 15, so that its key is one byte."""
    length = len(payload)
    if length < 0x80:
        return bytes((number << 3 | 2, length)) + payload
    key = bytearray((number << 3 | 2,))
    while length > 0x7F:
        key.append(length & 0x7F | 0x80)
        length >>= 7
    key.append(length)
    return bytes(key) + payload


def _taken_apart(content: bytes) -> tuple[int, list[bytes], bytes]:
    count, dimension = _HEAD.unpack_from(content)
    pieces = count + 3
    at = _HEAD.size + 4 * pieces
    lengths = struct.unpack_from(f"<{pieces}I", content, _HEAD.size)
    found = list(_cut(content, at, lengths))
    return dimension, found, content[at + sum(lengths) :]


def _cut(content: bytes, at: int, lengths: tuple[int, ...]) -> Iterator[bytes]:
    for length in lengths:
        yield content[at : at + length]
        at += length


def _interest(interest: Interest) -> pb.Interest:
    return pb.Interest(
        weight=interest.weight,
        sources=[
            pb.InterestSource(item_id=each.item_id, event_type=pb.EventType.ValueType(each.type or 0), word=each.word)
            for each in interest.sources
        ],
        origin=pb.InterestOrigin.ValueType(interest.origin),
    )


def _interest_of(message: pb.Interest, vector: np.ndarray) -> Interest:
    sources = tuple(_source(source) for source in message.sources)
    return Interest(vector, message.weight, sources, Origin(message.origin))


def _source(message: pb.InterestSource) -> Source:
    return Source(message.item_id, EventType(message.event_type) if message.event_type else None, message.word)
