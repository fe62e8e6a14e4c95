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

from services.errors import InvalidInput, VisrecError
from services.ranker.others.ports import Embedding
from services.ranker.scenes.scene import NOT_EXPOSED, Exposure

DEED_BYTES, VALUE_BYTES = 1000, 100
"""What Python takes for an event, and for each of its values."""

LOSSES = REFUSED, INVALID, UNAVAILABLE, INTERNAL, CLOSED = "REFUSED", "INVALID", "UNAVAILABLE", "INTERNAL", "CLOSED"
"""Why events are lost: the profile service refused one for a reason of its own, or could not read it; it did not answer
however often it was tried, or something failed that should not; the service ended before."""


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

    @property
    def size(self) -> int:
        """Bytes that it takes while it waits, about."""
        photo = len(self.photo.data) + len(self.photo.raw_features) if self.photo else 0
        words = len(self.event_id) + len(self.user_id) + len(self.item_id)
        return DEED_BYTES + VALUE_BYTES * len(self.values) + words + photo


class Diary(Protocol):
    """Where events are recorded."""

    async def record(self, deeds: Sequence[Deed]) -> int:
        """Of at most 1000; how many were refused, each for a reason of its own. Raises NotReady, Overloaded or TooLate
        when none could be recorded, and InvalidInput for a batch that is refused as a whole, be it because of one."""


@dataclass(frozen=True)
class Patience:
    """`most`, `most_bytes`: how many events may wait, and how much. `batch`, `batch_bytes`: how many go together, and
    how much, but for one that is larger alone. `tries`: of a batch, with `pause_s` between them."""

    most: int = 20_000
    most_bytes: int = 64 * 2**20
    batch: int = 500
    batch_bytes: int = 2 * 2**20
    tries: int = 5
    pause_s: float = 1.0


class Recorder:
    """`sleep`: waits so many seconds. `lost`: told how many events could not be recorded, and why. Not for several
    threads."""

    def __init__(
        self,
        diary: Diary,
        sleep: Callable[[float], Awaitable[None]],
        lost: Callable[[int, str], None],
        patience: Patience = Patience(),
    ) -> None:
        self._diary = diary
        self._sleep = sleep
        self._lost = lost
        self._patience = patience
        self._waiting: deque[tuple[Deed, int]] = deque()
        self._bytes = 0  # of those that wait and those that are out
        self._out = 0
        self._sending: asyncio.Task[None] | None = None

    def offer(self, deeds: Sequence[Deed]) -> bool:
        """Will be recorded soon; False when too much waits, and none of these is taken."""
        sizes = [deed.size for deed in deeds]
        size = sum(sizes)
        if len(self._waiting) + len(deeds) > self._patience.most or self._bytes + size > self._patience.most_bytes:
            return False
        self._waiting.extend(zip(deeds, sizes, strict=True))
        self._bytes += size
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
            self._lost(self._out + len(self._waiting), CLOSED)
            if self._sending is not None:
                self._sending.cancel()

    async def _send(self) -> None:
        try:
            while self._waiting:
                batch, size = self._next()
                self._out = len(batch)
                await self._record(batch)
                self._bytes -= size
        finally:
            self._sending = None

    def _next(self) -> tuple[list[Deed], int]:
        """As many of the first as may go together, and what they take."""
        batch: list[Deed] = []
        size = 0
        while self._waiting and len(batch) < self._patience.batch:
            deed, more = self._waiting[0]
            if batch and size + more > self._patience.batch_bytes:
                break
            self._waiting.popleft()
            batch.append(deed)
            size += more
        return batch, size

    async def _record(self, batch: Sequence[Deed]) -> None:
        """Records them, or counts what is lost. A batch that is refused as a whole is sent in halves, until the ones
        that it was refused for are alone."""
        parts = [batch]
        while parts:
            part = parts.pop()
            try:
                refused = await self._told(part)
            except InvalidInput:
                if len(part) > 1:
                    middle = len(part) // 2
                    parts += part[middle:], part[:middle]  # the first is sent first
                    continue
                self._settle(part, 1, INVALID)
            except VisrecError:
                self._settle(part, len(part), UNAVAILABLE)
            except Exception as bug:  # noqa: BLE001 - what comes after must not be lost with it
                asyncio.get_running_loop().call_exception_handler({"message": "recording failed", "exception": bug})
                self._settle(part, len(part), INTERNAL)
            else:
                self._settle(part, refused, REFUSED)

    def _settle(self, part: Sequence[Deed], lost: int, why: str) -> None:
        self._out -= len(part)
        if lost:
            self._lost(lost, why)

    async def _told(self, part: Sequence[Deed]) -> int:
        """How many were refused. Raises what the last try raised; InvalidInput at once, for it will always be."""
        for _ in range(self._patience.tries - 1):
            try:
                return await self._diary.record(part)
            except InvalidInput:
                raise
            except Exception:  # noqa: BLE001 - the last one is told
                await self._sleep(self._patience.pause_s)
        return await self._diary.record(part)
