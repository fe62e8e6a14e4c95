"""The one table of the services, and how one of them becomes a process. `launch_all` starts the four together."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import signal
import socket
import sys
from collections.abc import Collection, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

from services.errors import NotReady, VisrecError
from services.runtime import last_words, logs
from services.runtime.canary import where
from services.runtime.server import AsyncServer, SyncServer
from services.runtime.settings import RuntimeSettings, ServiceSettings
from services.runtime.telemetry import Telemetry
from services.runtime.variables import misspelt

EXIT_CONFIGURATION = 78
"""EX_CONFIG of sysexits.h: starting again would change nothing."""


@dataclass(frozen=True)
class Service:
    """`settings` and `app` are import strings, so that a process imports its own service and no other.

    `calls` are the services it calls: they are stopped after it.
    """

    name: str
    kind: Literal["sync", "asyncio"]
    settings: str
    app: str
    calls: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """Of its gRPC service."""
        return f"visrec.v1.{self.name.capitalize()}Service"

    @property
    def prefix(self) -> str:
        """Of the variables of its own settings."""
        return f"VISREC_{self.name.upper()}_"

    @property
    def metrics_port_setting(self) -> str:
        """The variable that chooses its `metrics_port`."""
        return f"{self.prefix}METRICS_PORT"

    def read_settings(self) -> ServiceSettings:
        """The service's own settings, from the environment. Raises pydantic.ValidationError."""
        settings: ServiceSettings = _load(self.settings)()
        return settings


SERVICES = {
    service.name: service
    for service in (
        Service("embedder", "asyncio", "services.embedder.settings:EmbedderSettings", "services.embedder.app:build"),
        Service(
            "indexer", "sync", "services.indexer.settings:IndexerSettings", "services.indexer.app:build", ("embedder",)
        ),
        Service(
            "profile", "sync", "services.profile.settings:ProfileSettings", "services.profile.app:build", ("indexer",)
        ),
        Service(
            "ranker",
            "asyncio",
            "services.ranker.settings:RankerSettings",
            "services.ranker.app:build",
            ("profile", "indexer", "embedder"),
        ),
    )
}


def settings_classes() -> list[type[BaseSettings]]:
    """Every class of settings, the shared ones first."""
    return [RuntimeSettings, *(_load(service.settings) for service in SERVICES.values())]


def run(service: Service) -> int:
    """Serves until SIGTERM or SIGINT, then drains. Returns the process's exit code: EXIT_CONFIGURATION when it could
    not start and never will, 1 when another start may succeed.
    """
    groups = [RuntimeSettings, _load(service.settings)]
    # The settings of other services are theirs to judge: an image has the code of one.
    foreign = [other.prefix for other in SERVICES.values() if other.name != service.name]
    if found := problems(groups, foreign):
        print(wrong(found), file=sys.stderr)
        last_words.say(wrong(found))
        return EXIT_CONFIGURATION
    runtime, settings = RuntimeSettings(), service.read_settings()
    logs.configure(runtime, service.name)
    serve = _serve_async if service.kind == "asyncio" else _serve
    try:
        serve(service, settings, runtime)
    except VisrecError as problem:
        why = problem.message + where(problem, runtime)
        logs.logger().error("cannot start", why=why)
        last_words.say(why)
        return 1 if isinstance(problem, NotReady) else EXIT_CONFIGURATION
    return 0


def problems(groups: Iterable[type[BaseSettings]], foreign: Collection[str] = ()) -> list[str]:
    """One line for each variable of the environment that is no setting, or has a value that the `groups` do not take;
    `foreign` as for `misspelt`."""
    lines = misspelt(os.environ, list(groups), foreign)
    for group in groups:
        try:
            group()
        except ValidationError as problem:
            lines += _lines(problem, group)
    return lines


def wrong(lines: Iterable[str]) -> str:
    """A heading, and a line for each variable."""
    return "\n".join(("wrong settings:", *(f"  {line}" for line in lines)))


def _lines(problem: ValidationError, group: type[BaseSettings]) -> list[str]:
    """One per wrong variable, with what was given, unless that may hold a password."""
    return [_line(error, group) for error in problem.errors()]


def _line(error: ErrorDetails, group: type[BaseSettings]) -> str:
    name = ".".join(map(str, error["loc"]))
    prefix = group.model_config.get("env_prefix", "")
    field = group.model_fields.get(name)
    # What is of several settings has all of them as its input.
    shown = field is not None and not name.endswith("_url") and "SecretStr" not in str(field.annotation)
    given = f", not {error['input']!r}" if shown else ""
    return f"{prefix}{name}".upper() + f": {error['msg'].removeprefix('Value error, ')}{given}"


def _serve(service: Service, settings: ServiceSettings, runtime: RuntimeSettings) -> None:
    stopped = _stop_signals()
    telemetry = Telemetry()
    server = SyncServer(_load(service.app)(settings, runtime, telemetry), runtime, telemetry, settings.port)
    telemetry.serve(runtime.host, settings.metrics_port, service.metrics_port_setting)
    server.start()
    _settle()
    logs.logger().info("listening", port=server.port, metrics_port=settings.metrics_port)
    stopped.recv(1)
    server.drain()


COLLECT_AFTER = 20_000
"""Objects more than before, that may be part of a cycle."""


def _settle() -> None:
    """What the start has made stays until the end. The collector went through all of it again and again: three quarters
    of what the embedder's event loop did under load. What requests make is gone when they end, with few exceptions, so
    it need not look every 700 objects: that took 4 % of what the ranker did."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


def _stop_signals() -> socket.socket:
    """Readable once SIGTERM or SIGINT has come.

    Python's handlers run in the main thread when it next can, so a main thread that is just falling asleep would miss
    one, and a handler may run within another one. The interpreter writes to the wake-up socket itself, at once.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: None)
    return reader


def _serve_async(service: Service, settings: ServiceSettings, runtime: RuntimeSettings) -> None:
    async def serve() -> None:
        stop = asyncio.Event()
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, stop.set)
        telemetry = Telemetry()
        app = await _load(service.app)(settings, runtime, telemetry)
        server = AsyncServer(app, runtime, telemetry, settings.port)
        telemetry.serve(runtime.host, settings.metrics_port, service.metrics_port_setting)
        await server.start()
        _settle()
        logs.logger().info("listening", port=server.port, metrics_port=settings.metrics_port)
        await stop.wait()
        await server.drain()

    _run_loop(serve())


def _run_loop(main: Coroutine[Any, Any, None]) -> None:
    """On uvloop where it is installed: 15 % less CPU a call."""
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
