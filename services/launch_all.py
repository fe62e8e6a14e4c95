"""`python -m services all`: one process per service, and a private Redis when no other is named."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.errors import InvalidInput, Refused, VisrecError
from services.launch import EXIT_CONFIGURATION, SERVICES, problems, settings_classes, wrong
from services.runtime import logs
from services.runtime.channel import channel_credentials
from services.runtime.channel_async import open_channel
from services.runtime.embedded import EmbeddedRedis
from services.runtime.settings import RuntimeSettings
from services.runtime.supervise import Program, Supervisor
from services.runtime.transport import server_credentials

KILL_AFTER_DRAIN_S = 10.0
"""What a service may take to close its stores when its calls have ended."""


def run_all() -> int:
    """Runs everything until SIGTERM or SIGINT, then stops it: callers before the called, Redis last.

    Returns the exit code: 0 after such a stop, EXIT_CONFIGURATION when another would change nothing, 1 when it may.
    """
    if found := problems(settings_classes()):
        print(wrong(found), file=sys.stderr)
        return EXIT_CONFIGURATION
    try:
        runtime = read_runtime()
        require_transport(runtime)
        logs.configure(runtime, "launcher")
        with locked(runtime.var_dir):
            require_ports(runtime.host)
            return asyncio.run(_run(runtime))
    except VisrecError as problem:
        print(problem.message, file=sys.stderr)
        return EXIT_CONFIGURATION if isinstance(problem, InvalidInput) else 1


def read_runtime() -> RuntimeSettings:
    """The shared settings, in which every target that the environment does not name is where this launcher will start
    that service. Raises pydantic.ValidationError, and InvalidInput for a port that nobody could find.
    """
    runtime = RuntimeSettings()
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(runtime.host, runtime.host)  # noqa: S104 - no binding here
    targets: dict[str, object] = {}
    for service in SERVICES.values():
        port = service.read_settings().port
        if not port:
            raise InvalidInput(f"VISREC_{service.name.upper()}_PORT", "the others must know where it listens; not 0")
        if f"{service.name}_target" not in runtime.model_fields_set:
            targets[f"{service.name}_target"] = f"{host}:{port}"
    return runtime.model_copy(update=targets | {"var_dir": runtime.var_dir.absolute()})


def require_transport(runtime: RuntimeSettings) -> None:
    """Raises InvalidInput, naming the setting, when a service would refuse to listen, or to call another: each of them
    would only say so after its start."""
    server_credentials(runtime)
    for name in SERVICES:
        channel_credentials(runtime, runtime.target(name))


@contextmanager
def locked(var_dir: Path) -> Iterator[None]:
    """Holds `var_dir` for this launcher. Raises Refused when another one works there."""
    try:
        var_dir.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise InvalidInput("VISREC_VAR_DIR", f"{var_dir} cannot be made ({problem.strerror})") from problem
    with (var_dir / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"visrec runs already in {var_dir}; stop it, or set VISREC_VAR_DIR") from None
        yield


def require_ports(host: str) -> None:
    """Raises Refused when somebody listens on the port of a service already: whoever asks there for a service that is
    started here would be answered by another one, over other data."""
    for service in SERVICES.values():
        port = service.read_settings().port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as problem:
                raise Refused(
                    f"{host}:{port}, where the {service.name} is to listen: {problem.strerror}; is visrec running "
                    f"already? Stop it, or set VISREC_{service.name.upper()}_PORT"
                ) from problem


async def _run(runtime: RuntimeSettings) -> int:
    supervisor = Supervisor(hopeless=EXIT_CONFIGURATION)
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, supervisor.ended.set)
    if not runtime.redis_url:
        embedded = EmbeddedRedis(runtime.var_dir / "redis")
        await supervisor.add(embedded)
        runtime = runtime.model_copy(update={"redis_url": embedded.url})
    await _start_services(supervisor, runtime)
    announcing = asyncio.create_task(_announce(runtime, sys.stdout))
    await supervisor.ended.wait()
    announcing.cancel()
    await supervisor.stop()
    if supervisor.failure:
        print(supervisor.failure, file=sys.stderr)
    return EXIT_CONFIGURATION if supervisor.is_hopeless else 1 if supervisor.failure else 0


async def _start_services(supervisor: Supervisor, runtime: RuntimeSettings) -> None:
    """The called before their callers, so that what is added last, and stopped first, is called by nobody."""
    for name in _called_first():
        if supervisor.ended.is_set():
            return
        command = [sys.executable, "-m", "services", name]
        await supervisor.add(Program(name, command, _environment(runtime), runtime.drain_s + KILL_AFTER_DRAIN_S))


def _called_first() -> list[str]:
    order: list[str] = []

    def visit(name: str) -> None:
        for called in SERVICES[name].calls:
            visit(called)
        if name not in order:
            order.append(name)

    for name in SERVICES:
        visit(name)
    return order


def _environment(runtime: RuntimeSettings) -> dict[str, str]:
    """Of a service: this process's own, and what the launcher decided."""
    decided = {"VISREC_REDIS_URL": runtime.redis_url, "VISREC_VAR_DIR": str(runtime.var_dir)}
    targets = {f"VISREC_{name.upper()}_TARGET": runtime.target(name) for name in SERVICES}
    return {**os.environ, **decided, **targets}


async def _announce(runtime: RuntimeSettings, out: TextIO) -> None:
    """Says where everything listens, once all of it is healthy."""
    await asyncio.gather(*(_await_serving(name, runtime) for name in SERVICES))
    lines = [f"  {name:<9} {runtime.target(name)}" for name in SERVICES]
    print("\n".join(("visrec is ready:", *lines, "Stop it with Ctrl-C.")), file=out, flush=True)


async def _await_serving(name: str, runtime: RuntimeSettings) -> None:
    """Watches until `name` says SERVING. It may end and be started again meanwhile, so the watch begins anew."""
    request = health_pb2.HealthCheckRequest(service=SERVICES[name].full_name)
    async with open_channel(name, runtime) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        while True:
            try:
                async for answer in health.Watch(request, wait_for_ready=True):
                    if answer.status == health_pb2.HealthCheckResponse.SERVING:
                        return
            except VisrecError as problem:
                logs.logger().debug("not ready", program=name, why=problem.message)
            await channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
