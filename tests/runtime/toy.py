"""A toy service of generic handlers, sync and asyncio: its requests and answers are google.protobuf wrappers.

Echo answers what it got; Wait waits for a gate; Fail raises what it is told to; Count streams; Left tells its deadline.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
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


def sync_app(toy: Toy, **options: Any) -> SyncApp:
    """The toy on threads."""

    def fail(_: StringValue, __: grpc.ServicerContext) -> StringValue:
        raise toy.problem

    def wait(request: StringValue, _: grpc.ServicerContext) -> StringValue:
        toy.arrived.release()
        toy.gate.wait(30)
        return request

    def count(request: Int64Value, _: grpc.ServicerContext) -> Iterator[Int64Value]:
        for number in range(request.value):
            yield Int64Value(value=number)
        if request.value > 100:
            raise toy.problem

    def total(requests: Iterator[Int64Value], _: grpc.ServicerContext) -> Int64Value:
        return Int64Value(value=sum(request.value for request in requests))

    def left(_: StringValue, __: grpc.ServicerContext) -> DoubleValue:
        return DoubleValue(value=deadlines.remaining_s())

    behaviors = {"Echo": lambda request, _: request, "Fail": fail, "Wait": wait, "Left": left}
    return SyncApp(
        services=(SERVICE,),
        register=lambda server: server.add_generic_rpc_handlers((_handlers(behaviors, count, total),)),
        canary=toy.canary,
        close=toy.close,
        **options,
    )


def async_app(toy: Toy) -> AsyncApp:
    """The toy on an event loop."""

    async def echo(request: StringValue, _: Any) -> StringValue:
        return request

    async def fail(_: StringValue, __: Any) -> StringValue:
        raise toy.problem

    async def wait(request: StringValue, _: Any) -> StringValue:
        toy.arrived.release()
        try:
            await asyncio.to_thread(toy.gate.wait, 30)
        except asyncio.CancelledError:
            toy.cancelled.set()
            raise
        return request

    async def count(request: Int64Value, _: Any) -> AsyncIterator[Int64Value]:
        for number in range(request.value):
            yield Int64Value(value=number)
        if request.value > 100:
            raise toy.problem

    async def total(requests: AsyncIterator[Int64Value], _: Any) -> Int64Value:
        return Int64Value(value=sum([request.value async for request in requests]))

    async def left(_: StringValue, __: Any) -> DoubleValue:
        return DoubleValue(value=deadlines.remaining_s())

    async def canary() -> None:
        toy.canary()

    async def close() -> None:
        toy.close()

    behaviors = {"Echo": echo, "Fail": fail, "Wait": wait, "Left": left}
    return AsyncApp(
        services=(SERVICE,),
        register=lambda server: server.add_generic_rpc_handlers((_handlers(behaviors, count, total),)),
        canary=canary,
        close=close,
    )


def _handlers(behaviors: dict[str, Callable[..., Any]], count: Any, total: Any) -> grpc.GenericRpcHandler:
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(behavior, StringValue.FromString, _serialize)
        for name, behavior in behaviors.items()
    }
    handlers["Count"] = grpc.unary_stream_rpc_method_handler(count, Int64Value.FromString, _serialize)
    handlers["Total"] = grpc.stream_unary_rpc_method_handler(total, Int64Value.FromString, _serialize)
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
