"""Health v1, which follows a canary: SERVING only while a small piece of the real work succeeds.

Check and Watch are answered outside of the guard. A watcher holds no thread, and is told when the server drains.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from grpc_health.v1 import health_pb2

from services.runtime.pool import OnPool

SERVICE = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN

Send = Callable[[health_pb2.HealthCheckResponse | None], None]


class Board:
    """What health says of every service of the server, and of the whole as "".

    Of itself it says SERVING for as long as it can answer: that is what a liveness probe asks, since a restart cures a
    process that hangs, and not one whose Redis is away.
    """

    def __init__(self, services: Iterable[str]) -> None:
        self.services = frozenset(("", *services))
        self.serving = False

    def status(self, service: str) -> health_pb2.HealthCheckResponse:
        """The answer for `service`; SERVICE_UNKNOWN for one that is not here."""
        if service == SERVICE:
            return health_pb2.HealthCheckResponse(status=SERVING)
        if service not in self.services:
            return health_pb2.HealthCheckResponse(status=UNKNOWN)
        return health_pb2.HealthCheckResponse(status=SERVING if self.serving else NOT_SERVING)

    def all(self) -> health_pb2.HealthListResponse:
        """The answer to List."""
        return health_pb2.HealthListResponse(statuses={service: self.status(service) for service in self.services})


class _Watcher:
    """One open Watch. Sending waits for gRPC's own thread, and that thread calls `Health._forget`: so nothing is sent
    under the lock of `Health`, and the status is read under the watcher's own, whose last word is then the latest.
    """

    def __init__(self, board: Board, service: str, send: Send) -> None:
        self._board, self._service, self._send = board, service, send
        self._lock = threading.Lock()
        self._told: int | None = None
        self._ended = False

    def tell(self) -> None:
        """Sends the status when it is news to this watcher."""
        with self._lock:
            answer = self._board.status(self._service)
            if answer.status != self._told and not self._ended:
                self._told = answer.status
                self._send(answer)

    def end(self) -> None:
        """Ends the stream."""
        with self._lock:
            if not self._ended:
                self._ended = True
                self._send(None)


class Health:
    """The servicer for a server on threads. `set` and `close` may be called from any thread."""

    def __init__(self, services: Iterable[str], pool: ThreadPoolExecutor) -> None:
        self._board = Board(services)
        self._pool = pool
        self._lock = threading.Lock()
        self._watchers: set[_Watcher] = set()
        self._closed = False

    def handler(self) -> grpc.GenericRpcHandler:
        """What the server registers."""
        return _handler(
            check=OnPool(self._check, self._pool),
            every=OnPool(lambda _, __: self._board.all(), self._pool),
            watch=OnPool(self._watch, self._pool, non_blocking=True),
        )

    def set(self, serving: bool) -> None:
        """Tells every watcher when this is news. Ignored after `close`."""
        with self._lock:
            self._board.serving = serving and not self._closed
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher.tell()

    def close(self) -> None:
        """NOT_SERVING for good; the watches end, so that none holds the drain up."""
        with self._lock:
            self._closed = True
        self.set(False)
        with self._lock:
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher.end()

    def _check(self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext) -> Any:
        status = self._board.status(request.service)
        if status.status == UNKNOWN:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no service {request.service[:100]!r} here")
        return status

    def _watch(self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext, send: Send) -> None:
        watcher = _Watcher(self._board, request.service, send)
        with self._lock:
            self._watchers.add(watcher)
            closed = self._closed
        context.add_callback(lambda: self._forget(watcher))
        watcher.tell()
        if closed:
            watcher.end()

    def _forget(self, watcher: _Watcher) -> None:
        with self._lock:
            self._watchers.discard(watcher)


class AsyncHealth:
    """The servicer for a server on an event loop. Everything runs on that loop."""

    def __init__(self, services: Iterable[str]) -> None:
        self._board = Board(services)
        self._changed = asyncio.Condition()
        self._closed = False

    def handler(self) -> grpc.GenericRpcHandler:
        """What the server registers."""
        return _handler(check=self._check, every=self._list, watch=self._watch)

    async def set(self, serving: bool) -> None:
        """As `Health.set`."""
        async with self._changed:
            self._board.serving = serving and not self._closed
            self._changed.notify_all()

    async def close(self) -> None:
        """As `Health.close`."""
        self._closed = True
        await self.set(False)

    async def _check(self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        status = self._board.status(request.service)
        if status.status == UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no service {request.service[:100]!r} here")
        return status

    async def _list(self, _: Any, __: Any) -> health_pb2.HealthListResponse:
        return self._board.all()

    async def _watch(
        self, request: health_pb2.HealthCheckRequest, _: Any
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        told = self._board.status(request.service)
        yield told
        while not self._closed:
            told = await self._news(request.service, told)
            yield told

    async def _news(self, service: str, told: health_pb2.HealthCheckResponse) -> health_pb2.HealthCheckResponse:
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or self._board.status(service) != told)
        return self._board.status(service)


def _handler(check: Callable[..., Any], every: Callable[..., Any], watch: Callable[..., Any]) -> grpc.GenericRpcHandler:
    ask, answer = health_pb2.HealthCheckRequest.FromString, health_pb2.HealthCheckResponse.SerializeToString
    methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Check": grpc.unary_unary_rpc_method_handler(check, ask, answer),
        "List": grpc.unary_unary_rpc_method_handler(
            every, health_pb2.HealthListRequest.FromString, health_pb2.HealthListResponse.SerializeToString
        ),
        "Watch": grpc.unary_stream_rpc_method_handler(watch, ask, answer),
    }
    handler: grpc.GenericRpcHandler = grpc.method_handlers_generic_handler(SERVICE, methods)
    return handler
