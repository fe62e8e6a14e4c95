"""A taste as it is kept: the contract's message in pieces, with the numbers of its vectors as float16.

    how many vectors (1 byte), bytes of each vector as it is told (4 each), bytes of each piece that follows (4 each):
    the message up to the first vector, that up to the next …, the rest; and, not told, where the segment is filed
    then the numbers, one vector after the other

What callers are told has float32, twice as many bytes. It is put together from these pieces as bytes: making a message
object of it, only to write it down again, costs several times what all the rest of an answer does. The pieces hold all
that stands before a vector, its length, too, so that nothing is left to do but to widen the numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from services.profile.collaborative.placing import Collaborative
from services.profile.events.event import EventType
from services.profile.taste.kept import Forms, KeptTaste
from services.profile.taste.liking import Interest, Source, TagWeight, Taste
from services.profile.taste.prior import Origin
from services.spaces import Float16, Float32
from visrec.v1 import common_pb2
from visrec.v1 import profile_pb2 as pb

PIECE, FEW = 500, 4000

_VECTOR_SPACE = common_pb2.Vector.SPACE_FIELD_NUMBER
_VECTOR_DATA = common_pb2.Vector.DATA_FIELD_NUMBER
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
    pieces, vectors = [whole.SerializeToString(deterministic=True)], [each.vector for each in taste.interests]
    for interest in taste.interests:
        about = _interest(interest).SerializeToString(deterministic=True)
        size = 4 * len(interest.vector)
        pieces[-1] += _opened(_INTERESTS, _opened(_INTEREST_VECTOR, _until_data(taste.space, size), size), size, about)
        pieces.append(about)
    if placed:
        size = 4 * len(placed.vector)
        vectors.append(placed.vector)
        pieces[-1] += _opened(_COLLABORATIVE, _until_data(placed.space, size), size)
        pieces.append(b"")
    pieces.append(kept.segment.encode())
    sizes = [4 * len(vector) for vector in vectors]
    head = _head(len(vectors)).pack(len(vectors), *sizes, *map(len, pieces))
    return head + b"".join(pieces) + b"".join(vector.astype("<f2").tobytes() for vector in vectors)


def read(content: bytes) -> KeptTaste:
    """The inverse, without stamp and recipe."""
    message = pb.Taste.FromString(told([content])[0])
    interests = tuple(_interest_of(each) for each in message.interests)
    tags = tuple(TagWeight(tag.word, tag.weight) for tag in message.tags)
    taste = Taste(message.space, interests, message.events, dict(message.block_weights), tags)
    placed = message.collaborative
    collaborative = Collaborative(placed.space, _numbers(placed)) if placed.space else None
    return KeptTaste("", "", taste, message.pending, _taken_apart(content)[1][-1].decode(), collaborative)


FORMS = Forms(write, read)


def told(contents: Sequence[bytes]) -> list[bytes]:
    """Each as a `Taste` that the caller is told, but for what is not of the taste."""
    apart = [_taken_apart(content) for content in contents]
    halves = np.frombuffer(b"".join([numbers for _, _, numbers in apart]), "<f2")
    data, at = _widened(halves).view(np.uint8).data, 0
    answers = []
    for sizes, pieces, _ in apart:
        parts: list[bytes | memoryview] = [pieces[0]]
        for size, piece in zip(sizes, pieces[1:-1], strict=True):
            parts += (data[at : at + size], piece)
            at += size
        answers.append(b"".join(parts))
    return answers


def _widened(halves: Float16) -> Float32:
    """The same numbers as float32. numpy lets go of the interpreter for more than 500 at a time, which, while others
    want it, costs much more than the numbers of one taste: those go in pieces."""
    if len(halves) > FEW:
        return halves.astype("<f4")
    wide = np.empty(len(halves), "<f4")
    for start in range(0, len(halves), PIECE):
        wide[start : start + PIECE] = halves[start : start + PIECE]
    return wide


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


def _until_data(space: str, size: int) -> bytes:
    """A `Vector` up to its numbers, of so many bytes."""
    return field(_VECTOR_SPACE, space.encode()) + _opened(_VECTOR_DATA, b"", size)


def _opened(number: int, begun: bytes, more: int, after: bytes = b"") -> bytes:
    """A field whose payload has `begun`, of which `more` bytes and `after` are still to come."""
    whole = len(begun) + more + len(after)
    return field(number, bytes(whole))[:-whole] + begun


@lru_cache(maxsize=64)
def _head(vectors: int) -> struct.Struct:
    return struct.Struct(f"<B{vectors}I{vectors + 2}I")


def _taken_apart(content: bytes) -> tuple[tuple[int, ...], list[bytes], bytes]:
    """Bytes of each vector as it is told, the pieces, the numbers."""
    count = content[0]
    head = _head(count)
    lengths = head.unpack_from(content)
    at, pieces = head.size, []
    for length in lengths[1 + count :]:
        pieces.append(content[at : at + length])
        at += length
    return lengths[1 : 1 + count], pieces, content[at:]


def _interest(interest: Interest) -> pb.Interest:
    return pb.Interest(
        weight=interest.weight,
        sources=[
            pb.InterestSource(item_id=each.item_id, event_type=pb.EventType.ValueType(each.type or 0), word=each.word)
            for each in interest.sources
        ],
        origin=pb.InterestOrigin.ValueType(interest.origin),
    )


def _interest_of(message: pb.Interest) -> Interest:
    sources = tuple(_source(source) for source in message.sources)
    return Interest(_numbers(message.vector), message.weight, sources, Origin(message.origin))


def _numbers(message: common_pb2.Vector) -> Float16:
    return np.frombuffer(message.data, "<f4").astype("<f2")


def _source(message: pb.InterestSource) -> Source:
    return Source(message.item_id, EventType(message.event_type) if message.event_type else None, message.word)
