"""What stands around every handler of a service on an event loop: what `guard` is for threads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any, NoReturn, TypeAlias

import grpc

from services import errors
from services.runtime import deadlines, faults
from services.runtime.guard import Handler, behavior_of, handler_like
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import MethodTelemetry, Telemetry

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class AsyncGuard(grpc.GenericRpcHandler):
    """Looks like a server to the servicers that register, and like one generic handler to the real server.

    When `max_waiting_calls` run, the next is answered RESOURCE_EXHAUSTED. A handler is cancelled at its deadline.
    """

    def __init__(self, runtime: RuntimeSettings, telemetry: Telemetry) -> None:
        self._runtime = runtime
        self._telemetry = telemetry
        self._inner: list[grpc.GenericRpcHandler] = []
        self._methods: dict[str, Handler] = {}
        self._running = 0

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """What generated code calls to register a servicer."""
        self._inner.extend(generic_rpc_handlers)

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Any]) -> None:
        """Does nothing: generated code registers the same methods generically."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """The guarded handler of a method, None for a method nobody registered."""
        path = handler_call_details.method
        method = self._methods.get(path)
        if method is None:
            inner = next(filter(None, (handler.service(handler_call_details) for handler in self._inner)), None)
            if inner is None:
                return None
            method = self._methods[path] = self._guarded(inner, self._telemetry.method(path))
        return method

    def _guarded(self, inner: Handler, telemetry: MethodTelemetry) -> Handler:
        behavior = behavior_of(inner)
        streaming = inner.request_streaming or inner.response_streaming
        default_s = self._runtime.stream_deadline_s if streaming else self._runtime.default_deadline_s
        wrap = self._many_answers if inner.response_streaming else self._one_answer
        return handler_like(inner, wrap(behavior, telemetry, default_s))

    def _one_answer(
        self, behavior: Callable[..., Any], telemetry: MethodTelemetry, default_s: float
    ) -> Callable[..., Any]:
        async def call(request: Any, context: Context) -> Any:
            started = time.perf_counter()
            telemetry.began()
            self._running += 1
            try:
                self._admit()
                async with _deadline(context, default_s):
                    response = await behavior(request, context)
            except asyncio.CancelledError:
                telemetry.failed(_why_cancelled(), time.perf_counter() - started)
                raise
            except Exception as problem:  # noqa: BLE001 - the one conversion point: whatever was raised gets a status
                await _abort(problem, context, telemetry, started)
            finally:
                self._running -= 1
            telemetry.succeeded(time.perf_counter() - started)
            return response

        return call

    def _many_answers(
        self, behavior: Callable[..., Any], telemetry: MethodTelemetry, default_s: float
    ) -> Callable[..., Any]:
        async def call(request: Any, context: Context) -> AsyncIterator[Any]:
            started = time.perf_counter()
            telemetry.began()
            self._running += 1
            try:
                self._admit()
                async with _deadline(context, default_s), aclosing(behavior(request, context)) as responses:
                    async for response in responses:
                        yield response
            except (asyncio.CancelledError, GeneratorExit):
                telemetry.failed(_why_cancelled(), time.perf_counter() - started)
                raise
            except Exception as problem:  # noqa: BLE001 - the one conversion point: whatever was raised gets a status
                await _abort(problem, context, telemetry, started)
            finally:
                self._running -= 1
            telemetry.succeeded(time.perf_counter() - started)

        return call

    def _admit(self) -> None:
        if self._running > self._runtime.max_waiting_calls:
            raise errors.Overloaded("too many calls run already")


def _deadline(context: Context, default_s: float) -> asyncio.Timeout:
    """gRPC cancels the handler at the deadline that the caller gave; the default one is ours to keep."""
    left: float | None = context.time_remaining()
    deadlines.begin(default_s if left is None else left)
    return asyncio.timeout(default_s if left is None else None)


def _why_cancelled() -> grpc.StatusCode:
    left = deadlines.remaining_s()
    late = left is not None and left <= 0
    return grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED


async def _abort(problem: Exception, context: Context, telemetry: MethodTelemetry, started: float) -> NoReturn:
    """Ends the call with the status of `problem`. Raises, as gRPC wants it."""
    left = deadlines.remaining_s()
    if isinstance(problem, TimeoutError) and left is not None and left <= 0:
        problem = errors.TooLate("the deadline of this call has passed")
    fault = faults.fault_of(problem)
    status, code = faults.status_of(fault), faults.code_of(fault)
    telemetry.failed(code, time.perf_counter() - started, fault)
    await context.abort(code, status.message, faults.trailers_of(status))
    raise AssertionError("abort returned")
