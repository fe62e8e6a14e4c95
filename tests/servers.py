"""Starts a service's app in this process, on a free port, with a real channel to it. For the tests of all services.

    with serving(app, runtime) as served:
        stub = IndexerServiceStub(served.channel)

    async with serving_async(app, runtime) as served:
        stub = RankerServiceStub(served.channel)

    with serving_on_a_loop(build, runtime) as served:      # an asyncio app, for a test on threads
        stub = RankerServiceStub(served.channel)

The channels are plain gRPC ones, so a failed call raises grpc.RpcError with its status, which `fault` reads.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.errors import VisrecError
from services.runtime.app import AsyncApp, SyncApp
from services.runtime.faults import error_from_rpc
from services.runtime.server import AsyncServer, SyncServer
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry

READY_S = 30.0
"""A service under test must be ready by then; a bound for what hangs, not a measure."""

AnyChannel = TypeVar("AnyChannel", grpc.Channel, grpc.aio.Channel)


@dataclass
class Served(Generic[AnyChannel]):
    """A running server: its port, its gRPC target, an open channel to it, its metrics."""

    port: int
    channel: AnyChannel
    telemetry: Telemetry
    target: str = field(init=False)

    def __post_init__(self) -> None:
        self.target = f"127.0.0.1:{self.port}"


def fault(failure: grpc.RpcError) -> VisrecError:
    """The error of the family that a status carries, with its details."""
    return error_from_rpc(failure, "the service under test")


def options(runtime: RuntimeSettings) -> list[tuple[str, int]]:
    """A test may send more than the server takes."""
    return [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", runtime.max_message_bytes)]


@contextmanager
def serving(app: SyncApp, runtime: RuntimeSettings, *, ready: bool = True) -> Iterator[Served[grpc.Channel]]:
    """A sync app from its first successful canary (`ready`) to its drain."""
    telemetry = Telemetry()
    server = SyncServer(app, runtime, telemetry, port=0)
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}", options(runtime)) as channel:
            if ready:
                await_serving(channel)
            yield Served(server.port, channel, telemetry)
    finally:
        server.drain()


@asynccontextmanager
async def serving_async(
    app: AsyncApp, runtime: RuntimeSettings, *, ready: bool = True
) -> AsyncIterator[Served[grpc.aio.Channel]]:
    """An asyncio app from its first successful canary (`ready`) to its drain."""
    telemetry = Telemetry()
    server = AsyncServer(app, runtime, telemetry, port=0)
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", options(runtime)) as channel:
            if ready:
                await await_serving_async(channel)
            yield Served(server.port, channel, telemetry)
    finally:
        await server.drain()


@contextmanager
def serving_on_a_loop(
    build: Callable[[], Awaitable[AsyncApp]], runtime: RuntimeSettings
) -> Iterator[Served[grpc.Channel]]:
    """An asyncio app on a loop in a thread of its own, with a channel for this thread. `build` runs on that loop."""
    started: Future[tuple[int, Telemetry, Callable[[], object]]] = Future()

    async def run() -> None:
        telemetry = Telemetry()
        try:
            server = AsyncServer(await build(), runtime, telemetry, port=0)
            await server.start()
        except BaseException as problem:
            started.set_exception(problem)
            raise
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        started.set_result((server.port, telemetry, lambda: loop.call_soon_threadsafe(stop.set)))
        await stop.wait()
        await server.drain()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    port, telemetry, end = started.result(READY_S)
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}", options(runtime)) as channel:
            await_serving(channel)
            yield Served(port, channel, telemetry)
    finally:
        end()
        thread.join(READY_S)


def await_serving(channel: grpc.Channel, service: str = "", timeout_s: float = READY_S) -> None:
    """Watches health until it says SERVING. Raises grpc.RpcError (DEADLINE_EXCEEDED) when it never does."""
    watch = health_pb2_grpc.HealthStub(channel).Watch(
        health_pb2.HealthCheckRequest(service=service), timeout=timeout_s, wait_for_ready=True
    )
    for answer in watch:
        if answer.status == health_pb2.HealthCheckResponse.SERVING:
            break
    watch.cancel()


async def await_serving_async(channel: grpc.aio.Channel, service: str = "", timeout_s: float = READY_S) -> None:
    """The same on a loop."""
    watch = health_pb2_grpc.HealthStub(channel).Watch(
        health_pb2.HealthCheckRequest(service=service), timeout=timeout_s, wait_for_ready=True
    )
    async for answer in watch:
        if answer.status == health_pb2.HealthCheckResponse.SERVING:
            break
    watch.cancel()
