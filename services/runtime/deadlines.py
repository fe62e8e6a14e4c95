"""When the work of the current call must be done.

A context variable carries it from the server's guard to the channels, so that a
downstream call never outlives the call it serves.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from services.errors import TooLate

_deadline: ContextVar[float | None] = ContextVar("visrec_deadline", default=None)

NO_DEADLINE_S = 10.0 * 365 * 86400
"""gRPC states an absent deadline as one that is centuries away; beyond this many seconds it is absent."""


def begin(seconds: float) -> None:
    """The rest of this context (an RPC has its own) must end within `seconds` from now."""
    _deadline.set(time.monotonic() + seconds)


def remaining_s() -> float | None:
    """Seconds left, negative when late, None when nothing bounds this context."""
    deadline = _deadline.get()
    return None if deadline is None else deadline - time.monotonic()


def check() -> None:
    """Raises TooLate when the time is up. Long loops of a sync handler call this: a thread cannot be cancelled."""
    left = remaining_s()
    if left is not None and left <= 0:
        raise TooLate("the deadline of this call has passed")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """A tighter bound for the block; a looser one is ignored. Shares of a deadline are made of this."""
    left = remaining_s()
    token = _deadline.set(time.monotonic() + (seconds if left is None else min(seconds, left)))
    try:
        yield
    finally:
        _deadline.reset(token)


def timeout_s(given: float | None, default: float) -> float:
    """What a downstream call may take: the smaller of `given` (or else `default`) and what remains.

    Raises TooLate instead of beginning a call that cannot be answered in time.
    """
    wanted = default if given is None else given
    left = remaining_s()
    if left is None:
        return wanted
    if left <= 0:
        raise TooLate("the deadline of this call has passed")
    return min(wanted, left)
