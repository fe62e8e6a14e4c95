"""A taste as it is kept: the contract's message, but with the numbers of its vectors as float16, half as many bytes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from services.profile.collaborative import Collaborative
from services.profile.events import EventType
from services.profile.kept_taste import Forms, KeptTaste
from services.profile.prior import Origin
from services.profile.taste import Interest, Source, TagWeight, Taste
from services.spaces import Float16
from visrec.v1 import common_pb2
from visrec.v1 import profile_pb2 as pb


def write(kept: KeptTaste) -> bytes:
    """The content of a kept taste."""
    taste, placed = kept.taste, kept.collaborative
    return pb.Taste(
        space=taste.space,
        interests=[_interest(interest, taste.space) for interest in taste.interests],
        events=taste.events,
        pending=kept.waiting,
        block_weights=taste.block_weights,
        tags=[pb.TagWeight(word=each.word, weight=each.weight) for each in taste.tags],
        segment=kept.segment,
        collaborative=_vector(placed.space, placed.vector) if placed else None,
    ).SerializeToString(deterministic=True)


def read(content: bytes) -> KeptTaste:
    """The inverse, without stamp and recipe."""
    message = pb.Taste.FromString(content)
    interests = tuple(
        Interest(
            np.frombuffer(each.vector.data, "<f2"),
            each.weight,
            tuple(_source(source) for source in each.sources),
            Origin(each.origin),
        )
        for each in message.interests
    )
    tags = tuple(TagWeight(tag.word, tag.weight) for tag in message.tags)
    taste = Taste(message.space, interests, message.events, dict(message.block_weights), tags)
    placed = message.collaborative
    collaborative = Collaborative(placed.space, np.frombuffer(placed.data, "<f2")) if placed.space else None
    return KeptTaste("", "", taste, message.pending, message.segment, collaborative)


FORMS = Forms(write, read)


def told(content: bytes) -> pb.Taste:
    """As the caller is told it: float32, and the segment by its own name."""
    message = pb.Taste.FromString(content)
    for vector in _vectors(message):
        vector.data = np.frombuffer(vector.data, "<f2").astype("<f4").tobytes()
    if message.segment:
        message.segment = message.segment.rpartition(":")[2]
    return message


def _vectors(message: pb.Taste) -> Iterator[common_pb2.Vector]:
    for interest in message.interests:
        yield interest.vector
    if message.HasField("collaborative"):
        yield message.collaborative


def _vector(space: str, vector: Float16) -> common_pb2.Vector:
    return common_pb2.Vector(space=space, data=vector.astype("<f2").tobytes())


def _interest(interest: Interest, space: str) -> pb.Interest:
    return pb.Interest(
        vector=_vector(space, interest.vector),
        weight=interest.weight,
        sources=[
            pb.InterestSource(item_id=each.item_id, event_type=pb.EventType.ValueType(each.type or 0), word=each.word)
            for each in interest.sources
        ],
        origin=pb.InterestOrigin.ValueType(interest.origin),
    )


def _source(message: pb.InterestSource) -> Source:
    return Source(message.item_id, EventType(message.event_type) if message.event_type else None, message.word)
