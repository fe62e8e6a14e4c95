"""A toy service of generic handlers, sync and asyncio: its requests and answers are google.protobuf wrappers.

Echo answers what it got; Wait waits for a gate; Fail raises what it is told to; Left tells its deadline; Count streams
numbers, and fails behind the hundredth; Total adds them up.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.wrappers_pb2 import DoubleValue, Int64Value, StringValue

from services.runtime import deadlines
from services.runtime.app import AsyncApp, SyncApp

SERVICE = "toy.Toy"


@dataclass
class Toy:
    """What the test sees and steers. `problem` is raised by Fail; `gate` lets Wait go on; `arrived` counts the calls
    that wait there.
    """

    problem: Exception = field(default_factory=lambda: ValueError("a secret"))
    canary_problem: Exception | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    cancelled: threading.Event = field(default_factory=threading.Event)
    closed: bool = False

    def canary(self) -> None:
        """Raises `canary_problem`, if any."""
        if self.canary_problem:
            raise self.canary_problem

    def close(self) -> None:
        """Remembers that it was called."""
        self.closed = True


class SyncToy:
    """The toy's handlers for threads."""

    def __init__(self, toy: Toy) -> None:
        self._toy = toy

    def echo(self, request: StringValue, _: Any) -> StringValue:
        return request

    def fail(self, _: StringValue, __: Any) -> StringValue:
        raise self._toy.problem

    def wait(self, request: StringValue, _: Any) -> StringValue:
        self._toy.arrived.release()
        self._toy.gate.wait(30)
        return request

    def left(self, _: StringValue, __: Any) -> DoubleValue:
        return DoubleValue(value=deadlines.remaining_s() or 0)

    def count(self, request: Int64Value, _: Any) -> Iterator[Int64Value]:
        for number in range(request.value):
            yield Int64Value(value=number)
        if request.value > 100:
            raise self._toy.problem

    def total(self, requests: Iterator[Int64Value], _: Any) -> Int64Value:
        return Int64Value(value=sum(request.value for request in requests))


class AsyncToy:
    """The toy's handlers for an event loop."""

    def __init__(self, toy: Toy) -> None:
        self._toy = toy

    async def echo(self, request: StringValue, _: Any) -> StringValue:
        return request

    async def fail(self, _: StringValue, __: Any) -> StringValue:
        raise self._toy.problem

    async def wait(self, request: StringValue, _: Any) -> StringValue:
        self._toy.arrived.release()
        try:
            await asyncio.to_thread(self._toy.gate.wait, 30)
        except asyncio.CancelledError:
            self._toy.cancelled.set()
            self._toy.gate.set()  # the thread must not outlive the call
            raise
        return request

    async def left(self, _: StringValue, __: Any) -> DoubleValue:
        return DoubleValue(value=deadlines.remaining_s() or 0)

    async def count(self, request: Int64Value, _: Any) -> AsyncIterator[Int64Value]:
        for number in range(request.value):
            yield Int64Value(value=number)
        if request.value > 100:
            raise self._toy.problem

    async def total(self, requests: AsyncIterator[Int64Value], _: Any) -> Int64Value:
        return Int64Value(value=sum([request.value async for request in requests]))


def sync_app(toy: Toy, **options: Any) -> SyncApp:
    """The toy on threads."""
    handler = _handler(SyncToy(toy))
    return SyncApp(
        services=(SERVICE,),
        register=lambda server: server.add_generic_rpc_handlers((handler,)),
        canary=toy.canary,
        close=toy.close,
        **options,
    )


def async_app(toy: Toy) -> AsyncApp:
    """The toy on an event loop."""
    handler = _handler(AsyncToy(toy))

    async def canary() -> None:
        toy.canary()

    async def close() -> None:
        toy.close()

    return AsyncApp(
        services=(SERVICE,),
        register=lambda server: server.add_generic_rpc_handlers((handler,)),
        canary=canary,
        close=close,
    )


def _handler(toy: Any) -> grpc.GenericRpcHandler:
    text: Any = StringValue.FromString
    number: Any = Int64Value.FromString
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        name: grpc.unary_unary_rpc_method_handler(getattr(toy, name.lower()), text, _serialize)
        for name in ("Echo", "Fail", "Wait", "Left")
    }
    handlers["Count"] = grpc.unary_stream_rpc_method_handler(toy.count, number, _serialize)
    handlers["Total"] = grpc.stream_unary_rpc_method_handler(toy.total, number, _serialize)
    return grpc.method_handlers_generic_handler(SERVICE, handlers)


def _serialize(message: Any) -> bytes:
    data: bytes = message.SerializeToString()
    return data


class ToyStub:
    """What protoc would have generated, over any channel."""

    def __init__(self, channel: Any) -> None:
        text = (_serialize, StringValue.FromString)
        self.echo = channel.unary_unary(f"/{SERVICE}/Echo", *text)
        self.fail = channel.unary_unary(f"/{SERVICE}/Fail", *text)
        self.wait = channel.unary_unary(f"/{SERVICE}/Wait", *text)
        self.left = channel.unary_unary(f"/{SERVICE}/Left", _serialize, DoubleValue.FromString)
        self.count = channel.unary_stream(f"/{SERVICE}/Count", _serialize, Int64Value.FromString)
        self.total = channel.stream_unary(f"/{SERVICE}/Total", _serialize, Int64Value.FromString)
        self.raw = channel.unary_unary(f"/{SERVICE}/Echo")
        self.unknown = channel.unary_unary(f"/{SERVICE}/Unknown", *text)
