"""What is recorded behind an answer: what somebody was shown, and the photo they sent.

Nobody waits for it. It goes to the profile service in batches, one at a time, and is tried again while that is away;
when too much waits, what is new is refused, which the answer says.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Protocol

from services.errors import VisrecError
from services.ranker.others.ports import Embedding
from services.ranker.scenes.scene import NOT_EXPOSED, Exposure


@dataclass(frozen=True)
class Deed:
    """One event of a person: shown an item (`item_id`), or a photo of their own (`photo`, with the raw features that it
    was made from). `rank`: its place, 1 for the best; `scene`, `exposure`: by which weights. `event_id` is unique of
    the person, so that one that is sent twice counts once."""

    event_id: str
    user_id: str
    catalogue: str
    time_ms: int
    item_id: str = ""
    recommendation_id: str = ""
    values: Mapping[str, float] = field(default_factory=dict)
    rank: int = 0
    scene: str = ""
    exposure: Exposure = NOT_EXPOSED
    photo: Embedding | None = None


class Diary(Protocol):
    """Where events are recorded."""

    async def record(self, deeds: Sequence[Deed]) -> int:
        """Of at most 1000; how many were refused, each for a reason of its own. Raises NotReady, Overloaded or TooLate
        when none could be recorded."""


@dataclass(frozen=True)
class Patience:
    """`most`: events that may wait. `tries`: of a batch, with `pause_s` between them."""

    most: int = 20_000
    batch: int = 500
    tries: int = 5
    pause_s: float = 1.0


class Recorder:
    """`sleep`: waits so many seconds. `lost`: told how many events could not be recorded. Not for several threads."""

    def __init__(
        self,
        diary: Diary,
        sleep: Callable[[float], Awaitable[None]],
        lost: Callable[[int], None],
        patience: Patience = Patience(),
    ) -> None:
        self._diary = diary
        self._sleep = sleep
        self._lost = lost
        self._patience = patience
        self._waiting: deque[Deed] = deque()
        self._out = 0
        self._sending: asyncio.Task[None] | None = None

    def offer(self, deeds: Sequence[Deed]) -> bool:
        """Will be recorded soon; False when too much waits, and none of these is taken."""
        if len(self._waiting) + len(deeds) > self._patience.most:
            return False
        self._waiting.extend(deeds)
        if self._sending is None and self._waiting:
            self._sending = asyncio.create_task(self._send(), context=Context())  # no caller's deadline
        return True

    async def close(self, within_s: float) -> None:
        """Sends what waits, if that takes no longer than `within_s`; the rest is lost."""
        try:
            async with asyncio.timeout(within_s):
                while self._sending is not None:
                    await asyncio.shield(self._sending)
        except TimeoutError:
            self._lost(self._out + len(self._waiting))
            if self._sending is not None:
                self._sending.cancel()

    async def _send(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(self._patience.batch, len(self._waiting)))]
                self._out = len(batch)
                self._lost(await self._refused(batch))
                self._out = 0
        finally:
            self._sending = None

    async def _refused(self, batch: Sequence[Deed]) -> int:
        for attempt in range(self._patience.tries):
            if attempt:
                await self._sleep(self._patience.pause_s)
            try:
                return await self._diary.record(batch)
            except VisrecError:
                continue
        return len(batch)
