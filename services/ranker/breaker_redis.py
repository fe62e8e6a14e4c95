"""Redis behind a breaker: one that is away costs nobody a wait, after the first who noticed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from services.ranker.breakers import Breaker, Limits
from services.runtime.redis_async import AtOnce, Command

AT_FIRST = Limits(failures=1)
"""Whoever waits for Redis waits with an answer that is finished: once is enough."""


class GuardedRedis:
    """`at_once`: what sends commands to Redis."""

    def __init__(self, at_once: AtOnce) -> None:
        self.breaker = Breaker("Redis", time.monotonic, AT_FIRST)
        self._at_once = at_once

    async def at_once(self, commands: Sequence[Command]) -> Sequence[Any]:
        """As `AtOnce`. Raises NotReady at once while the breaker is open."""
        self.breaker.admit()
        began = time.monotonic()
        try:
            answers = await self._at_once(commands)
        except BaseException as problem:
            self.breaker.ended(problem, time.monotonic() - began)
            raise
        self.breaker.succeeded()
        return answers
