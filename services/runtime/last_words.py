"""Why a service cannot run, told to the launcher that started it: in the log it stands among what the others said."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from typing import IO

VARIABLE = "LAUNCHER_LAST_WORDS_FD"
"""Of the environment of a service that a launcher started: the open file it wants them in."""

MOST_BYTES = 4000


def say(why: str) -> None:
    """Tells the launcher, if there is one."""
    if told := os.environ.get(VARIABLE):
        with suppress(OSError, ValueError):
            os.write(int(told), why.encode()[:MOST_BYTES])


class LastWords:
    """The launcher's side, for one run of one service."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - open until the service has ended

    @property
    def fd(self) -> int:
        """What the service inherits."""
        return self._file.fileno()

    def heard(self) -> str:
        """What it said, nothing for most; for once, when it has ended."""
        with self._file as file:
            file.seek(0)
            return file.read(MOST_BYTES).decode(errors="replace")
