"""The stages of one answer: each within its share of the time, timed, and named when it is left out."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence
from contextlib import contextmanager
from types import coroutine
from typing import Any, TypeVar

from services.errors import Internal, NotReady, Overloaded, TooLate
from services.ranker.answer import Dropped

T = TypeVar("T")

AWAY = (NotReady, Overloaded, Internal, TooLate)
"""What a service raises that cannot answer now; a bug over there must not take the answer with it."""


ITEMS = "items"
"""Named among the dropped when there are only the ids of the items."""

ITEMS_SHARE = 0.8
"""Of the time that is left reading them may take so much: then ids still come in time."""


class Stages:
    """`budget_s`: seconds for the whole answer from now on. `clock`: seconds, monotonic.

    costs    ms by stage; stages that run side by side each count their own time
    dropped  what was left out so far, in the order in which it was noticed
    """

    def __init__(self, clock: Callable[[], float], budget_s: float) -> None:
        self._clock = clock
        self._end = clock() + budget_s
        self.costs: dict[str, float] = defaultdict(float)
        self.dropped: list[Dropped] = []
        self.weakened = False

    @property
    def left_s(self) -> float:
        """Seconds that are left, 0 when none are."""
        return max(0.0, self._end - self._clock())

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Adds the time that the block takes to `costs[stage]`."""
        start = self._clock()
        try:
            yield
        finally:
            self.costs[stage] += (self._clock() - start) * 1000.0

    def drop(self, signal: str, reason: str, message: str) -> None:
        """Notes that `signal` is left out."""
        self.dropped.append(Dropped(signal, reason, message))

    async def need(self, stage: str, work: Coroutine[Any, Any, T], share: float = 1.0) -> T:
        """The result of `work`, which there is no answer without. Raises TooLate when `share` of the time that is left
        is up."""
        return await self._within(stage, work, share)

    async def spare(
        self, stage: str, service: str, signals: Sequence[str], work: Coroutine[Any, Any, T], share: float
    ) -> T | None:
        """The result of `work`, or None when `service` did not answer within `share` of the time that is left: then
        `signals` are dropped and `weakened` is set. Errors of the request itself are raised."""
        try:
            return await self._within(stage, work, share)
        except TooLate:
            reason, message = "DEADLINE_EXCEEDED", f"the {service} did not answer in time"
        except AWAY:
            reason, message = f"{service.upper()}_UNAVAILABLE", f"the {service} cannot answer now"
        self.weakened = True
        for signal in signals:
            self.drop(signal, reason, message)
        return None

    async def _within(self, stage: str, work: Coroutine[Any, Any, T], share: float) -> T:
        start = self._clock()
        try:
            # What is remembered is there without waiting; then there is nothing to set an alarm for.
            try:
                waiting = work.send(None)
            except StopIteration as done:
                told: T = done.value
                return told
            async with asyncio.timeout(max(0.0, self._end - start) * share):
                return await _resumed(work, waiting)
        except TimeoutError as error:
            raise TooLate(f"stage {stage} did not end in time") from error
        finally:
            self.costs[stage] += (self._clock() - start) * 1000.0


@coroutine
def _resumed(work: Coroutine[Any, Any, T], waiting: Any) -> Generator[Any, Any, T]:
    """Goes on with `work`, which waits for `waiting`, as `await` would have from its beginning."""
    try:
        while True:
            try:
                sent = yield waiting
            except BaseException as problem:  # noqa: BLE001 - it is the work's
                waiting = work.throw(problem)
            else:
                waiting = work.send(sent)
    except StopIteration as done:
        told: T = done.value
        return told


async def side_by_side(*work: Coroutine[Any, Any, Any]) -> list[Any]:
    """The results in order. The first that fails ends the others. A task costs as much as much of an answer, so what is
    alone gets none."""
    if len(work) == 1:
        return [await work[0]]
    tasks = [asyncio.create_task(each) for each in work]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        raise
