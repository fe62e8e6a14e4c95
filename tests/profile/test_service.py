"""The service over a real server: what callers see, down to status and details."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2 as details
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import generate_latest

from services.errors import InvalidInput
from services.profile.app import assemble
from services.profile.catalogue.items import MemoryItems, Resolved
from services.profile.filing.store_memory import MemoryProfileStore
from services.profile.filing.store_redis import RedisProfileStore
from services.profile.people.people_store import Page
from services.profile.settings import ProfileSettings
from services.runtime.faults import error_of
from services.runtime.settings import RuntimeSettings
from services.spaces import encode
from tests.profile.builders import OTHER_SPACE, SPACE, near, score, shop
from tests.servers import Served, fault, serving
from visrec.v1 import common_pb2
from visrec.v1 import profile_pb2 as pb
from visrec.v1.profile_pb2_grpc import ProfileServiceStub

GIVEN = pb.Consent(
    personalisation=pb.CONSENT_STATE_GIVEN,
    photo_learning=pb.CONSENT_STATE_GIVEN,
    segments=pb.CONSENT_STATE_GIVEN,
)
ADA = pb.User(user_id="ada", consent=GIVEN)

CALL_S = 20.0


@pytest.fixture
def served(redis_store: RedisProfileStore, redis_runtime: RuntimeSettings) -> Iterator[Served[grpc.Channel]]:
    with serving(assemble(ProfileSettings(), redis_store, shop()), redis_runtime) as served:
        yield served


@pytest.fixture
def stub(served: Served[grpc.Channel]) -> ProfileServiceStub:
    return ProfileServiceStub(served.channel)


def event(number: int, item: str, type_: pb.EventType.ValueType = pb.EVENT_TYPE_LIKE, **changes: Any) -> pb.Event:
    fields: dict[str, Any] = {
        "event_id": f"e{number}",
        "user_id": "ada",
        "type": type_,
        "catalogue": "shop",
        "item_id": item,
    }
    return pb.Event(**(fields | changes))


def record(stub: ProfileServiceStub, *events: pb.Event) -> list[pb.EventResult]:
    return list(stub.RecordEvents(pb.RecordEventsRequest(events=events)).results)


def taste(stub: ProfileServiceStub, **changes: Any) -> pb.Taste:
    return stub.GetTaste(pb.GetTasteRequest(**({"user_id": "ada", "catalogue": "shop"} | changes))).taste


def vector_of(interest: pb.Interest) -> np.ndarray[Any, Any]:
    return np.frombuffer(interest.vector.data, dtype="<f4")


class TestEndToEnd:
    def test_a_person_comes_back_as_they_were_put(self, stub: ProfileServiceStub) -> None:
        attributes = pb.UserAttributes(
            age=36,
            gender=pb.GENDER_FEMALE,
            location=pb.Location(country="GB", city="London"),
            interests=["minimalism"],
            other={
                "size": common_pb2.AttributeValue(text="M"),
                "height": common_pb2.AttributeValue(number=1.7),
                "newsletter": common_pb2.AttributeValue(boolean=False),
                "materials": common_pb2.AttributeValue(words=common_pb2.WordList(words=["wool", "oak"])),
            },
        )
        put = stub.PutUser(
            pb.PutUserRequest(user=pb.User(user_id="ada", attributes=attributes, consent=GIVEN), request_id="r1")
        )
        assert put.created
        assert (put.user.attributes, put.user.consent) == (attributes, GIVEN)
        assert put.user.created == put.user.updated
        assert stub.GetUser(pb.GetUserRequest(user_id="ada")).user == put.user
        assert list(stub.ListUsers(pb.ListUsersRequest()).users) == [put.user]

    def test_a_mask_changes_one_field(self, stub: ProfileServiceStub) -> None:
        stub.PutUser(pb.PutUserRequest(user=pb.User(user_id="ada", attributes=pb.UserAttributes(age=1), consent=GIVEN)))
        changed = pb.User(user_id="ada", attributes=pb.UserAttributes(age=2))
        put = stub.PutUser(pb.PutUserRequest(user=changed, update_mask=FieldMask(paths=["attributes.age"])))
        assert (put.created, put.user.attributes.age, put.user.consent) == (False, 2, GIVEN)

    def test_events_make_a_taste_at_once(self, stub: ProfileServiceStub) -> None:
        stub.PutUser(pb.PutUserRequest(user=ADA))
        results = record(stub, event(1, "red-1"), event(2, "red-2"), event(3, "green-1", pb.EVENT_TYPE_VIEW))
        assert [(each.event_id, each.status.code, each.outcome) for each in results] == [
            (f"e{number}", 0, pb.EVENT_OUTCOME_LEARNED) for number in (1, 2, 3)
        ]
        found = taste(stub, include_seen=True)
        assert (found.space, found.personalised, found.events) == (SPACE.name, True, 3)
        assert [each.weight for each in found.interests] == pytest.approx([4 / 4.5, 0.5 / 4.5], rel=1e-4)
        assert score(vector_of(found.interests[0]), near(0)) > 0.95
        assert {source.item_id for source in found.interests[0].sources} == {"red-1", "red-2"}
        assert found.interests[0].sources[0].event_type == pb.EVENT_TYPE_LIKE
        assert set(found.seen_item_ids) == {"red-1", "red-2", "green-1"}

        record(stub, event(4, "blue-1", pb.EVENT_TYPE_PURCHASE))
        assert score(vector_of(taste(stub).interests[0]), near(2)) > 0.95

    def test_events_can_be_exported_without_what_tells_who_it_was(self, stub: ProfileServiceStub) -> None:
        stub.PutUser(pb.PutUserRequest(user=ADA))
        photo = common_pb2.Vector(space=SPACE.name, data=encode(near(3)))
        upload = pb.Event(event_id="u1", user_id="ada", type=pb.EVENT_TYPE_UPLOAD, catalogue="shop", photo_vector=photo)
        record(stub, event(1, "red-1", recommendation_id="r-1"), upload)
        request = pb.ExportEventsRequest(catalogue="shop")
        page = stub.ExportEvents(request)
        liked, photo_sent = sorted(page.events, key=lambda each: each.type)
        assert (liked.type, liked.item_id, liked.domain) == (pb.EVENT_TYPE_LIKE, "red-1", "fashion")
        assert liked.event_id == ""
        assert liked.recommendation_id not in ("", "r-1")
        assert photo_sent.WhichOneof("subject") is None
        assert liked.user_id == photo_sent.user_id != "ada"
        assert page.next_page_token == ""
        named = stub.ExportEvents(pb.ExportEventsRequest(catalogue="shop", include_user_ids=True, page_size=1))
        assert [each.user_id for each in named.events] == ["ada"]
        assert named.next_page_token
        before = common_pb2.TimeRange(before=liked.time)
        assert not stub.ExportEvents(pb.ExportEventsRequest(catalogue="shop", time=before)).events

    def test_tastes_can_be_made_anew(self, stub: ProfileServiceStub) -> None:
        stub.PutUser(pb.PutUserRequest(user=ADA))
        record(stub, event(1, "red-1"))
        rebuilt = stub.RebuildTastes(pb.RebuildTastesRequest(catalogue="shop"))
        assert rebuilt == pb.RebuildTastesResponse(people=1, rebuilt=1)

    def test_an_upload_is_learned_from(self, stub: ProfileServiceStub) -> None:
        stub.PutUser(pb.PutUserRequest(user=ADA))
        photo = common_pb2.Vector(space=SPACE.name, data=encode(near(3)))
        upload = pb.Event(event_id="u1", user_id="ada", type=pb.EVENT_TYPE_UPLOAD, catalogue="shop", photo_vector=photo)
        assert record(stub, upload)[0].outcome == pb.EVENT_OUTCOME_LEARNED
        (interest,) = taste(stub).interests
        assert score(vector_of(interest), near(3)) > 0.99
        assert interest.sources[0] == pb.InterestSource(event_type=pb.EVENT_TYPE_UPLOAD)

    def test_several_tastes_each_have_their_own_end(self, stub: ProfileServiceStub) -> None:
        stub.PutUser(pb.PutUserRequest(user=ADA))
        record(stub, event(1, "red-1"))
        requests = [pb.GetTasteRequest(user_id=name, catalogue="shop") for name in ("ada", "nobody")]
        good, bad = stub.GetTastes(pb.GetTastesRequest(requests=requests)).results
        assert len(good.taste.interests) == 1
        assert error_of(bad.error).reason == "USER_NOT_FOUND"

    def test_popularity_counts_everybody(self, stub: ProfileServiceStub) -> None:
        stub.PutUser(pb.PutUserRequest(user=ADA))
        stub.PutUser(pb.PutUserRequest(user=pb.User(user_id="bob")))
        results = record(
            stub,
            event(1, "red-1"),
            event(1, "red-1", user_id="bob"),
            event(2, "green-1", pb.EVENT_TYPE_PURCHASE, user_id="bob"),
        )
        assert [each.outcome for each in results] == [
            pb.EVENT_OUTCOME_LEARNED,
            pb.EVENT_OUTCOME_COUNTED,
            pb.EVENT_OUTCOME_COUNTED,
        ]
        popular = stub.GetPopularItems(pb.GetPopularItemsRequest(catalogue="shop"))
        assert popular.half_life_hours == 336
        assert [each.item_id for each in popular.items] == ["green-1", "red-1"]
        assert [each.score for each in popular.items] == pytest.approx([5, 4], rel=1e-4)
        asked = stub.GetPopularItems(
            pb.GetPopularItemsRequest(catalogue="shop", item_ids=["blue-1", "red-1"], domains=["fashion"])
        )
        assert [each.score for each in asked.items] == pytest.approx([0, 4], rel=1e-4)

    def test_refusing_personalisation_ends_it_within_the_call(self, stub: ProfileServiceStub) -> None:
        stub.PutUser(pb.PutUserRequest(user=ADA))
        record(stub, event(1, "red-1"))
        taste(stub)
        refused = pb.Consent(personalisation=pb.CONSENT_STATE_REFUSED)
        answer = stub.SetConsent(pb.SetConsentRequest(user_id="ada", consent=refused))
        assert answer.consent.personalisation == pb.CONSENT_STATE_REFUSED
        assert answer.consent.photo_learning == pb.CONSENT_STATE_GIVEN
        nothing = pb.Taste(user_id="ada", catalogue="shop", consent=answer.consent)
        nothing.pseudonym = taste(stub).pseudonym
        assert taste(stub, include_seen=True) == nothing
        stub.SetConsent(pb.SetConsentRequest(user_id="ada", consent=GIVEN))
        nothing.consent.CopyFrom(GIVEN)
        nothing.personalised = True
        assert taste(stub, include_seen=True) == nothing

    def test_an_erasure_gives_a_receipt(self, stub: ProfileServiceStub) -> None:
        stub.PutUser(pb.PutUserRequest(user=ADA, request_id="r1"))
        record(stub, event(1, "red-1"), event(2, "red-2"))
        taste(stub)
        receipt = stub.DeleteUser(pb.DeleteUserRequest(user_id="ada"))
        assert {each.place: each.entries for each in receipt.erased} == {
            "profile": 1,
            "events": 2,
            "seen": 2,
            "taste": 1,
            "requests": 1,
            "event_ids": 2,
            "vectors": 0,
            "held": 0,
        }
        assert any("append-only file" in each for each in receipt.remains)
        kept_s = receipt.tombstone_until.seconds - receipt.erased_at.seconds
        assert kept_s == 30 * 24 * 3600
        late = stub.RecordEvents(pb.RecordEventsRequest(events=[event(3, "red-1")])).results[0]
        assert late.status.code == grpc.StatusCode.NOT_FOUND.value[0]

    def test_late_events_of_who_was_erased_bring_nobody_back(self, stub: ProfileServiceStub) -> None:
        stub.PutUser(pb.PutUserRequest(user=ADA))
        late = event(1, "red-1")
        late.time.GetCurrentTime()
        stub.DeleteUser(pb.DeleteUserRequest(user_id="ada"))
        stub.PutUser(pb.PutUserRequest(user=ADA))
        refused, taken = stub.RecordEvents(pb.RecordEventsRequest(events=[late, event(2, "red-1")])).results
        assert error_of(refused.status).reason == "PERSON_ERASED"
        assert taken.outcome == pb.EVENT_OUTCOME_LEARNED


class Gate:
    """Holds up who passes until it is opened."""

    def __init__(self) -> None:
        self.reached, self._open = threading.Event(), threading.Event()

    def open(self) -> None:
        self._open.set()

    def passed(self) -> None:
        self.reached.set()
        assert self._open.wait(CALL_S)


class SlowItems(MemoryItems):
    """Tells of items when its gate is open."""

    def __init__(self, gate: Gate) -> None:
        super().__init__({"shop": shop().resolve("shop", ["red-1"])})
        self._gate = gate

    def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
        if item_ids:
            self._gate.passed()
        return super().resolve(catalogue, item_ids, space)


class SlowWalk(MemoryProfileStore):
    """Lists people when its gate is open."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    def people(self, size: int, token: str) -> Page:
        self._gate.passed()
        return super().people(size, token)


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("RecordEvents", pb.RecordEventsRequest(events=[event(1, "red-1")])),
        ("ListUsers", pb.ListUsersRequest()),
    ],
)
def test_a_taste_never_waits_for_calls_that_wait(runtime: RuntimeSettings, method: str, request_: Any) -> None:
    gate = Gate()
    app = assemble(ProfileSettings(threads=1, long_threads=1), SlowWalk(gate), SlowItems(gate))
    with serving(app, runtime) as served:
        stub = ProfileServiceStub(served.channel)
        stub.PutUser(pb.PutUserRequest(user=ADA))
        waiting = getattr(stub, method).future(request_, timeout=CALL_S)
        try:
            assert gate.reached.wait(CALL_S)
            wanted = pb.GetTasteRequest(user_id="ada", catalogue="shop")
            assert stub.GetTaste(wanted, timeout=CALL_S / 2).taste.personalised
        finally:
            gate.open()
        waiting.result()


