"""Keeps programs running: what ends is started again, after a pause that grows while it keeps ending."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol, TypeVar

from services.errors import VisrecError
from services.runtime import last_words, leash, logs
from services.runtime.last_words import LastWords

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
SETTLED_S = 30.0
"""What ran this long starts again after the first pause."""


Result = TypeVar("Result")


class Kept(Protocol):
    """Something that runs. All three may block, and each is called from a thread of the supervisor."""

    name: str

    def start(self) -> None:
        """Raises VisrecError when it cannot start."""

    def wait(self) -> int:
        """Until it ends; its exit code."""

    def stop(self) -> None:
        """Ends it. May be called when it does not run."""

    def why(self) -> str:
        """What it gave as the reason when it last ended; empty when it gave none."""


class Program:
    """A child process on a leash, in a process group of its own: Ctrl-C goes to the launcher alone, which then stops
    its children in their order.
    """

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], patience_s: float) -> None:
        self.name = name
        self._command = command
        self._environment = dict(environment)
        self._patience_s = patience_s
        self._process: subprocess.Popen[bytes] | None = None
        self._words: LastWords | None = None
        self._why = ""

    def start(self) -> None:
        """Starts the process."""
        command = leash.command(signal.SIGTERM, self._command)
        self._words, self._why = LastWords(), ""
        self._process = subprocess.Popen(
            command,
            env=self._environment | {last_words.VARIABLE: str(self._words.fd)},
            pass_fds=[self._words.fd],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def wait(self) -> int:
        """Until it ends; its exit code, negative for a signal."""
        assert self._process is not None
        code = self._process.wait()
        if self._words is not None:
            self._why, self._words = self._words.heard(), None
        return code

    def why(self) -> str:
        """As `Kept.why`."""
        return self._why

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when `patience_s` was not enough."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(self._patience_s)
        except subprocess.TimeoutExpired:
            logs.logger().warning("killed", program=self.name, patience_s=self._patience_s)
            self._process.kill()
            self._process.wait()


class Supervisor:
    """Keeps everything that `add` was given, until `stop`.

    `hopeless` is the exit code after which a program is not started again; then, or when something cannot start for
    the first time, everything ends: `ended` is set and `failure` says why; `is_hopeless` tells the former.
    """

    def __init__(self, hopeless: int) -> None:
        self.ended = asyncio.Event()
        self.failure: str | None = None
        self.is_hopeless = False
        self._hopeless = hopeless
        self._kept: list[tuple[Kept, asyncio.Task[None]]] = []
        # A leash is held by the thread that started the child: these threads live as long as the process.
        self._threads = ThreadPoolExecutor(32, thread_name_prefix="supervisor")

    async def add(self, kept: Kept) -> None:
        """Returns when it has started, or failed to."""
        started = asyncio.Event()
        self._kept.append((kept, asyncio.create_task(self._keep(kept, started))))
        await started.wait()

    async def stop(self) -> None:
        """Ends everything, what was added last first."""
        self.ended.set()
        for kept, task in reversed(self._kept):
            await self._call(kept.stop)
            await task
        self._threads.shutdown(wait=False)

    async def _keep(self, kept: Kept, started: asyncio.Event) -> None:
        pause_s = FIRST_PAUSE_S
        while not self.ended.is_set():
            began = time.monotonic()
            code = await self._once(kept, started)
            if self.ended.is_set():
                break
            if code == self._hopeless:
                self.is_hopeless = self.failure is None
                self._fail(f"{kept.name} cannot run: {kept.why() or 'it says why above'}")
                break
            pause_s = FIRST_PAUSE_S if time.monotonic() - began > SETTLED_S else pause_s
            logs.logger().warning("ended, starts again", program=kept.name, code=code, pause_s=pause_s)
            await self._pause(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        started.set()

    async def _once(self, kept: Kept, started: asyncio.Event) -> int | None:
        """From a start to its end: the exit code, None when it could not start."""
        try:
            await self._call(kept.start)
        except VisrecError as problem:
            if not started.is_set():
                self._fail(f"{kept.name}: {problem.message}")
            logs.logger().error("cannot start", program=kept.name, why=problem.message)
            return None
        started.set()
        if self.ended.is_set():
            await self._call(kept.stop)
        return await self._call(kept.wait)

    def _fail(self, why: str) -> None:
        self.failure = self.failure or why
        self.ended.set()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.ended.wait()

    async def _call(self, function: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)
