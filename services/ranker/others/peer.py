"""What calls to one service have in common: a service that is dead or hangs costs nothing until it answers again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import TypeVar

from services.errors import NotReady
from services.ranker.others.breakers import Breaker
from services.ranker.others.refreshed import heard

Told = TypeVar("Told")

TRIAL_WAIT_S, TRIAL_S = 0.25, 2.0
"""Whoever happens to try a service again waits for it at most so long; the trial goes on for so long, one that several
share no longer than their call."""


class Peer:
    """Behind a breaker. `trial_wait_s`: as TRIAL_WAIT_S. Of one event loop."""

    def __init__(self, service: str, trial_wait_s: float = TRIAL_WAIT_S) -> None:
        self.breaker = Breaker(service, time.monotonic)
        self._service = service
        self._trial_wait_s = trial_wait_s

    async def through(self, begin: Callable[[], Awaitable[Told]]) -> Told:
        """The answer, unless the breaker is open.

        A trial goes on beside: a service that still hangs would else cost one request after another, each of which is
        the one that tries, all the time that it has.
        """
        if not self.breaker.admit():
            return await self._made(begin)
        # In a context of its own: the deadline of whoever happens to try would else end the trial with their call.
        trial = asyncio.create_task(self._tried(begin), context=Context())
        try:
            await asyncio.wait([trial], timeout=self._trial_wait_s)
        finally:
            if not trial.done():
                trial.add_done_callback(heard)
        if not trial.done():
            raise NotReady(f"the {self._service} does not answer yet")
        return trial.result()

    async def _tried(self, begin: Callable[[], Awaitable[Told]]) -> Told:
        try:
            async with asyncio.timeout(TRIAL_S):
                return await self._made(begin, trial=True)
        except TimeoutError as problem:
            raise NotReady(f"the {self._service} does not answer") from problem

    async def _made(self, begin: Callable[[], Awaitable[Told]], *, trial: bool = False) -> Told:
        began = time.monotonic()
        try:
            answer = await begin()
        except BaseException as problem:
            self.breaker.ended(problem, time.monotonic() - began, trial=trial)
            raise
        self.breaker.succeeded(trial=trial)
        return answer