def token(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode()


def user(**attributes: Any) -> pb.PutUserRequest:
    return pb.PutUserRequest(user=pb.User(user_id="ada", attributes=pb.UserAttributes(**attributes)))


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("PutUser", pb.PutUserRequest(), "user.user_id"),
        ("PutUser", user(age=200), "user.attributes.age"),
        ("PutUser", user(gender=17), "user.attributes.gender"),
        ("PutUser", user(other={"size": common_pb2.AttributeValue()}), "user.attributes.other['size']"),
        (
            "PutUser",
            user(other={"size": common_pb2.AttributeValue(number=float("inf"))}),
            "user.attributes.other['size']",
        ),
        (
            "PutUser",
            pb.PutUserRequest(user=ADA, update_mask=FieldMask(paths=["consent", "attributes.shoe_size"])),
            "update_mask.paths[1]",
        ),
        ("PutUser", pb.PutUserRequest(user=ADA, request_id="x" * 129), "request_id"),
        ("GetUser", pb.GetUserRequest(), "user_id"),
        ("DeleteUser", pb.DeleteUserRequest(), "user_id"),
        ("SetConsent", pb.SetConsentRequest(), "user_id"),
        ("SetConsent", pb.SetConsentRequest(user_id="ada", consent=pb.Consent(segments=9)), "consent.segments"),  # type: ignore[arg-type]
        ("ListUsers", pb.ListUsersRequest(page_size=-1), "page_size"),
        ("ListUsers", pb.ListUsersRequest(page_token="nonsense"), "page_token"),
        ("ListUsers", pb.ListUsersRequest(page_token=token("[0,1e30,[]]")), "page_token"),
        ("ListUsers", pb.ListUsersRequest(page_token=token('[0,0,["visrec:profile:secret"]]')), "page_token"),
        ("RecordEvents", pb.RecordEventsRequest(), "events"),
        ("RecordEvents", pb.RecordEventsRequest(events=[pb.Event()] * 1001), "events"),
        ("GetTaste", pb.GetTasteRequest(catalogue="shop"), "user_id"),
        ("GetTaste", pb.GetTasteRequest(user_id="ada"), "catalogue"),
        ("GetTastes", pb.GetTastesRequest(), "requests"),
        ("GetPopularItems", pb.GetPopularItemsRequest(), "catalogue"),
        ("GetPopularItems", pb.GetPopularItemsRequest(catalogue="shop", limit=-1), "limit"),
        ("GetPopularItems", pb.GetPopularItemsRequest(catalogue="shop", item_ids=["x"] * 10_000), "item_ids"),
    ],
)
def test_bad_input_is_an_invalid_argument_that_names_its_field(
    served: Served[grpc.Channel], method: str, request_: Any, field: str
) -> None:
    """And the service keeps serving."""
    with pytest.raises(grpc.RpcError) as caught:
        getattr(ProfileServiceStub(served.channel), method)(request_)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    problem = fault(caught.value)
    assert isinstance(problem, InvalidInput)
    assert problem.field == field
    check = health_pb2_grpc.HealthStub(served.channel).Check(health_pb2.HealthCheckRequest())
    assert check.status == health_pb2.HealthCheckResponse.SERVING


