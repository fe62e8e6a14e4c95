"""A helper process that is spoken to in lines of JSON: each line that it is told has one line for an answer."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.failure import BenchFailed
from bench.fleet import ROOT

STOP_WITHIN_S = 60.0


class Dialogue:
    """It ends when it hears no more."""

    def __init__(self, name: str, process: subprocess.Popen[str], log: Path) -> None:
        self._name, self._process, self._log = name, process, log

    def hear(self) -> Any:
        """The next line. Raises BenchFailed when it has ended."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise BenchFailed(f"{self._name} ended; {self._log} has what it said: {_last_line(self._log)}")
        return json.loads(line)

    def ask(self, **question: object) -> Any:
        """One line and its answer. Raises BenchFailed."""
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise BenchFailed(f"{self._name} ended; {self._log} has what it said") from error
        return self.hear()


@contextmanager
def started(name: str, command: Sequence[str | Path], log: Path) -> Iterator[Dialogue]:
    """Gone at the end, with all that it started. `log` gets what it complains of."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, text=True
        )
    try:
        yield Dialogue(name, process, log)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    """By saying no more, then not politely; and what it left behind."""
    below = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.close()
        process.wait(STOP_WITHIN_S)
    except (OSError, subprocess.TimeoutExpired):
        process.kill()
        process.wait()
    process.stdout.close()
    _, left = psutil.wait_procs(below, timeout=2.0)
    for each in left:
        each.kill()
    psutil.wait_procs(left, timeout=2.0)


def _last_line(log: Path) -> str:
    return next((line for line in reversed(log.read_text(errors="replace").splitlines()) if line.strip()), "nothing")
