"""What fails beside the calls and is tried again: told, but not as often as it is tried."""

from __future__ import annotations

import time
from collections.abc import Callable

from services.errors import VisrecError
from services.runtime import logs

OUTAGE_EVERY_S = 30.0
"""Everything that works in the background meets an outage, several times a second, and says the same of it."""


class Trouble:
    """Writes the lines of one process; `clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._outages = logs.Calm(OUTAGE_EVERY_S, clock)
        self._bugs = logs.Calm(clock=clock)

    def __call__(self, catalogue: str, problem: Exception) -> None:
        """Of a `catalogue`, or of none (""). Errors of the family say what is the matter; of others, whose messages may
        hold data, the place in the code is told."""
        if isinstance(problem, VisrecError):
            held_back = self._outages.admit(problem.reason)
            told: dict[str, object] = {"reason": problem.reason, "why": problem.message}
        else:
            held_back = self._bugs.admit((catalogue, type(problem)))
            told = {"exception": type(problem).__name__, "where": logs.where(problem)}
        if held_back is not None:
            logs.logger().warning("will try again", catalogue=catalogue, held_back=held_back, **told)
