"""What a service hands to the runtime: its registrations, its canary and how to close it.

`services.<name>.app` has one function, named in the table of `services.launch`:

    def build(settings: IndexerSettings, runtime: RuntimeSettings, telemetry: Telemetry) -> SyncApp
    async def build(settings: RankerSettings, runtime: RuntimeSettings, telemetry: Telemetry) -> AsyncApp

It opens channels and stores and builds the domain. What is opened there is closed by `close`. A slow start (loading an
index) belongs in a background thread, with a canary that raises NotReady until it is done, so that health can be asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import grpc


@dataclass(frozen=True)
class SyncApp:
    """A service on threads (indexer, profile).

    services      full names, such as "visrec.v1.IndexerService": what health and reflection speak of.
    register      adds the servicers: `lambda server: add_IndexerServiceServicer_to_server(servicer, server)`. The
                  server it is given guards every handler (errors, deadline, metrics); health stays outside of that.
    canary        does a small piece of the real work and raises when that fails; a canary that hangs counts as failed.
    close         called once, after the last call has ended.
    threads       that answer unary calls.
    long_methods  names (as "IngestItems") that may wait for something: answered, as every streaming method is, on
                  threads of their own, so that quick calls never queue behind them.
    long_threads  the number of those threads; one stream holds one.
    """

    services: tuple[str, ...]
    register: Callable[[grpc.Server], None]
    canary: Callable[[], None]
    close: Callable[[], None]
    threads: int = 4
    long_methods: frozenset[str] = frozenset()
    long_threads: int = 8


@dataclass(frozen=True)
class AsyncApp:
    """A service on one event loop (embedder, ranker). Fields as in `SyncApp`; `build` and the canary run on that loop,
    and a canary that is too slow is cancelled."""

    services: tuple[str, ...]
    register: Callable[[grpc.aio.Server], None]
    canary: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]
