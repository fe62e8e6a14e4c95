"""Redis behind a breaker: one that is away costs nobody a wait, after the first who noticed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Any

from services.ranker.others.breakers import Breaker, Limits
from services.runtime.redis_async import Ask, Command

GIVEN_UP = 0.9
"""Of the time that one waits at most, with room for a timer that is early."""


class GuardedRedis:
    """`ask`: what sends a command to Redis. `wait_s`: for how long an answer waits for it; one that has in vain is a
    failure, or a Redis that hangs would cost every answer as much."""

    def __init__(self, ask: Ask, wait_s: float = 0.25) -> None:
        # Whoever waits for Redis waits with an answer that is finished: once is enough.
        self.breaker = Breaker("Redis", time.monotonic, Limits(failures=1, slow_s=GIVEN_UP * wait_s))
        self._ask = ask

    def ask(self, command: Command) -> Awaitable[Any]:
        """As `Ask`. Raises NotReady at once while the breaker is open."""
        trial = self.breaker.admit()
        began = time.monotonic()

        def ended(answer: asyncio.Future[Any]) -> None:
            problem = asyncio.CancelledError() if answer.cancelled() else answer.exception()
            if problem is None:
                self.breaker.succeeded(trial=trial)
            else:
                self.breaker.ended(problem, time.monotonic() - began, trial=trial)

        try:
            asking = asyncio.ensure_future(self._ask(command))
        except BaseException as problem:
            self.breaker.ended(problem, 0.0, trial=trial)
            raise
        asking.add_done_callback(ended)
        return asking
