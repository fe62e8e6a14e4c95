"""What a failed call says, with its google.rpc details decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

_CODES = {int(code.value[0]): code for code in grpc.StatusCode}
_DETAILS_TRAILER = "grpc-status-details-bin"


@dataclass(frozen=True)
class FieldViolation:
    """One wrong field of a request: its path in the message, such as `items[3].photos[0]`, and what is wrong."""

    field: str
    description: str


@dataclass
class VisrecCallError(Exception):
    """A call, or one element of a bulk call, that failed.

    code           the gRPC status code.
    message        for people.
    reason         UPPER_SNAKE, for programs; empty when the call never reached a service.
    violations     the fields that were wrong, when code is INVALID_ARGUMENT.
    retry_after_s  seconds to wait before the same call may succeed; None: the service did not say.
    metadata       short strings that belong to the reason, such as the two spaces of a SPACE_MISMATCH.
    service        which of the four a whole call went to, such as `ranker`, and
    target         its gRPC target; both are empty for one element of a bulk call.
    """

    code: grpc.StatusCode
    message: str
    reason: str = ""
    violations: tuple[FieldViolation, ...] = ()
    retry_after_s: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    service: str = ""
    target: str = ""

    def __str__(self) -> str:
        return f"{self.code.name}{f' ({self.reason})' if self.reason else ''}: {self.message}"

    @property
    def may_pass(self) -> bool:
        """Whether the same call may succeed later without being changed."""
        return self.code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED}

    @classmethod
    def from_rpc(cls, error: grpc.RpcError, service: str = "", target: str = "") -> VisrecCallError:
        """The error of a whole call to `service` at `target`. Details that cannot be read count as absent: its status
        holds."""
        trailers = {datum.key: datum.value for datum in error.trailing_metadata() or ()}
        details = trailers.get(_DETAILS_TRAILER, b"")
        status = status_pb2.Status()
        try:
            status.MergeFromString(details)
        except DecodeError:
            status.Clear()
        status.code = int(_code_of(error).value[0])
        status.message = error.details() or status.message
        return replace(cls.from_status(status), service=service, target=target)

    @classmethod
    def from_status(cls, status: status_pb2.Status) -> VisrecCallError:
        """The error in a `google.rpc.Status`, such as one element's of a bulk call. Its code must not be OK."""
        info, bad, retry = _details(status)
        return cls(
            code=_CODES.get(status.code, grpc.StatusCode.UNKNOWN),
            message=status.message,
            reason=info.reason,
            violations=tuple(FieldViolation(each.field, each.description) for each in bad.field_violations),
            retry_after_s=retry.retry_delay.ToTimedelta().total_seconds() if retry.HasField("retry_delay") else None,
            metadata=dict(info.metadata),
        )


def _code_of(error: grpc.RpcError) -> grpc.StatusCode:
    """gRPC tells of a deadline that passed while the connection was made as UNKNOWN: Stream removed (Deadline …)."""
    code: grpc.StatusCode = error.code()
    if code is grpc.StatusCode.UNKNOWN and "deadline exceeded" in (error.details() or "").lower():
        return grpc.StatusCode.DEADLINE_EXCEEDED
    return code


_Details = tuple[error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo]


def _details(status: status_pb2.Status) -> _Details:
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    known: tuple[Message, ...] = (info, bad, retry)
    for packed in status.details:
        for message in known:
            packed.Unpack(message)
    return info, bad, retry
