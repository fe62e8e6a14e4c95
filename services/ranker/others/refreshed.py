"""What is the same for many requests, remembered for some seconds and made anew beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextvars import Context
from typing import Generic, TypeVar

from services.errors import NotFound, VisrecError
from services.ranker.others.latest import Latest

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

KEYS = 1024
MOST_BYTES = 16 * 2**20
"""Kept at most: so many, which together take about so much; those that were asked for last."""

EACH_BYTES = 200
"""What Python takes for one of them besides, and for one of a list."""


class Refreshed(Generic[Key, Value]):
    """Values by key, each loaded once for all who ask at the same time. One that is older than `fresh_s` is still
    answered with, while another is loaded; one that is older than `stale_s` is not. So nobody waits for what is asked
    for again and again, and a service that is away for a moment is not missed.

    What is empty is not kept: the first of a thing is seen at once; nor is what does not exist any more. `clock`:
    seconds, monotonic. `size`: bytes that a value and its key take, about. Of one event loop.
    """

    def __init__(
        self,
        load: Callable[[Key], Awaitable[Value]],
        clock: Callable[[], float],
        fresh_s: float,
        stale_s: float,
        size: Callable[[Key, Value], int] = lambda *_: EACH_BYTES,
        *,
        keys: int = KEYS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._load = load
        self._clock = clock
        self._fresh_s = fresh_s
        self._stale_s = stale_s
        self._size = size
        self._known: Latest[Key, tuple[float, Value]] = Latest(keys, most_bytes)
        self._loading: dict[Key, asyncio.Task[Value]] = {}

    async def get(self, key: Key) -> Value:
        """The value. Raises what loading raises, when there is none that is good enough."""
        known = self._known.get(key)
        if known is None or (age := self._clock() - known[0]) >= self._stale_s:
            # Somebody who gives up does not take the value from the others.
            return await asyncio.shield(self._begin(key))
        if age >= self._fresh_s:
            self._begin(key)
        return known[1]

    async def anew(self, key: Key) -> Value:
        """The value as it is now or later: what was known, or was being loaded already, has turned out to be wrong.
        Raises what loading raises."""
        if (older := self._loading.get(key)) is not None:
            await asyncio.wait([older])
        return await asyncio.shield(self._begin(key))

    def _begin(self, key: Key) -> asyncio.Task[Value]:
        task = self._loading.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._made(key), context=Context())
            task.add_done_callback(heard)
            self._loading[key] = task
        return task

    async def _made(self, key: Key) -> Value:
        began = self._clock()
        try:
            value = await self._load(key)
        except NotFound:
            self._known.remove(key)
            raise
        finally:
            del self._loading[key]
        if value:
            self._known.put(key, (began, value), self._size(key, value))
        else:
            self._known.remove(key)
        return value


def heard(task: asyncio.Task[Value]) -> None:
    """What went wrong is raised to those who wait; when nobody does, the next one tries again. A bug is told all the
    same, or what is old would be told until it is too old, and nobody would know why."""
    problem = None if task.cancelled() else task.exception()
    if problem is not None and not isinstance(problem, VisrecError):
        task.get_loop().call_exception_handler({"message": "loading failed", "exception": problem})
