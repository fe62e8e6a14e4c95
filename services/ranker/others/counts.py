"""How popular each item is, remembered for some seconds.

Popularity halves within days, and everybody is recommended some of the same items: to ask for the counts of all
candidates of every request would cost as much as the search. So counts are kept, and those that are asked for are made
anew in the background, many at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context

from services.errors import VisrecError

Load = Callable[[Sequence[str]], Awaitable[Sequence[float]]]
"""Counts of up to AT_ONCE items, in order."""

AT_ONCE = 1000

EACH_BYTES = 150
"""What Python takes for a count and its id, and for each letter of that one byte more."""


class Counts:
    """Of the items of one catalogue, in two generations. What was loaded within `fresh_s` is `new`. What is older is
    answered with once more, and loaded again beside; what nobody asks for is forgotten with its generation.

    While loading fails the old ones stay, up to `stale_s`. Both take `most_bytes` at most, about, and what one call
    brings more. `clock`: seconds, monotonic. Of one event loop.
    """

    def __init__(self, load: Load, clock: Callable[[], float], fresh_s: float, stale_s: float, most_bytes: int) -> None:
        self._load = load
        self._clock = clock
        self._fresh_s = fresh_s
        self._stale_s = stale_s
        self._most_bytes = most_bytes
        self._new: dict[str, float] = {}
        self._old: dict[str, float] = {}
        self._new_bytes = self._old_bytes = 0
        self._turned = clock()
        self._due: dict[str, None] = {}
        self._refreshing: asyncio.Task[None] | None = None

    @property
    def size(self) -> int:
        """Bytes that all of them take, about."""
        return EACH_BYTES + self._new_bytes + self._old_bytes

    async def get(self, item_ids: Sequence[str]) -> list[float]:
        """The count of each. Raises what loading raises, when one of them is not known at all."""
        self._turn()
        found = list(map(self._new.get, item_ids))
        if None not in found:
            return found  # type: ignore[return-value] # there is no None
        missing = [item_id for item_id, count in zip(item_ids, found, strict=True) if count is None]
        unknown = [item_id for item_id in missing if item_id not in self._old]
        if len(unknown) < len(missing):
            self._refresh(missing)
        for start in range(0, len(unknown), AT_ONCE):
            await self._fetch(unknown[start : start + AT_ONCE])
        return [self._new[item_id] if item_id in self._new else self._old.get(item_id, 0.0) for item_id in item_ids]

    def _turn(self) -> None:
        age, full = self._clock() - self._turned, 2 * self._new_bytes > self._most_bytes
        if age < self._fresh_s and not full:
            return
        if self._due and age < self._stale_s and not full:
            return  # those that are asked for are not all loaded again yet
        self._old, self._new, self._turned = self._new, {}, self._clock()
        self._old_bytes, self._new_bytes = self._new_bytes, 0
        if age >= self._stale_s:
            self._old, self._old_bytes = {}, 0
        self._due.clear()  # they were of the generation that is gone

    def _refresh(self, item_ids: Sequence[str]) -> None:
        self._due.update((item_id, None) for item_id in item_ids if item_id in self._old)
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.get_running_loop().create_task(self._refreshed(), context=Context())

    async def _refreshed(self) -> None:
        """Until nothing is due, or loading fails: then whoever asks next begins again."""
        while self._due:
            chosen = [item_id for item_id, _ in zip(self._due, range(AT_ONCE), strict=False)]
            try:
                await self._fetch(chosen)
            except VisrecError:
                return
            for item_id in chosen:
                self._due.pop(item_id, None)

    async def _fetch(self, item_ids: Sequence[str]) -> None:
        counts = await self._load(item_ids)
        before = len(self._new)
        self._new.update(zip(item_ids, counts, strict=True))
        # Of those that another call has brought meanwhile, the letters are counted twice.
        self._new_bytes += EACH_BYTES * (len(self._new) - before) + sum(map(len, item_ids))
