"""Logs and metrics say nothing of anybody, whatever is asked and however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from prometheus_client import generate_latest

from services.profile.app import assemble
from services.profile.filing.store_redis import RedisProfileStore
from services.profile.settings import ProfileSettings
from services.runtime.settings import RuntimeSettings
from services.spaces import encode
from tests.profile.builders import SPACE, near, shop
from tests.servers import Served, serving
from visrec.v1 import common_pb2
from visrec.v1 import profile_pb2 as pb
from visrec.v1.profile_pb2_grpc import ProfileServiceStub

WHO = "planted-person"
GIVEN = pb.Consent(**dict.fromkeys(("personalisation", "photo_learning", "segments"), pb.CONSENT_STATE_GIVEN))
ATTRIBUTES = pb.UserAttributes(
    age=36,
    interests=["planted-interest"],
    location=pb.Location(country="PT", city="planted-city"),
    other={"planted_name": common_pb2.AttributeValue(text="planted-value")},
)
PHOTO = common_pb2.Vector(space=SPACE.name, data=encode(near(3)))
LIKE = pb.Event(event_id="planted-1", user_id=WHO, type=pb.EVENT_TYPE_LIKE, catalogue="shop", item_id="red-1")
EVENTS = [
    LIKE,
    pb.Event(event_id="planted-2", user_id=WHO, type=pb.EVENT_TYPE_LIKE, catalogue="shop", item_id="planted-item"),
    pb.Event(event_id="planted-3", user_id=WHO, type=pb.EVENT_TYPE_UPLOAD, catalogue="shop", photo_vector=PHOTO),
    pb.Event(event_id="planted-4", user_id="planted-nobody", type=pb.EVENT_TYPE_LIKE, catalogue="shop", item_id="x"),
    pb.Event(event_id="planted\n5", user_id=WHO, type=pb.EVENT_TYPE_LIKE, catalogue="shop", item_id="red-1"),
    pb.Event(event_id="planted-6", user_id=WHO, type=pb.EVENT_TYPE_LIKE, catalogue="planted-catalogue", item_id="x"),
]
ASK = pb.GetTasteRequest(user_id=WHO, catalogue="shop", include_seen=True)

CALLS: list[tuple[str, Any]] = [
    ("PutUser", pb.PutUserRequest(user=pb.User(user_id=WHO, attributes=ATTRIBUTES, consent=GIVEN))),
    ("PutUser", pb.PutUserRequest(user=pb.User(user_id=WHO), update_mask=FieldMask(paths=["planted.path"]))),
    ("PutUser", pb.PutUserRequest(user=pb.User(user_id="planted\x01"))),
    ("GetUser", pb.GetUserRequest(user_id=WHO)),
    ("GetUser", pb.GetUserRequest(user_id="planted-nobody")),
    ("ListUsers", pb.ListUsersRequest()),
    ("ListUsers", pb.ListUsersRequest(page_token="planted-token")),
    ("RecordEvents", pb.RecordEventsRequest(events=EVENTS)),
    ("GetTaste", ASK),
    ("GetTaste", pb.GetTasteRequest(user_id=WHO, catalogue="shop", space="planted@1")),
    ("GetTastes", pb.GetTastesRequest(requests=[ASK, pb.GetTasteRequest(user_id="planted-nobody", catalogue="shop")])),
    ("GetPopularItems", pb.GetPopularItemsRequest(catalogue="shop", segment="planted-segment")),
    ("ListSegments", pb.ListSegmentsRequest(catalogue="shop")),
    ("ExportEvents", pb.ExportEventsRequest(catalogue="shop", include_user_ids=True)),
    ("ExportFeatures", pb.ExportFeaturesRequest(catalogue="shop")),
    ("PutUserVectors", pb.PutUserVectorsRequest(catalogue="shop", vectors=[pb.UserVector(user_id=WHO, vector=PHOTO)])),
    ("PutSegments", pb.PutSegmentsRequest(catalogue="shop")),
    ("RebuildTastes", pb.RebuildTastesRequest(catalogue="shop")),
    ("ForgetCatalogue", pb.ForgetCatalogueRequest(catalogue="planted-catalogue")),
    ("ExportUser", pb.ExportUserRequest(user_id=WHO)),
    ("SetConsent", pb.SetConsentRequest(user_id=WHO, consent=GIVEN)),
    ("DeleteUser", pb.DeleteUserRequest(user_id=WHO)),
    ("DeleteUser", pb.DeleteUserRequest(user_id=WHO)),
]


@pytest.fixture
def served(redis_store: RedisProfileStore, runtime: RuntimeSettings) -> Iterator[Served[grpc.Channel]]:
    with serving(assemble(ProfileSettings(), redis_store, shop()), runtime) as running:
        yield running


def test_nothing_planted_is_in_logs_or_metrics(served: Served[grpc.Channel], capfd: pytest.CaptureFixture[str]) -> None:
    stub = ProfileServiceStub(served.channel)
    answers = [_called(stub, method, request) for method, request in CALLS]
    assert {method for method, _ in CALLS} == {
        method.name for method in pb.DESCRIPTOR.services_by_name["ProfileService"].methods
    }
    assert any("planted" in str(answer) for answer in answers), "callers are told"
    told = capfd.readouterr()
    said = told.out + told.err
    assert "DeleteUser" in said, "calls that fail are logged"
    assert "planted" not in said
    metrics = generate_latest(served.telemetry.registry).decode()
    assert "RecordEvents" in metrics
    assert "planted" not in metrics


def _called(stub: ProfileServiceStub, method: str, request: Any) -> object:
    try:
        return getattr(stub, method)(request, timeout=30)
    except grpc.RpcError as problem:
        return problem
