"""Errors on the wire and back."""

from __future__ import annotations

import string
from urllib.parse import quote

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from services import errors
from services.runtime import faults

EXAMPLES: list[tuple[errors.VisrecError, grpc.StatusCode, type[Message] | None]] = [
    (errors.InvalidInput("n", "must be 1 to 1000"), grpc.StatusCode.INVALID_ARGUMENT, details.BadRequest),
    (errors.InvalidPicture("image.data", "truncated"), grpc.StatusCode.INVALID_ARGUMENT, details.BadRequest),
    (errors.NotFound("item", "shoe-1", "ingest it"), grpc.StatusCode.NOT_FOUND, details.ResourceInfo),
    (errors.Conflict("exists"), grpc.StatusCode.ALREADY_EXISTS, None),
    (errors.SpaceMismatch("visual@1", "visual@2"), grpc.StatusCode.FAILED_PRECONDITION, details.PreconditionFailure),
    (
        errors.Refused("no consent", reason="NO_CONSENT"),
        grpc.StatusCode.FAILED_PRECONDITION,
        details.PreconditionFailure,
    ),
    (errors.NotReady("loading"), grpc.StatusCode.UNAVAILABLE, details.RetryInfo),
    (errors.Overloaded("full", retry_after_ms=250), grpc.StatusCode.RESOURCE_EXHAUSTED, details.RetryInfo),
    (errors.TooLate("late"), grpc.StatusCode.DEADLINE_EXCEEDED, None),
    (errors.NotImplementedYet("PutHead"), grpc.StatusCode.UNIMPLEMENTED, None),
    (errors.Internal("a bug"), grpc.StatusCode.INTERNAL, None),
]


def test_every_class_of_the_family_has_an_example_here() -> None:
    """So that a class added to the family cannot go without a status."""
    family = {cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.VisrecError)}
    assert {type(error) for error, *_ in EXAMPLES} == family - {errors.VisrecError}


@pytest.mark.parametrize(("error", "code", "detail"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_an_error_has_one_status_and_comes_back_the_same(
    error: errors.VisrecError, code: grpc.StatusCode, detail: type[Message] | None
) -> None:
    status = faults.status_of(error)
    assert status.code == faults.code_of(error).value[0] == code.value[0]
    info = details.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == (error.reason, "visrec")
    kinds = [any_.TypeName() for any_ in status.details[1:]]
    assert kinds == ([detail.DESCRIPTOR.full_name] if detail else [])

    back = faults.error_of(Status.FromString(status.SerializeToString()))
    assert type(back) is type(error)
    assert (str(back), back.message, back.reason) == (str(error), error.message, error.reason)


def test_what_an_error_knows_survives_the_way() -> None:
    def back(error: errors.VisrecError) -> errors.VisrecError:
        return faults.error_of(faults.status_of(error))

    picture = back(errors.InvalidPicture("image.data", "truncated", reason="TRUNCATED"))
    assert isinstance(picture, errors.InvalidPicture)
    assert (picture.field, picture.description, picture.reason) == ("image.data", "truncated", "TRUNCATED")
    missing = back(errors.NotFound("item", "shoe-1"))
    assert isinstance(missing, errors.NotFound)
    assert (missing.kind, missing.name) == ("item", "shoe-1")
    mismatch = back(errors.SpaceMismatch("visual@1", "visual@2"))
    assert isinstance(mismatch, errors.SpaceMismatch)
    assert (mismatch.expected, mismatch.given) == ("visual@1", "visual@2")
    full = back(errors.Overloaded("full", retry_after_ms=250))
    assert isinstance(full, errors.Overloaded)
    assert full.retry_after_ms == 250


LONG = st.sampled_from(["漢", "🙂", "%", "é", "x", "\n"]).map(lambda letter: letter * 30_000) | st.text(max_size=3000)


@given(one=LONG, other=LONG)
def test_a_status_always_fits_into_trailers(one: str, other: str) -> None:
    """gRPC drops a call whose trailers are over 8 KiB: the message percent-encoded, the details in base64."""
    for error in (
        errors.InvalidInput(one, other),
        errors.NotFound("catalogue", one, other),
        errors.SpaceMismatch(one, other),
        errors.Refused(one),
    ):
        status = faults.status_of(error)
        message = len(quote(status.message, safe=string.printable[:95].replace("%", "")))
        assert message + sum(len(value) for _, value in faults.trailers_of(status)) * 4 / 3 < 8000
        assert faults.error_of(status).reason == error.reason


def test_a_foreign_status_becomes_the_nearest_of_the_family() -> None:
    """As a proxy sends them: a code and a message, no details."""
    kinds = {
        grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidInput,
        grpc.StatusCode.FAILED_PRECONDITION: errors.Refused,
        grpc.StatusCode.UNAVAILABLE: errors.NotReady,
        grpc.StatusCode.PERMISSION_DENIED: errors.Internal,
    }
    for code, kind in kinds.items():
        error = faults.error_of(Status(code=code.value[0], message="no"))
        assert (type(error), error.message) == (kind, "no")
    with pytest.raises(ValueError, match="OK"):
        faults.error_of(Status())


def test_what_is_not_of_the_family_tells_nothing_but_an_id() -> None:
    fault = faults.fault_of(ValueError("person 4711 lives in …"))
    assert isinstance(fault, errors.Internal)
    assert len(fault.metadata["id"]) == 32
    assert b"4711" not in faults.status_of(fault).SerializeToString()


def test_an_id_is_kept_on_its_way_through_the_services() -> None:
    first = faults.fault_of(KeyError("x"))
    second = faults.fault_of(faults.error_of(faults.status_of(first)))
    assert second.metadata["id"] == first.metadata["id"]
