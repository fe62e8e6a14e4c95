"""Errors on the wire and back: the one place where `services.errors` meets gRPC statuses and `google.rpc` details.

| error | code | details besides ErrorInfo |
|---|---|---|
| InvalidInput, InvalidPicture | INVALID_ARGUMENT | BadRequest |
| NotFound | NOT_FOUND | ResourceInfo |
| Conflict | ALREADY_EXISTS | |
| SpaceMismatch, Refused | FAILED_PRECONDITION | PreconditionFailure |
| NotReady | UNAVAILABLE | RetryInfo |
| Overloaded | RESOURCE_EXHAUSTED | RetryInfo |
| TooLate | DEADLINE_EXCEEDED | |
| NotImplementedYet | UNIMPLEMENTED | |
| Internal, and whatever is not of the family | INTERNAL | an `id` in ErrorInfo that the log line has, too |

ErrorInfo's metadata always has `kind`, the name of the class, and tells apart the classes that share a code.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, takewhile
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc.status_pb2 import Status

from services import errors
from services.errors import VisrecError

DOMAIN = "visrec"
DETAILS_KEY = "grpc-status-details-bin"
NOT_READY_RETRY_MS = 500

MAX_MESSAGE_BYTES = 1500
MAX_DESCRIPTION_BYTES = 1000
MAX_VALUE_BYTES = 300
"""Statuses travel in HTTP/2 trailers, of which gRPC allows 8 KiB in all. The message is in there twice: by itself, and
among the details, which may be sent as base64. All three bounds count the bytes of `_weight`."""

Details = Callable[[Any], list[Message]]


@dataclass(frozen=True)
class _Rule:
    code: grpc.StatusCode
    details: Details
    restore: Callable[[Status, dict[str, str]], VisrecError]


def status_of(error: VisrecError) -> Status:
    """The google.rpc.Status of an error: of the whole call, or of one element of a bulk response."""
    rule = _RULES[type(error)]
    metadata = {key: _cut(value, MAX_VALUE_BYTES) for key, value in error.metadata.items()}
    info = details.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata | {"kind": _kind(type(error))})
    status = Status(code=rule.code.value[0], message=_cut(error.message, MAX_MESSAGE_BYTES))
    for detail in (info, *rule.details(error)):
        status.details.add().Pack(detail)
    return status


def error_of(status: Status) -> VisrecError:
    """The error that `status_of` made a status of; one that another system made becomes the nearest of the family.

    Raises ValueError for the status OK, which is no error.
    """
    if status.code == grpc.StatusCode.OK.value[0]:
        raise ValueError("the status is OK")
    info = details.ErrorInfo()
    _unpack(status, info)
    metadata = dict(info.metadata)
    kind = _KINDS.get(metadata.pop("kind", ""), _BY_CODE.get(status.code, errors.Internal))
    error = _RULES[kind].restore(status, metadata)
    error.message, error.args = status.message, (status.message,)
    error.reason, error.metadata = info.reason or error.reason, metadata
    return error


def error_from_rpc(failure: grpc.RpcError, service: str) -> VisrecError:
    """What a failed call to `service` means to the caller. A failure of the transport has no details and becomes
    NotReady, TooLate and so on, naming the service."""
    code, message = failure.code(), failure.details() or ""
    trailers: Any = failure.trailing_metadata()
    for key, value in trailers or ():
        if key == DETAILS_KEY:
            return error_of(Status.FromString(value))
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "message larger than max" in message:
        return errors.InvalidInput("", f"the message is larger than {service} accepts", reason="MESSAGE_TOO_LARGE")
    return _transport_error(code, service)


def fault_of(problem: Exception) -> VisrecError:
    """The family's error for whatever a handler raised. What is not of the family is Internal, and its message stays
    here; Internal always has an `id` in its metadata, by which the log line is found."""
    fault = problem if isinstance(problem, VisrecError) else errors.Internal("something failed on our side")
    if isinstance(fault, errors.Internal) and "id" not in fault.metadata:
        fault = errors.Internal(fault.message, reason=fault.reason, metadata=fault.metadata | {"id": uuid.uuid4().hex})
        fault.__cause__ = problem
    return fault


def code_of(error: VisrecError) -> grpc.StatusCode:
    """The gRPC status code of an error."""
    return _RULES[type(error)].code


def trailers_of(status: Status) -> tuple[tuple[str, bytes], ...]:
    """The trailing metadata that carries a status with its details."""
    return ((DETAILS_KEY, status.SerializeToString()),)


def _transport_error(code: grpc.StatusCode, service: str) -> VisrecError:
    match code:
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.CANCELLED:
            return errors.NotReady(f"{service} cannot be reached")
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return errors.TooLate(f"{service} did not answer in time")
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return errors.Overloaded(f"{service} is overloaded")
        case grpc.StatusCode.UNIMPLEMENTED:
            return errors.NotImplementedYet(f"this call to {service}")
        case _:
            return errors.Internal(f"a call to {service} ended with {code.name}")


def _cut(text: str, most: int) -> str:
    """The beginning of `text`, whole letters that weigh at most `most` bytes together."""
    weights = accumulate(map(_weight, text))
    return text[: sum(1 for _ in takewhile(lambda weight: weight <= most, weights))]


def _weight(letter: str) -> int:
    """Bytes of a letter in a status message: gRPC writes `%E6` for each that is not printable ASCII."""
    return 1 if " " <= letter <= "~" and letter != "%" else 3 * len(letter.encode())


def _kind(error: type[VisrecError]) -> str:
    return error.__name__


def _unpack(status: Status, into: Message) -> bool:
    """Fills `into` with the first detail of its type; False when there is none."""
    found: AnyMessage | None = next((any_ for any_ in status.details if any_.Is(into.DESCRIPTOR)), None)
    return found is not None and found.Unpack(into)


def _nothing(_: VisrecError) -> list[Message]:
    return []


def _bad_request(error: errors.InvalidInput) -> list[Message]:
    violation = details.BadRequest.FieldViolation(
        field=_cut(error.field, MAX_VALUE_BYTES),
        description=_cut(error.description, MAX_DESCRIPTION_BYTES),
        reason=error.reason,
    )
    return [details.BadRequest(field_violations=[violation])]


def _resource(error: errors.NotFound) -> list[Message]:
    return [details.ResourceInfo(resource_type=error.kind, resource_name=_cut(error.name, MAX_VALUE_BYTES))]


def _space_precondition(error: errors.SpaceMismatch) -> list[Message]:
    return [_precondition("SPACE_MISMATCH", error.expected, error.message)]


def _state_precondition(error: errors.Refused) -> list[Message]:
    return [_precondition(error.reason, "", error.message)]


def _precondition(kind: str, subject: str, message: str) -> details.PreconditionFailure:
    violation = details.PreconditionFailure.Violation(
        type=kind, subject=_cut(subject, MAX_VALUE_BYTES), description=_cut(message, MAX_DESCRIPTION_BYTES)
    )
    return details.PreconditionFailure(violations=[violation])


def _retry(milliseconds: int) -> details.RetryInfo:
    retry = details.RetryInfo()
    retry.retry_delay.FromMilliseconds(milliseconds)
    return retry


def _input_error(kind: type[errors.InvalidInput]) -> Callable[[Status, dict[str, str]], VisrecError]:
    def restore(status: Status, _: dict[str, str]) -> VisrecError:
        bad = details.BadRequest()
        if not (_unpack(status, bad) and bad.field_violations):
            return kind("", status.message)
        violation = bad.field_violations[0]
        return kind(violation.field, violation.description)

    return restore


def _not_found(status: Status, _: dict[str, str]) -> VisrecError:
    resource = details.ResourceInfo()
    _unpack(status, resource)
    return errors.NotFound(resource.resource_type or "resource", resource.resource_name)


def _mismatch(_: Status, metadata: dict[str, str]) -> VisrecError:
    return errors.SpaceMismatch(
        metadata.get("expected", ""), metadata.get("given", ""), field=metadata.get("field", "")
    )


def _overloaded(status: Status, _: dict[str, str]) -> VisrecError:
    retry = details.RetryInfo()
    if not _unpack(status, retry):
        return errors.Overloaded(status.message)
    return errors.Overloaded(status.message, retry_after_ms=retry.retry_delay.ToMilliseconds())


def _plain(kind: Callable[[str], VisrecError]) -> Callable[[Status, dict[str, str]], VisrecError]:
    return lambda status, _: kind(status.message)


_RULES: dict[type[VisrecError], _Rule] = {
    errors.InvalidInput: _Rule(grpc.StatusCode.INVALID_ARGUMENT, _bad_request, _input_error(errors.InvalidInput)),
    errors.InvalidPicture: _Rule(grpc.StatusCode.INVALID_ARGUMENT, _bad_request, _input_error(errors.InvalidPicture)),
    errors.NotFound: _Rule(grpc.StatusCode.NOT_FOUND, _resource, _not_found),
    errors.Conflict: _Rule(grpc.StatusCode.ALREADY_EXISTS, _nothing, _plain(errors.Conflict)),
    errors.SpaceMismatch: _Rule(grpc.StatusCode.FAILED_PRECONDITION, _space_precondition, _mismatch),
    errors.Refused: _Rule(grpc.StatusCode.FAILED_PRECONDITION, _state_precondition, _plain(errors.Refused)),
    errors.NotReady: _Rule(
        grpc.StatusCode.UNAVAILABLE, lambda _: [_retry(NOT_READY_RETRY_MS)], _plain(errors.NotReady)
    ),
    errors.Overloaded: _Rule(
        grpc.StatusCode.RESOURCE_EXHAUSTED, lambda error: [_retry(error.retry_after_ms)], _overloaded
    ),
    errors.TooLate: _Rule(grpc.StatusCode.DEADLINE_EXCEEDED, _nothing, _plain(errors.TooLate)),
    errors.NotImplementedYet: _Rule(grpc.StatusCode.UNIMPLEMENTED, _nothing, _plain(errors.NotImplementedYet)),
    errors.Internal: _Rule(grpc.StatusCode.INTERNAL, _nothing, _plain(errors.Internal)),
}

_KINDS = {_kind(error): error for error in _RULES}

_BY_CODE: dict[int, type[VisrecError]] = {rule.code.value[0]: error for error, rule in reversed(_RULES.items())} | {
    # Of the two that share FAILED_PRECONDITION, the general one.
    grpc.StatusCode.FAILED_PRECONDITION.value[0]: errors.Refused
}
