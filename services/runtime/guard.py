"""What stands around every handler of a service on threads: metrics, deadline, errors, and a place in a bounded queue.

Handlers are wrapped once each, not by interceptors at every call: that is cheaper, and health stays outside by itself.
`guard_async` is the same on an event loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from threading import Timer
from typing import Any, NoReturn, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from services import errors
from services.runtime import deadlines, faults
from services.runtime.app import SyncApp
from services.runtime.pool import OnPool, Pool
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import MethodTelemetry, Telemetry

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

MAX_REFUSALS = 64
"""Refusals that may wait to be sent. Beyond them gRPC refuses by itself, at once and without details."""


class Written(bytes):
    """An answer that is written down already, as the message of its RPC: it is sent as it is."""


@dataclass(frozen=True)
class _Method:
    handler: Handler
    refusal: Handler
    pool: Pool


class Guard(grpc.GenericRpcHandler):
    """Looks like a server to the servicers that register, and like one generic handler to the real server.

    Unary calls run on the app's `threads`; streams and its `long_methods` on threads of their own. When
    `max_waiting_calls` wait or run in one of the two, the next is answered RESOURCE_EXHAUSTED without being read. The
    server itself should let in no more than `most_calls` at a time.
    """

    def __init__(self, app: SyncApp, runtime: RuntimeSettings, telemetry: Telemetry) -> None:
        self._runtime = runtime
        self._telemetry = telemetry
        self._long_methods = app.long_methods
        self._quick = Pool("quick", app.threads)
        self._long = Pool("long", app.long_threads)
        self._refusals = Pool("refusal", 1)
        self._inner: list[grpc.GenericRpcHandler] = []
        self._methods: dict[str, _Method] = {}

    @property
    def most_calls(self) -> int:
        """Those in the two queues, and the refusals."""
        return 2 * self._runtime.max_waiting_calls + MAX_REFUSALS

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """What generated code calls to register a servicer."""
        self._inner.extend(generic_rpc_handlers)

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Any]) -> None:
        """Does nothing: generated code registers the same methods generically, and only those are looked up at each
        call, which is where a call is let in or refused.
        """

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """The guarded handler of a method, a refusal when its queue is full, None for a method nobody registered."""
        method = self._methods.get(handler_call_details.method) or self._adopt(handler_call_details)
        if method is None:
            return None
        return method.handler if method.pool.occupied < self._runtime.max_waiting_calls else method.refusal

    def close(self) -> None:
        """Ends the threads. The server must have stopped."""
        self._quick.shutdown(wait=False, cancel_futures=True)
        self._long.shutdown(wait=False, cancel_futures=True)
        self._refusals.shutdown(wait=False, cancel_futures=True)

    def _adopt(self, call: grpc.HandlerCallDetails) -> _Method | None:
        inner = next(filter(None, (handler.service(call) for handler in self._inner)), None)
        if inner is None:
            return None
        streaming = inner.request_streaming or inner.response_streaming
        slow = streaming or call.method.rpartition("/")[2] in self._long_methods
        pool = self._long if slow else self._quick
        telemetry = self._telemetry.method(call.method)
        default_s = self._runtime.stream_deadline_s if streaming else self._runtime.default_deadline_s
        method = _Method(_guarded(inner, pool, telemetry, default_s), _refusal(telemetry, self._refusals), pool)
        self._methods[call.method] = method
        return method


def _guarded(inner: Handler, pool: Pool, telemetry: MethodTelemetry, default_s: float) -> Handler:
    behavior = behavior_of(inner)
    if inner.response_streaming:
        behavior = _many_answers(behavior, telemetry, default_s)
    else:
        behavior = _ending(behavior, default_s) if inner.request_streaming else behavior
        behavior = _one_answer(behavior, telemetry, default_s)
    return handler_like(inner, OnPool(behavior, pool))


def behavior_of(inner: Handler) -> Callable[..., Any]:
    """The handler's function, with a unary request parsed inside of the guard: gRPC itself calls a request that is
    malformed an internal error.
    """
    behavior = inner.unary_unary or inner.unary_stream or inner.stream_unary or inner.stream_stream
    assert behavior is not None  # one of the four is what makes it a handler
    if inner.request_streaming or inner.request_deserializer is None:
        return behavior
    parse = inner.request_deserializer

    def call(raw: bytes, context: Any) -> Any:
        try:
            request = parse(raw)
        except DecodeError as problem:
            raise errors.InvalidInput("", "the bytes are not the request message", reason="MALFORMED") from problem
        return behavior(request, context)

    return call


def handler_like(inner: Handler, behavior: Callable[..., Any]) -> Handler:
    """A handler of the same arity whose function is `behavior`, to which a unary request comes as bytes."""
    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[inner.request_streaming, inner.response_streaming]
    parse = inner.request_deserializer if inner.request_streaming else None
    handler: Handler = make(behavior, parse, _written(inner.response_serializer))
    return handler


def _written(serialize: Callable[[Any], bytes] | None) -> Callable[[Any], bytes] | None:
    if serialize is None:
        return None
    # gRPC sends nothing but bytes themselves.
    return lambda answer: bytes(answer) if type(answer) is Written else serialize(answer)


def _one_answer(behavior: Callable[..., Any], telemetry: MethodTelemetry, default_s: float) -> Callable[..., Any]:
    def call(request: Any, context: grpc.ServicerContext) -> Any:
        started = time.perf_counter()
        telemetry.began()
        try:
            _begin_deadline(context, default_s)
            response = behavior(request, context)
        except Exception as problem:  # noqa: BLE001 - the one conversion point: whatever was raised gets a status
            _abort(problem, context, telemetry, started)
        telemetry.succeeded(time.perf_counter() - started)
        return response

    return call


def _many_answers(behavior: Callable[..., Any], telemetry: MethodTelemetry, default_s: float) -> Callable[..., Any]:
    def call(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        started = time.perf_counter()
        telemetry.began()
        end = _end_of_stream(context, default_s)
        try:
            _begin_deadline(context, default_s)
            yield from behavior(request, context)
        except GeneratorExit:  # the caller went away, nobody reads on
            telemetry.failed(grpc.StatusCode.CANCELLED, time.perf_counter() - started)
            raise
        except Exception as problem:  # noqa: BLE001 - the one conversion point: whatever was raised gets a status
            _abort(problem, context, telemetry, started)
        finally:
            end.cancel()
        telemetry.succeeded(time.perf_counter() - started)

    return call


def _ending(behavior: Callable[..., Any], default_s: float) -> Callable[..., Any]:
    def call(requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        end = _end_of_stream(context, default_s)
        try:
            return behavior(requests, context)
        finally:
            end.cancel()

    return call


def _begin_deadline(context: grpc.ServicerContext, default_s: float) -> None:
    """Raises TooLate for a call that waited in the queue until its time was up."""
    left = context.time_remaining()
    deadlines.begin(default_s if left > deadlines.NO_DEADLINE_S else left)
    deadlines.check()


def _end_of_stream(context: grpc.ServicerContext, default_s: float) -> Timer:
    """Cancels a stream whose caller gave no deadline and went silent: its thread waits in the request iterator, where
    only a cancelled call wakes it.
    """
    timer = Timer(default_s, context.cancel)
    timer.daemon = True
    if context.time_remaining() > deadlines.NO_DEADLINE_S:
        timer.start()
    return timer


def _abort(problem: Exception, context: grpc.ServicerContext, telemetry: MethodTelemetry, started: float) -> NoReturn:
    """Ends the call with the status of `problem`. Raises, as gRPC wants it."""
    seconds = time.perf_counter() - started
    if isinstance(problem, grpc.RpcError):  # gRPC's own sign to a reader of requests that the caller cancelled
        telemetry.failed(grpc.StatusCode.CANCELLED, seconds)
        raise problem
    fault = faults.fault_of(problem)
    status, code = faults.status_of(fault), faults.code_of(fault)
    left = isinstance(fault, errors.TooLate) and not context.is_active() and context.time_remaining() > 0
    # A handler gives up what nobody waits for; nothing was late then.
    telemetry.failed(grpc.StatusCode.CANCELLED if left else code, seconds, fault)
    context.set_trailing_metadata(faults.trailers_of(status))
    context.abort(code, status.message)


def _refusal(telemetry: MethodTelemetry, pool: Pool) -> Handler:
    """Refuses before the request is read, so it is made as a stream, whatever the method is: the caller cannot tell."""

    def refuse(_: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        telemetry.began()
        _abort(errors.Overloaded("too many calls wait already"), context, telemetry, time.perf_counter())

    return grpc.stream_stream_rpc_method_handler(OnPool(refuse, pool))
