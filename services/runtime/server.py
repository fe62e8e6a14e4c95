"""A service's server: the guarded servicers, health, reflection, and a clean end."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from services.runtime import canary, health
from services.runtime.app import AsyncApp, SyncApp
from services.runtime.guard import Guard
from services.runtime.guard_async import AsyncGuard
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from services.runtime.transport import bind, server_options

DOOR_THREADS = 4
"""For health, which is never behind the service's own work."""


class SyncServer:
    """A service on threads. Raises InvalidInput when the port or the settings are wrong."""

    def __init__(self, app: SyncApp, runtime: RuntimeSettings, telemetry: Telemetry, port: int) -> None:
        self._app = app
        self._drain_s = runtime.drain_s
        self._telemetry = telemetry
        self._door = ThreadPoolExecutor(DOOR_THREADS, thread_name_prefix="door")
        self._guard = Guard(app, runtime, telemetry)
        self._server = grpc.server(
            self._door, options=server_options(runtime), maximum_concurrent_rpcs=self._guard.most_calls
        )
        self._health = health.Health(app.services, self._door)
        self._canary = canary.CanaryThread(app.canary, self._tell, runtime)
        self._register(runtime.reflection)
        self.port = bind(self._server, runtime, port)

    def start(self) -> None:
        """Answers calls from here on; health says SERVING after the first canary that succeeds."""
        self._server.start()
        self._canary.start()

    def drain(self) -> None:
        """Health down, no new calls, the running ones finish or are cancelled after `drain_s`, then the app closes."""
        self._canary.stop()
        self._health.close()
        self._telemetry.serving(False)
        self._server.stop(self._drain_s).wait()
        self._guard.close()
        self._door.shutdown(wait=False)
        self._app.close()

    def _tell(self, serving: bool) -> None:
        self._health.set(serving)
        self._telemetry.serving(serving)

    def _register(self, reflected: bool) -> None:
        as_server = cast("grpc.Server", self._guard)
        self._app.register(as_server)
        if reflected:
            names = (*self._app.services, health.SERVICE, reflection.SERVICE_NAME)
            reflection_pb2_grpc.add_ServerReflectionServicer_to_server(reflection.ReflectionServicer(names), as_server)
        self._server.add_generic_rpc_handlers((self._health.handler(), self._guard))


class AsyncServer:
    """A service on the running event loop. Raises InvalidInput when the port or the settings are wrong."""

    def __init__(self, app: AsyncApp, runtime: RuntimeSettings, telemetry: Telemetry, port: int) -> None:
        self._app = app
        self._runtime = runtime
        self._telemetry = telemetry
        self._server = grpc.aio.server(options=server_options(runtime))
        self._health = health.AsyncHealth(app.services)
        self._canary: asyncio.Task[None] | None = None
        self._register(runtime.reflection)
        self.port = bind(self._server, runtime, port)

    async def start(self) -> None:
        """As `SyncServer.start`."""
        await self._server.start()
        self._canary = asyncio.create_task(canary.sing(self._app.canary, self._tell, self._runtime))

    async def drain(self) -> None:
        """As `SyncServer.drain`."""
        if self._canary:
            self._canary.cancel()
            await asyncio.wait([self._canary])
        await self._health.close()
        self._telemetry.serving(False)
        await self._server.stop(self._runtime.drain_s)
        await self._app.close()

    async def _tell(self, serving: bool) -> None:
        await self._health.set(serving)
        self._telemetry.serving(serving)

    def _register(self, reflected: bool) -> None:
        guard = AsyncGuard(self._runtime, self._telemetry)
        as_server = cast("grpc.aio.Server", guard)
        self._app.register(as_server)
        if reflected:
            names = (*self._app.services, health.SERVICE, reflection.SERVICE_NAME)
            servicer = reflection.aio.ReflectionServicer(names)
            reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, as_server)
        self._server.add_generic_rpc_handlers((self._health.handler(), guard))
