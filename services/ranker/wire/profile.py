"""Tastes between the profile's contract and the ranker's words."""

from __future__ import annotations

from services.ranker.others.ports import SEGMENT, STATED, Embedding, Interest, Source, Taste
from visrec.v1 import common_pb2, profile_pb2

_EVENTS = {
    number: name.removeprefix("EVENT_TYPE_").lower()
    for number, name in ((value.number, value.name) for value in profile_pb2.EventType.DESCRIPTOR.values)
}


def decode_taste(taste: profile_pb2.Taste) -> Taste:
    """What is known of a person."""
    return Taste(
        personalised=taste.personalised,
        interests=[_interest(interest) for interest in taste.interests],
        block_weights=dict(taste.block_weights),
        seen=list(taste.seen_item_ids),
        collaborative=_embedding(taste.collaborative) if taste.HasField("collaborative") else None,
        segment=taste.segment,
        pseudonym=taste.pseudonym,
        photo_learning=taste.consent.photo_learning == profile_pb2.CONSENT_STATE_GIVEN,
    )


def _interest(interest: profile_pb2.Interest) -> Interest:
    sources = [_source(source) for source in interest.sources]
    if not sources and interest.origin == profile_pb2.INTEREST_ORIGIN_SEGMENT:
        sources = [Source("", SEGMENT)]
    return Interest(_embedding(interest.vector), interest.weight, sources)


def _embedding(vector: common_pb2.Vector) -> Embedding:
    return Embedding(vector.space, vector.data)


def _source(source: profile_pb2.InterestSource) -> Source:
    if source.word:
        return Source("", STATED, source.word)
    return Source(source.item_id, _EVENTS.get(source.event_type, "unspecified"))
