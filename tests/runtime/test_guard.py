"""How a call that was given up is counted."""

from __future__ import annotations

from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, cast

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from services import errors
from services.runtime.guard import Guard
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from tests.runtime.toy import SERVICE, Toy, sync_app


class Aborted(Exception):
    """What gRPC raises when a handler ends its call."""


@dataclass
class Call:
    """A call as a handler sees it, as far as the guard looks."""

    active: bool
    left_s: float
    method: str = f"/{SERVICE}/Fail"
    invocation_metadata: tuple[Any, ...] = ()

    def is_active(self) -> bool:
        return self.active

    def time_remaining(self) -> float:
        return self.left_s

    def set_trailing_metadata(self, _: object) -> None:
        """Nobody reads it."""

    def abort(self, code: grpc.StatusCode, _: str) -> None:
        raise Aborted(code)


@pytest.mark.parametrize(
    ("problem", "active", "left_s", "code"),
    [
        (errors.TooLate("gone"), False, 5.0, "CANCELLED"),
        (errors.TooLate("late"), False, 0.0, "DEADLINE_EXCEEDED"),
        (errors.TooLate("late"), True, 5.0, "DEADLINE_EXCEEDED"),
        (errors.NotReady("not now"), False, 5.0, "UNAVAILABLE"),
    ],
)
def test_what_is_given_up_because_the_caller_left_counts_as_cancelled(
    problem: errors.VisrecError, active: bool, left_s: float, code: str, runtime: RuntimeSettings
) -> None:
    app = sync_app(Toy(problem=problem))
    telemetry = Telemetry()
    guard = Guard(app, runtime, telemetry)
    app.register(guard)  # type: ignore[arg-type] # it looks like a server
    call = Call(active, left_s)
    handler = guard.service(call)
    assert handler is not None
    assert handler.unary_unary is not None
    with pytest.raises(Aborted):
        # A deadline begins, in a context of its own as gRPC's threads have one.
        copy_context().run(handler.unary_unary, StringValue().SerializeToString(), cast("grpc.ServicerContext", call))
    labels = {"grpc_service": SERVICE, "grpc_method": "Fail", "grpc_code": code}
    assert telemetry.registry.get_sample_value("grpc_server_handled_total", labels) == 1
    guard.close()
