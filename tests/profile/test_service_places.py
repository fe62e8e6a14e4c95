"""Segments, features and collaborative vectors over a real server."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import numpy as np
import pytest

from services.errors import NotFound, SpaceMismatch
from services.profile.app import assemble
from services.profile.catalogue.items import CatalogueItem, MemoryItems, Resolved
from services.profile.filing.store_redis import RedisProfileStore
from services.profile.settings import ProfileSettings
from services.runtime.faults import error_of
from services.runtime.settings import RuntimeSettings
from services.spaces import encode
from tests.profile.builders import OTHER_SPACE, SPACE, near, shop
from tests.profile.test_collaborative import FACTORS, factors
from tests.servers import fault, serving
from visrec.v1 import common_pb2
from visrec.v1 import profile_pb2 as pb
from visrec.v1.profile_pb2_grpc import ProfileServiceStub

ALL = pb.Consent(personalisation=pb.CONSENT_STATE_GIVEN, segments=pb.CONSENT_STATE_GIVEN)
MIN_PEOPLE = 3


@pytest.fixture
def stub(redis_store: RedisProfileStore, redis_runtime: RuntimeSettings) -> Iterator[ProfileServiceStub]:
    rows = {name: CatalogueItem("", factors(0, seed)) for seed, name in enumerate(("red-0", "red-1", "red-2", "red-3"))}
    present = shop().resolve("shop", [f"red-{number}" for number in range(10)])
    items = MemoryItems({"shop": present}, {"shop": [Resolved(FACTORS, rows)]})
    settings = ProfileSettings(segment_min_people=MIN_PEOPLE)
    with serving(assemble(settings, redis_store, items), redis_runtime) as served:
        yield ProfileServiceStub(served.channel)


def put(stub: ProfileServiceStub, user: str, consent: pb.Consent = ALL, *interests: str) -> None:
    known = pb.User(user_id=user, consent=consent, attributes=pb.UserAttributes(age=30, interests=interests))
    stub.PutUser(pb.PutUserRequest(user=known))


def like(stub: ProfileServiceStub, user: str, *items: str) -> None:
    events = [
        pb.Event(event_id=f"{user}-{item}", user_id=user, type=pb.EVENT_TYPE_LIKE, catalogue="shop", item_id=item)
        for item in items
    ]
    results = stub.RecordEvents(pb.RecordEventsRequest(events=events)).results
    assert [each.status.code for each in results] == [0] * len(items)


def taste(stub: ProfileServiceStub, user: str) -> pb.Taste:
    return stub.GetTaste(pb.GetTasteRequest(user_id=user, catalogue="shop")).taste


def vector(space: str, numbers: np.typing.NDArray[np.float16]) -> common_pb2.Vector:
    return common_pb2.Vector(space=space, data=encode(numbers))


def test_a_vector_that_a_job_put_is_told_with_the_taste(stub: ProfileServiceStub) -> None:
    put(stub, "ada")
    like(stub, "ada", "red-0")
    assert not taste(stub, "ada").HasField("collaborative")
    given = [
        pb.UserVector(user_id="ada", vector=vector(FACTORS.name, factors(1, 7))),
        pb.UserVector(user_id="nobody", vector=vector(FACTORS.name, factors(1, 7))),
        pb.UserVector(user_id="ada", vector=vector(OTHER_SPACE.name, factors(1, 7))),
    ]
    results = stub.PutUserVectors(pb.PutUserVectorsRequest(catalogue="shop", vectors=given)).results
    assert results[0].code == 0
    assert isinstance(error_of(results[1]), NotFound)
    assert isinstance(error_of(results[2]), SpaceMismatch)
    told = taste(stub, "ada").collaborative
    assert told.space == FACTORS.name
    np.testing.assert_allclose(np.frombuffer(told.data, dtype="<f4"), factors(1, 7), atol=1e-3)


def test_features_become_segments_become_tastes(stub: ProfileServiceStub) -> None:
    """What the job does, by hand: three people alike, one segment around the first of them."""
    for user in ("ada", "bob", "cleo"):
        put(stub, user)
        like(stub, user, "red-0", "red-1")
    exported = stub.ExportFeatures(pb.ExportFeaturesRequest(catalogue="shop"))
    assert len(exported.users) == 3
    first = exported.users[0]
    assert first.facts == ["age:25-34"]
    liked = [pb.Interest(vector=vector(SPACE.name, near(0)), weight=2.0)]
    reds = pb.Segment(segment_id="reds", people=MIN_PEOPLE, centre=first.features, interests=liked)
    few = pb.Segment(segment_id="few", people=MIN_PEOPLE - 1, centre=first.features)
    assert stub.PutSegments(pb.PutSegmentsRequest(catalogue="shop", segments=[few, reds])).segments == 1
    (listed,) = stub.ListSegments(pb.ListSegmentsRequest(catalogue="shop")).segments
    assert (listed.segment_id, listed.people, len(listed.interests)) == ("reds", MIN_PEOPLE, 1)
    assert taste(stub, "ada").segment == "reds", "a taste that was kept is told anew"
    put(stub, "dan")
    known = taste(stub, "dan")
    assert (known.segment, known.events, known.space) == ("reds", 0, SPACE.name)
    assert [each.origin for each in known.interests] == [pb.INTEREST_ORIGIN_SEGMENT]
    put(stub, "eve", pb.Consent(personalisation=pb.CONSENT_STATE_GIVEN))
    private = taste(stub, "eve")
    assert (private.segment, len(private.interests)) == ("", 0)
    like(stub, "ada", "red-2")
    popular = stub.GetPopularItems(pb.GetPopularItemsRequest(catalogue="shop", segment="reds")).items
    assert [item.item_id for item in popular] == ["red-2"]


def test_a_segment_of_too_few_people_is_not_found(stub: ProfileServiceStub) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetPopularItems(pb.GetPopularItemsRequest(catalogue="shop", segment="few"))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert fault(caught.value).reason == "SEGMENT_NOT_FOUND"