def violations(status: Status) -> list[str]:
    found = details.BadRequest()
    assert any(each.Is(found.DESCRIPTOR) and each.Unpack(found) for each in status.details)
    return [violation.field for violation in found.field_violations]


def info(status: Status) -> details.ErrorInfo:
    found = details.ErrorInfo()
    assert status.details[0].Unpack(found)
    return found


def upload(space: str, data: bytes) -> pb.Event:
    vector = common_pb2.Vector(space=space, data=data)
    return pb.Event(event_id="e", user_id="ada", type=pb.EVENT_TYPE_UPLOAD, catalogue="shop", photo_vector=vector)


INVALID, MISSING, STATE = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
)


@pytest.mark.parametrize(
    ("bad", "code", "reason", "field"),
    [
        (pb.Event(), INVALID, "INVALID_INPUT", "events[0].event_id"),
        (event(1, "red-1", pb.EVENT_TYPE_UNSPECIFIED), INVALID, "INVALID_INPUT", "events[0].type"),
        (event(1, "red-1", time=Timestamp(seconds=2**33)), INVALID, "EVENT_IN_FUTURE", "events[0].time"),
        (event(1, "unknown"), MISSING, "ITEM_NOT_FOUND", None),
        (event(1, "red-1", user_id="nobody"), MISSING, "USER_NOT_FOUND", None),
        (event(1, "red-1", catalogue="unknown"), MISSING, "CATALOGUE_NOT_FOUND", None),
        (upload(SPACE.name, b"\0" * 44), INVALID, "WRONG_DIMENSION", "events[0].photo_vector.data"),
        (upload(SPACE.name, b"\0" * 48), INVALID, "ZERO_VECTOR", "events[0].photo_vector.data"),
        (upload(SPACE.name, b"\xff" * 48), INVALID, "NOT_FINITE", "events[0].photo_vector.data"),
        (upload(OTHER_SPACE.name, b"\0" * 24), STATE, "SPACE_MISMATCH", None),
        (upload("", encode(near(1))), INVALID, "INVALID_INPUT", "events[0].photo_vector.space"),
    ],
)
def test_a_bad_event_fails_alone_with_its_own_status_and_details(
    stub: ProfileServiceStub, bad: pb.Event, code: grpc.StatusCode, reason: str, field: str | None
) -> None:
    stub.PutUser(pb.PutUserRequest(user=ADA))
    wrong, right = record(stub, bad, event(2, "red-2"))
    assert wrong.status.code == code.value[0]
    assert (info(wrong.status).reason, info(wrong.status).domain) == (reason, "visrec")
    assert wrong.outcome == pb.EVENT_OUTCOME_UNSPECIFIED
    if field is not None:
        assert violations(wrong.status) == [field]
    assert right.outcome == pb.EVENT_OUTCOME_LEARNED


