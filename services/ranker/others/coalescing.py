"""Many requests that wait at the same time go out as one call.

A hop costs far more than what is behind it, so requests that come while calls are out are put together. Nobody waits to
be joined by others, unless it says that it has time to spare: a call goes out as soon as one may, with all that are
there. Each request has its own outcome and its own patience; who gives up leaves, and a call that nobody waits for any
more is given up, too.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.errors import Internal, NotReady, Overloaded, TooLate, VisrecError
from services.ranker.others.lately import Lately

Asked = TypeVar("Asked")
Told = TypeVar("Told")

Call = Callable[[Sequence[tuple[Asked, float]], float], Awaitable[Sequence[Told | VisrecError]]]
"""Asks for all of these in one call, each with the seconds that it has left, within so many seconds: one outcome for
each, in order. Raises a VisrecError when the call itself failed."""

ALONE_SHARE = 0.5
"""Of the time that the least patient of a call has left the call may take this much: after that there is still time
to ask for each alone, so that a slow one does not take the others with it."""

ALIKE = 4.0
"""Of two that go together none has more than so many times as long as the other: the call ends by the least patient,
and one in a hurry would end it for all."""


@dataclass(frozen=True)
class Bounds:
    """`together`: requests of a call at most; `work`: what they may weigh at most; `in_flight`: calls that are out at
    the same time; `waiting`: requests that wait for a call to go out, before the next is refused."""

    together: int = 32
    work: float = float("inf")
    in_flight: int = 2
    waiting: int = 1024


class _Waiting(Generic[Asked, Told]):
    """One request. `since`: when it came; `due`: until when it has time to spare; `until`: when its time is up. `call`:
    what it is part of, once that is out."""

    __slots__ = ("alone", "asked", "call", "due", "outcome", "since", "until", "work")

    def __init__(
        self, asked: Asked, work: float, times: tuple[float, float, float], outcome: asyncio.Future[Told]
    ) -> None:
        self.asked = asked
        self.work = work
        self.since, self.due, self.until = times
        self.outcome = outcome
        self.alone = False
        self.call: _Out | None = None


class _Out:
    """A call that is out, and how many still wait for it."""

    __slots__ = ("task", "waiting")

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        self.task: asyncio.Task[None] | None = None

    def left(self) -> None:
        """One of them waits no more."""
        self.waiting -= 1
        if not self.waiting and self.task is not None:
            self.task.cancel()


class Coalescer(Generic[Asked, Told]):
    """Lives on one event loop. `work`: what a request weighs; one that alone weighs too much goes out alone, and the
    service says what it thinks of it. `waited` is told how long those waited that went out."""

    def __init__(
        self,
        call: Call[Asked, Told],
        bounds: Bounds,
        work: Callable[[Asked], float] = lambda _: 0.0,
        waited: Lately | None = None,
    ) -> None:
        self._call = call
        self._bounds = bounds
        self._work = work
        self._waited = waited
        # In order, and whoever gives up leaves from anywhere at once.
        self._queue: OrderedDict[_Waiting[Asked, Told], None] = OrderedDict()
        self._out = 0
        self._going = False
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0

    async def ask(self, asked: Asked, left_s: float, spare_s: float = 0.0) -> Told:
        """The outcome of one request that has `left_s` seconds, and may spend `spare_s` of them on waiting for company.
        Raises what the service said of it, or of the call; Overloaded when too many wait already, TooLate when its time
        was up before a call could go out."""
        if len(self._queue) >= self._bounds.waiting:
            raise Overloaded("too many requests wait already")
        loop = asyncio.get_running_loop()
        now = loop.time()
        times = now, now + min(spare_s, left_s), now + left_s
        waiting: _Waiting[Asked, Told] = _Waiting(asked, self._work(asked), times, loop.create_future())
        self._queue[waiting] = None
        self._soon(loop)
        try:
            return await waiting.outcome
        except asyncio.CancelledError:
            if waiting.call is not None:
                waiting.call.left()
            else:
                self._queue.pop(waiting, None)
            raise

    def _soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """After whatever else is ready now, which may ask as well; or when the first has no more time to spare."""
        if self._going or self._out >= self._bounds.in_flight or not self._queue:
            return
        due = min(waiting.due for waiting in self._queue)
        if due <= loop.time() or len(self._queue) >= self._bounds.together:
            self._going = True
            loop.call_soon(self._go)
        elif self._alarm is None or due < self._alarm_at:
            self._silence()
            self._alarm, self._alarm_at = loop.call_at(due, self._go, context=Context()), due

    def _silence(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _go(self) -> None:
        self._going = False
        self._silence()
        loop = asyncio.get_running_loop()
        while self._out < self._bounds.in_flight and (batch := self._next(loop.time())):
            self._out += 1
            if self._waited is not None:
                self._waited.note(loop.time() - batch[0].since)
            out = _Out(len(batch))
            for waiting in batch:
                waiting.call = out
            # Not in the context of whoever asked first, which has that one's deadline.
            out.task = loop.create_task(self._send(batch), context=Context())

    def _next(self, now: float) -> list[_Waiting[Asked, Told]]:
        """As many as may go together, in the order in which they came; empty: nobody waits. Those of another patience
        than the first stay in front of the queue."""
        batch: list[_Waiting[Asked, Told]] = []
        others: list[_Waiting[Asked, Told]] = []
        work, least, most = 0.0, 0.0, float("inf")
        while self._queue and len(batch) < self._bounds.together:
            waiting = next(iter(self._queue))
            if waiting.outcome.done():  # has given up in this turn of the loop
                del self._queue[waiting]
                continue
            if waiting.until <= now:
                del self._queue[waiting]
                waiting.outcome.set_exception(TooLate("its time was up before it could be asked"))
                continue
            left = waiting.until - now
            if not least <= left <= most:
                others.append(waiting)
                del self._queue[waiting]
                continue
            least, most = max(least, left / ALIKE), min(most, left * ALIKE)
            work += waiting.work
            if batch and (work > self._bounds.work or waiting.alone):
                break
            batch.append(waiting)
            del self._queue[waiting]
            if waiting.alone:
                break
        for waiting in reversed(others):
            self._queue[waiting] = None
            self._queue.move_to_end(waiting, last=False)
        return batch

    async def _send(self, batch: Sequence[_Waiting[Asked, Told]]) -> None:
        loop = asyncio.get_running_loop()
        try:
            now = loop.time()
            left = [waiting.until - now for waiting in batch]
            within = left[0] if len(batch) == 1 else ALONE_SHARE * min(left)
            asked = [(waiting.asked, each) for waiting, each in zip(batch, left, strict=True)]
            self._settle(batch, await self._call(asked, within))
        except VisrecError as problem:
            self._failed(batch, problem)
        except Exception as problem:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
            failed = Internal("a call that several requests shared failed")
            failed.__cause__ = problem
            self._failed(batch, failed)
        finally:
            self._out -= 1
            self._soon(loop)

    @staticmethod
    def _settle(batch: Sequence[_Waiting[Asked, Told]], outcomes: Sequence[Told | VisrecError]) -> None:
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if waiting.outcome.done():
                continue
            if isinstance(outcome, VisrecError):
                waiting.outcome.set_exception(outcome)
            else:
                waiting.outcome.set_result(outcome)

    def _failed(self, batch: Sequence[_Waiting[Asked, Told]], problem: VisrecError) -> None:
        """The call itself failed. What one of several may be to blame for (a message that grew too large is bad input,
        too), each tries again alone."""
        again = len(batch) > 1 and not isinstance(problem, NotReady | Overloaded)
        for waiting in batch:
            if waiting.outcome.done():
                continue
            if again:
                waiting.alone, waiting.call = True, None
                self._queue[waiting] = None
            else:
                waiting.outcome.set_exception(problem)
