"""A process that is started here and gone at the end, with all that it started."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from bench.embedder.meter import Meter
from bench.failure import BenchFailed
from bench.fleet import ROOT

STOP_WITHIN_S = 60.0
POLL_S = 0.02


class Child:
    """Runs from when it is made. Use it in a `with`, or stop it."""

    def __init__(
        self, name: str, command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        """`log` gets what it prints; `environment` is all of it, None: that of this process."""
        self.name, self.log = name, log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.meter = Meter(self._process.pid)

    @property
    def pid(self) -> int:
        """Its own."""
        return self._process.pid

    def cpu_s(self) -> float:
        """User and system time until now, of it and all below it."""
        return self.meter.read().cpu_s

    def check(self) -> None:
        """Raises BenchFailed when it has ended."""
        if (code := self._process.poll()) is not None:
            raise BenchFailed(f"{self.name} ended with exit code {code}: see {self.log}")

    def await_that(self, ready: Callable[[], bool], within_s: float) -> float:
        """Seconds until `ready` says so. Raises BenchFailed when the process ends, or the time."""
        begin = time.monotonic()
        while not ready():
            self.check()
            if time.monotonic() - begin > within_s:
                raise BenchFailed(f"{self.name} is not ready after {within_s:.0f} s: see {self.log}")
            time.sleep(POLL_S)
        return time.monotonic() - begin

    def stop(self) -> None:
        """Politely, then not; and what it left behind."""
        if self._process.poll() is not None:
            return
        below = psutil.Process(self.pid).children(recursive=True)
        self._process.terminate()
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _, left = psutil.wait_procs(below, timeout=2.0)
        for each in left:
            each.kill()
        psutil.wait_procs(left, timeout=2.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
