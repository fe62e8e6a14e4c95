"""People as numbers, and where jobs place them, between the contract and the domain."""

from __future__ import annotations

from collections.abc import Sequence

from google.rpc.status_pb2 import Status

from services.errors import VisrecError
from services.profile.collaborative.given_vector import GivenVector
from services.profile.collaborative.placer import GivenPlace
from services.profile.segments.export_features import Featured, FeaturesPage
from services.profile.wire.messages import milliseconds
from services.runtime.faults import status_of
from services.spaces import encode
from visrec.v1 import common_pb2
from visrec.v1 import profile_pb2 as pb


def features_message(page: FeaturesPage) -> pb.ExportFeaturesResponse:
    """A page for the caller."""
    users = [_message(each, page) for each in page.people]
    return pb.ExportFeaturesResponse(users=users, next_page_token=page.token)


def _message(person: Featured, page: FeaturesPage) -> pb.UserFeatures:
    interests = [
        pb.Interest(
            vector=common_pb2.Vector(space=page.visual, data=encode(interest.vector)),
            weight=interest.weight,
            origin=pb.INTEREST_ORIGIN_EVENTS,
        )
        for interest in person.interests
    ]
    return pb.UserFeatures(
        pseudonym=person.pseudonym,
        features=common_pb2.Vector(space=page.space, data=encode(person.features)),
        facts=person.facts,
        tags=[pb.TagWeight(word=word, weight=weight) for word, weight in person.words.items()],
        item_ids=person.items,
        interests=interests,
    )


def places_of(messages: Sequence[pb.UserVector]) -> list[GivenPlace]:
    """Vectors of people as they came; nothing is checked."""
    return [GivenPlace(each.user_id, GivenVector(each.vector.space, each.vector.data)) for each in messages]


def learned_of(request: pb.PutUserVectorsRequest) -> int | None:
    """When the events were read that vectors follow from, milliseconds since 1970; None: not told."""
    return milliseconds(request.learned_from) if request.HasField("learned_from") else None


def places_message(results: Sequence[VisrecError | None]) -> pb.PutUserVectorsResponse:
    """What became of each."""
    statuses = [Status(code=0) if problem is None else status_of(problem) for problem in results]
    return pb.PutUserVectorsResponse(results=statuses)