def test_a_space_without_events_is_a_failed_precondition(stub: ProfileServiceStub) -> None:
    stub.PutUser(pb.PutUserRequest(user=ADA))
    record(stub, event(1, "red-1"))
    with pytest.raises(grpc.RpcError) as caught:
        taste(stub, space=OTHER_SPACE.name)
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert fault(caught.value).reason == "SPACE_MISMATCH"


def test_a_reused_request_id_already_exists(stub: ProfileServiceStub) -> None:
    stub.PutUser(pb.PutUserRequest(user=ADA, request_id="r1"))
    with pytest.raises(grpc.RpcError) as caught:
        stub.PutUser(pb.PutUserRequest(user=pb.User(user_id="ada"), request_id="r1"))
    assert caught.value.code() == grpc.StatusCode.ALREADY_EXISTS


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("GetUser", pb.GetUserRequest(user_id="nobody")),
        ("ExportUser", pb.ExportUserRequest(user_id="nobody")),
        ("DeleteUser", pb.DeleteUserRequest(user_id="nobody")),
        ("SetConsent", pb.SetConsentRequest(user_id="nobody")),
        ("GetTaste", pb.GetTasteRequest(user_id="nobody", catalogue="shop")),
    ],
)
def test_somebody_unknown_is_not_found(stub: ProfileServiceStub, method: str, request_: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        getattr(stub, method)(request_)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert fault(caught.value).reason == "USER_NOT_FOUND"


def test_metrics_say_nothing_about_people(served: Served[grpc.Channel], stub: ProfileServiceStub) -> None:
    stub.PutUser(pb.PutUserRequest(user=pb.User(user_id="planted-person", consent=GIVEN)))
    record(stub, event(1, "red-1", user_id="planted-person", event_id="planted-event"))
    told = generate_latest(served.telemetry.registry).decode()
    assert "RecordEvents" in told
    assert "planted" not in told
