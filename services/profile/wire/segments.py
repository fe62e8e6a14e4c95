"""Segments between the contract and the domain."""

from __future__ import annotations

from services.profile.collaborative.given_vector import GivenVector
from services.profile.segments.segment import Segment
from services.profile.segments.segmentations import NO_CENTRE, GivenSegment, SegmentPage
from services.spaces import encode
from visrec.v1 import common_pb2
from visrec.v1 import profile_pb2 as pb


def segment_of(message: pb.Segment) -> GivenSegment:
    """A segment as it came; nothing is checked."""
    told = Segment(message.segment_id, message.description, message.people, NO_CENTRE, tuple(message.typical_item_ids))
    interests = [GivenVector(each.vector.space, each.vector.data) for each in message.interests]
    weights = [each.weight for each in message.interests]
    return GivenSegment(told, GivenVector(message.centre.space, message.centre.data), interests, weights)


def page_message(page: SegmentPage) -> pb.ListSegmentsResponse:
    """Segments for the caller."""
    segments = [_message(segment, page.space) for segment in page.segments]
    return pb.ListSegmentsResponse(segments=segments, next_page_token=page.token)


def _message(segment: Segment, space: str) -> pb.Segment:
    interests = [
        pb.Interest(
            vector=common_pb2.Vector(space=segment.interests_space, data=encode(interest.vector)),
            weight=interest.weight,
            origin=pb.INTEREST_ORIGIN_SEGMENT,
        )
        for interest in segment.interests
    ]
    return pb.Segment(
        segment_id=segment.segment_id,
        description=segment.description,
        people=segment.people,
        typical_item_ids=segment.typical,
        centre=common_pb2.Vector(space=space, data=encode(segment.centre)),
        interests=interests,
    )
