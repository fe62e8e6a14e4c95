"""The whole system as a user starts it: `python -m services all` in a process of its own, on free ports.

with fleet(tmp_path) as visrec:
channel = grpc.insecure_channel(visrec.target("ranker"))
visrec.kill("indexer")            # kill -9; the launcher starts it again
visrec.await_serving("indexer")
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import psutil

from services.launch import SERVICES
from tests.servers import await_serving

READY_S = 120.0
"""Until all are healthy: the first start makes the model. A bound for what hangs, not a measure."""
STOP_S = 60.0
ROOT = Path(__file__).parent.parent


@dataclass
class Fleet:
    """A running system. `kill` takes a service's name, or "redis"."""

    launcher: subprocess.Popen[bytes]
    ports: dict[str, int]
    var_dir: Path
    log: Path

    def target(self, service: str) -> str:
        """The gRPC target of `service`."""
        return f"127.0.0.1:{self.ports[service]}"

    def process(self, name: str) -> psutil.Process:
        """The child of that name. Raises LookupError when there is none now."""
        for child in psutil.Process(self.launcher.pid).children():
            words = child.cmdline()
            if words[-2:] == ["services", name] or (name == "redis" and "redis-server" in " ".join(words)):
                return child
        raise LookupError(f"no process {name} now")

    @property
    def redis_url(self) -> str:
        """Of the private Redis, which says in its title where it listens."""
        found = re.search(r"unixsocket[: ](\S+)", " ".join(self.process("redis").cmdline()))
        assert found is not None, "redis does not say where it listens"
        return f"unix://{found[1]}"

    def kill(self, name: str) -> None:
        """Kill -9, and wait until it is gone."""
        process = self.process(name)
        process.kill()
        process.wait(STOP_S)

    def await_serving(self, service: str, timeout_s: float = READY_S) -> None:
        """Until `service` says SERVING, be it after a restart. On failure the log says why."""
        try:
            with grpc.insecure_channel(self.target(service)) as channel:
                await_serving(channel, SERVICES[service].full_name, timeout_s)
        except grpc.RpcError as problem:
            raise AssertionError(f"{service} is not serving; the log ends with:\n{self.last_words()}") from problem

    def last_words(self) -> str:
        """The end of what the launcher and the services logged."""
        return self.log.read_text(errors="replace")[-4000:]

    def stop(self) -> int:
        """Ctrl-C for the launcher. Returns its exit code."""
        if self.launcher.poll() is None:
            self.launcher.send_signal(signal.SIGINT)
        return self.launcher.wait(STOP_S)


@contextmanager
def fleet(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Fleet]:
    """Starts everything under `folder` and waits until it is healthy; at the end everything is stopped."""
    var_dir, log = folder / "var", folder / "log.jsonl"
    names = [f"{name}{kind}" for name in SERVICES for kind in ("", "_metrics")]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    variables = {f"VISREC_{name.upper()}_PORT": str(port) for name, port in ports.items()}
    variables |= {"VISREC_VAR_DIR": str(var_dir), **(environment or {})}
    with log.open("ab") as output:
        launcher = subprocess.Popen(
            [sys.executable, "-m", "services", "all"],
            cwd=ROOT,
            env=os.environ | variables,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    running = Fleet(launcher, ports, var_dir, log)
    try:
        for service in SERVICES:
            running.await_serving(service)
        yield running
    finally:
        try:
            running.stop()
        finally:
            launcher.kill()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now. All are held until the last is known, so that they differ."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
