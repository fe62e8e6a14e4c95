"""Times that no clock shows, as callers may send them: refused where they stand, and nothing else with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.errors import InvalidInput
from services.profile.app import assemble
from services.profile.catalogue.items import MemoryItems, Resolved
from services.profile.filing.store_memory import MemoryProfileStore
from services.profile.settings import ProfileSettings
from services.runtime.faults import error_of
from services.runtime.settings import RuntimeSettings
from services.spaces import encode
from tests.profile.builders import shop
from tests.profile.test_collaborative import FACTORS, factors
from tests.servers import serving
from visrec.v1 import common_pb2
from visrec.v1 import profile_pb2 as pb
from visrec.v1.profile_pb2_grpc import ProfileServiceStub

FAR = [Timestamp(seconds=2**62), Timestamp(seconds=-(2**62)), Timestamp(seconds=-1)]
GIVEN = pb.Consent(personalisation=pb.CONSENT_STATE_GIVEN)


@pytest.fixture
def stub(runtime: RuntimeSettings) -> Iterator[ProfileServiceStub]:
    items = MemoryItems({"shop": shop().resolve("shop", ["red-1", "red-2"])}, {"shop": [Resolved(FACTORS, {})]})
    with serving(assemble(ProfileSettings(), MemoryProfileStore(), items), runtime) as served:
        stub = ProfileServiceStub(served.channel)
        stub.PutUser(pb.PutUserRequest(user=pb.User(user_id="ada", consent=GIVEN)))
        yield stub


def like(number: int, time: Timestamp | None = None) -> pb.Event:
    return pb.Event(
        event_id=f"e{number}",
        user_id="ada",
        type=pb.EVENT_TYPE_LIKE,
        catalogue="shop",
        item_id=f"red-{number}",
        time=time,
    )


@pytest.mark.parametrize("time", FAR, ids=["far ahead", "far back", "before 1970"])
def test_an_event_of_such_a_time_is_refused_alone_and_by_name(stub: ProfileServiceStub, time: Timestamp) -> None:
    refused, taken = stub.RecordEvents(pb.RecordEventsRequest(events=[like(1, time), like(2)])).results
    problem = error_of(refused.status)
    assert isinstance(problem, InvalidInput)
    assert problem.field == "events[0].time"
    assert taken.outcome == pb.EVENT_OUTCOME_LEARNED


def test_events_are_exported_between_any_two_times(stub: ProfileServiceStub) -> None:
    stub.RecordEvents(pb.RecordEventsRequest(events=[like(1)]))
    whole = common_pb2.TimeRange(not_before=FAR[1], before=FAR[0])
    assert len(stub.ExportEvents(pb.ExportEventsRequest(catalogue="shop", time=whole)).events) == 1


def test_what_was_learned_at_any_time_is_judged_by_it(stub: ProfileServiceStub) -> None:
    vector = pb.UserVector(user_id="ada", vector=common_pb2.Vector(space=FACTORS.name, data=encode(factors(0, 1))))
    codes = []
    for time in FAR[:2]:
        request = pb.PutUserVectorsRequest(catalogue="shop", vectors=[vector], learned_from=time)
        codes += [error_of(each).reason if each.code else "" for each in stub.PutUserVectors(request).results]
    assert codes == ["", "LEARNED_BEFORE"]
