"""The private redis-server: a real one, so that a first start needs nothing installed and loses nothing either.

Append-only file with fsync at every write, a unix socket and no port, everything under one directory. The directory is
locked by the server itself (it inherits the locked file), so two servers never write the same record.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.errors import NotReady, Refused
from services.runtime import leash, logs
from services.runtime.redis_files import require_known_format, require_readable
from services.runtime.redis_program import candidates, find_server

LONGEST_SOCKET = 100
"""Letters of a unix socket's path; the kernel's limit is 108 bytes."""

START_S = 120.0
"""A large append-only file takes its time to load, some 100 MB a second."""
STOP_S = 30.0
LOCK_S = 10.0
POLL_S = 0.02


class EmbeddedRedis:
    """One redis-server over `folder`, from `start` to `stop`. It dies with this process, and can be started again."""

    name = "redis"

    def __init__(self, folder: Path, lock_s: float = LOCK_S) -> None:
        """`lock_s` is how long to wait for a server on the folder that is about to end."""
        self._folder = folder.absolute()
        self._server, self._version = find_server(candidates())
        self._lock_s = lock_s
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._socket = self._folder / "redis.sock"
        self._short: Path | None = None

    @property
    def url(self) -> str:
        """What VISREC_REDIS_URL takes."""
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int | None:
        """Of the running server."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Starts the server and waits until it has read its file and answers.

        Raises Refused when another server works on the folder, or this one could not read all that is in it; NotReady
        when it does not come up; its log is `redis.log` in the folder.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._shorten()
        self._take_lock()
        require_readable(self._folder, self._server, self._version)
        assert self._lock is not None
        command = leash.command(signal.SIGTERM, [str(self._server), *self._arguments()])
        self._process = subprocess.Popen(
            command, pass_fds=[self._lock], stdin=subprocess.DEVNULL, start_new_session=True
        )
        self._await_answer(self._process)

    def wait(self) -> int:
        """Until the server ends, by itself or by `stop`. Returns its exit code."""
        assert self._process is not None
        return self._process.wait()

    def stop(self) -> None:
        """Ends the server; everything acknowledged is on disk at any time, so killing it loses nothing either."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        if self._short is not None:
            shutil.rmtree(self._short, ignore_errors=True)
            self._short = None

    def why(self) -> str:
        """Nothing: what it said is in its log."""
        return ""

    def _arguments(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "maxmemory-policy": "noeviction",
            "slowlog-log-slower-than": "-1",  # it would keep what people did, beyond their erasure
            "daemonize": "no",
            "logfile": str(self._folder / "redis.log"),
        }
        return [word for name, value in settings.items() for word in (f"--{name}", value)]

    def _shorten(self) -> None:
        if len(os.fsencode(self._socket)) > LONGEST_SOCKET and self._short is None:
            self._short = Path(tempfile.mkdtemp(prefix="visrec-"))
            self._socket = self._short / "redis.sock"

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        end = time.monotonic() + self._lock_s
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    os.close(lock)
                    raise Refused(f"another redis-server works on {self._folder}; stop it first") from None
                time.sleep(POLL_S)  # one whose parent was killed is about to end
            else:
                self._lock = lock
                return

    def _await_answer(self, process: subprocess.Popen[bytes]) -> None:
        client = redis.Redis(unix_socket_path=str(self._socket), socket_timeout=1, retry=Retry(NoBackoff(), 0))
        end = time.monotonic() + START_S
        with client:
            while not _answers(client):
                if process.poll() is not None:
                    said = self._last_words()
                    require_known_format(said, self._folder, self._server, self._version)
                    raise NotReady(f"redis-server ended with code {process.returncode}: {said}")
                if time.monotonic() > end:
                    raise NotReady(f"redis-server is not ready after {START_S:.0f} s; see {self._folder}/redis.log")
                time.sleep(POLL_S)
        version = ".".join(map(str, self._version))
        logs.logger().info(
            "redis", pid=process.pid, program=str(self._server), version=version, folder=str(self._folder)
        )

    def _last_words(self) -> str:
        log = self._folder / "redis.log"
        return log.read_text(errors="replace")[-500:].strip() if log.exists() else "it wrote no log"


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except (redis.ConnectionError, redis.TimeoutError):  # not there yet, or still loading
        return False
