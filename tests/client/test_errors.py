from __future__ import annotations

import grpc
import pytest
from google.rpc import status_pb2

from tests.client.fakes.fleet import Fleet
from tests.client.fakes.refusing import status_of
from visrec.client import Client
from visrec.connection import Targets
from visrec.errors import FieldViolation, VisrecCallError
from visrec.items import NewItem


def test_a_refused_field_is_named(client: Client) -> None:
    with pytest.raises(VisrecCallError) as refused:
        client.recommend("shop", photo=b"bad bytes")
    assert refused.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.reason == "INVALID_PICTURE"
    assert refused.value.violations == (FieldViolation("photo.data", "no picture"),)
    assert refused.value.metadata == {"hint": "yes"}
    assert not refused.value.may_pass


def test_an_unknown_name_says_so_in_words(client: Client) -> None:
    with pytest.raises(VisrecCallError, match=r"NOT_FOUND \(CATALOGUE_NOT_FOUND\): catalogue 'attic' does not exist"):
        client.stats("attic")


def test_load_shedding_says_when_to_come_again() -> None:
    status = status_of(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", "OVERLOADED", retry_after_ms=1500)
    error = VisrecCallError.from_status(status)
    assert error.retry_after_s == pytest.approx(1.5)
    assert error.may_pass


def test_nobody_listening_is_an_error_that_may_pass() -> None:
    nowhere = "127.0.0.1:1"
    with Client.connect(Targets(nowhere, nowhere, nowhere, nowhere)) as client, pytest.raises(VisrecCallError) as error:
        client.scenes()
    assert error.value.code is grpc.StatusCode.UNAVAILABLE
    assert error.value.reason == ""
    assert error.value.may_pass


class Removed(grpc.RpcError):
    """A call whose deadline passed while its connection was being made."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return "Stream removed (Deadline Exceeded)"

    def trailing_metadata(self) -> tuple[()]:
        return ()


def test_a_deadline_that_grpc_calls_unknown_is_a_deadline() -> None:
    assert VisrecCallError.from_rpc(Removed()).code is grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_code_that_grpc_does_not_know_is_unknown() -> None:
    assert VisrecCallError.from_status(status_pb2.Status(code=77)).code is grpc.StatusCode.UNKNOWN


def test_an_unreadable_photo_of_a_single_call_is_the_file_systems_own_error(client: Client) -> None:
    with pytest.raises(FileNotFoundError):
        client.recommend("shop", photo="no-such-photo.jpg")


def test_a_bad_photo_in_a_bulk_call_has_the_details_of_a_single_one(client: Client, services: Fleet) -> None:
    report = client.ingest("shop", [NewItem("a", photos=[b"bad"]), NewItem("b", photos=[b"fine"])])
    (failed,) = report.failed
    assert failed.item_id == "a"
    assert failed.error is not None
    assert failed.error.violations[0].field == "photos[0]"
    assert set(services.indexer.catalogues["shop"]) == {"b"}
