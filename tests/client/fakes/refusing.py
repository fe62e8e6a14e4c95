"""Ending a call as the services do."""

from __future__ import annotations

from typing import NoReturn

import grpc
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2


def status_of(
    code: grpc.StatusCode, message: str, reason: str, *, at: str = "", retry_after_ms: int = 0
) -> status_pb2.Status:
    """A status with the details that the contract promises; `at` is the path of a wrong field."""
    status = status_pb2.Status(code=int(code.value[0]), message=message)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain="visrec", metadata={"hint": "yes"}))
    if at:
        violation = error_details_pb2.BadRequest.FieldViolation(field=at, description=message)
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    if retry_after_ms:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(retry_after_ms)
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def refuse(context: grpc.ServicerContext, status: status_pb2.Status) -> NoReturn:
    """End a call as the services do: the details in the trailer, as grpc-status puts them there."""
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
    context.abort(code, status.message)


def not_found(context: grpc.ServicerContext, kind: str, name: str) -> NoReturn:
    refuse(
        context, status_of(grpc.StatusCode.NOT_FOUND, f"{kind} {name!r} does not exist", f"{kind}_NOT_FOUND".upper())
    )
