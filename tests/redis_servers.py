"""Starts redis-servers as somebody runs them: with a port, with users, over TLS, with replicas."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.runtime import redis_program

HANGS_S = 60.0
"""What takes as long hangs; a bound, not a measure."""


@contextmanager
def started(folder: Path, *arguments: str, server: Path | None = None) -> Iterator[int]:
    """A server with a port, which it yields, and settings of its own."""
    folder.mkdir()
    port, program = free_port(), server or redis_program.find_server(redis_program.candidates())[0]
    command = [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "", *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            with redis.Redis(port=port, retry=Retry(NoBackoff(), 0)) as client:
                until(lambda: answers(client))
            yield port
        finally:
            process.kill()


def free_port() -> int:
    """One whose bus port in a cluster, 10,000 above it, is a port, too."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        if port < 55_000:
            return port


def answers(client: redis.Redis) -> bool:
    """Whether a server is there, whatever it says."""
    try:
        return bool(client.ping())
    except redis.AuthenticationError:
        return True
    except redis.ConnectionError:
        return False


def until(condition: Callable[[], bool]) -> None:
    """Waits for what is about to be so."""
    end = time.monotonic() + HANGS_S
    while not condition():
        assert time.monotonic() < end, "it does not come to pass"
        time.sleep(0.01)


class Pair:
    """A master and its replica behind one address, until it is closed: `url` leads to the master of the moment, as a
    name or a virtual address does where somebody sees to it. Both write their file at every write."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self.url = f"unix://{folder / 'at'}"

    def __enter__(self) -> Self:
        self.master, self.replica = (self._started(name) for name in ("one", "two"))
        self._follow(self.replica, self.master)
        self._lead_to_master()
        return self

    def __exit__(self, *problem: object) -> None:
        self._stack.close()

    def exchange(self) -> None:
        """The replica becomes the master, and the master, which stays up, its replica."""
        self.await_in_step()
        self._promote()
        self._follow(self.replica, self.master)
        self._lead_to_master()

    def fail_over(self) -> None:
        """The master dies, and the replica becomes the master with what it has."""
        os.kill(self.master.info("server")["process_id"], signal.SIGKILL)
        self._promote()
        self._lead_to_master()

    def await_in_step(self) -> None:
        """Until the replica has everything that was acknowledged before."""
        self.master.set("visrec:marker", "x")
        assert self.master.wait(1, int(HANGS_S * 1000)) == 1

    def _promote(self) -> None:
        self.replica.replicaof("NO", "ONE")
        self.master, self.replica = self.replica, self.master

    def _follow(self, replica: Any, master: Any) -> None:
        replica.replicaof("127.0.0.1", str(master.connection_pool.connection_kwargs["port"]))
        until(lambda: replica.info("replication")["master_link_status"] == "up")

    def _lead_to_master(self) -> None:
        (self._folder / "next").symlink_to(self.master.config_get("unixsocket")["unixsocket"])
        (self._folder / "next").rename(self._folder / "at")

    def _started(self, name: str) -> Any:
        options = {
            "--appendonly": "yes",
            "--appendfsync": "always",
            "--repl-diskless-sync-delay": "0",
            "--unixsocket": str(self._folder / name / "redis.sock"),
        }
        port = self._stack.enter_context(
            started(self._folder / name, *(word for pair in options.items() for word in pair))
        )
        return self._stack.enter_context(redis.Redis(port=port))


@cache
def server_over_tls() -> Path | None:
    """A redis-server that was built with TLS, as those of Linux distributions are; None: this machine has none."""
    return next(filter(_speaks_tls, redis_program.candidates()), None)


def _speaks_tls(server: Path) -> bool:
    """Told not to listen anywhere, it ends at once: because of that, or because it does not know the option."""
    command = [str(server), "--port", "0", "--tls-port", "0"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=HANGS_S, check=False)
    except OSError:
        return False
    return "not listen anywhere" in told.stdout
