"""The bounded queue in front of the workers.

The work is done in other processes, one for each worker. A worker takes its share of what waits, up to `max_batch`
photos: alone a photo is embedded at once, and under load several share one hand-over and one run of the network. While
it works on one batch, it may be handed the next.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.embedder.images import to_png
from services.embedder.model import Model, canary_picture
from services.embedder.photo import Embedded, Photo
from services.embedder.seen_cache import SeenCache
from services.embedder.sight import Sight
from services.embedder.worker import Clock, Job, Worker, fail
from services.errors import NotReady, Overloaded, VisrecError

_WORTH_AHEAD: Final = 2
"""Photos that must wait before a busy worker is given more: fewer would rather go together with those to come."""

_REST_S, _LONGEST_REST_S = 0.1, 5.0
"""Pause after which a worker that cannot see tries again; it doubles."""


@dataclass(frozen=True)
class QueueLimits:
    """In front of the workers at most `max_waiting` photos, of `max_waiting_bytes` together, that came alone, and
    `max_bulk` that came in bulk; at most `max_batch` in one run; `max_ahead` batches that a busy worker is given beside
    the one it works on; `cache_bytes` of what was seen."""

    max_waiting: int = 64
    max_waiting_bytes: int = 256 * 1024 * 1024
    max_bulk: int = 16
    max_batch: int = 8
    max_ahead: int = 1
    cache_bytes: int = 0


@dataclass(eq=False)
class _Seat:
    """A worker, how many batches it has, when it was done with the last one, and whether it cannot see at present."""

    worker: Worker
    sight: Sight
    busy: int = 0
    last: float = 0.0
    resting: bool = False


class EmbeddingQueue:
    """Every photo that is let in is answered exactly once: by its embedding or by an error.

    There is a worker for each of the `sights`, which are closed with the queue. `clock` tells seconds and never goes
    back; deadlines are given in its time. For the event loop that it is made on.
    """

    def __init__(
        self, model: Model, sights: Sequence[Sight], limits: QueueLimits, clock: Clock = time.monotonic
    ) -> None:
        self._model = model
        self._limits = limits
        self._canary = to_png(canary_picture(model.card.input_pixels))
        self._cache = SeenCache(limits.cache_bytes)
        self._clock = clock
        self._waiting: deque[Job] = deque()
        self._alone = 0
        self._alone_bytes = 0
        self._bulk = asyncio.Semaphore(limits.max_bulk)
        self._closed = False
        self._drained = asyncio.Event()
        self._photo_ms = 10.0
        self._seats = [_Seat(Worker(model, sight, clock), sight) for sight in sights]
        self._tasks: set[asyncio.Task[None]] = set()

    async def embed(self, photo: Photo, deadline: float = math.inf) -> Embedded:
        """Raises Overloaded at once when the queue is full, NotReady when it is closed, TooLate when the photo's turn
        came after its `deadline`, what `Sight.see` raises or finds, and Internal when the network failed. A caller that
        is cancelled leaves the queue."""
        return await self._answer(photo, deadline, alone=True)

    async def embed_bulk(self, photo: Photo, deadline: float = math.inf) -> Embedded:
        """The same for one of many photos: waits for room instead of raising Overloaded."""
        async with self._bulk:
            return await self._answer(photo, deadline, alone=False)

    def waiting(self) -> int:
        """Photos that no worker has taken yet."""
        return len(self._waiting)

    async def check(self) -> None:
        """Embeds the canary picture, in its turn, as any photo but under no configured limit. Raises what `embed`
        raises, and what `Model.check` does."""
        canary = Photo(self._canary, ours=True)
        self._model.check((await self._wait_for(canary, math.inf, alone=False)).seen)

    async def close(self) -> None:
        """Lets nothing more in, and returns when all that was let in is answered and the processes have ended."""
        self._closed = True
        self._dispatch()
        await self._drained.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(seat.sight.close() for seat in self._seats))

    async def _answer(self, photo: Photo, deadline: float, *, alone: bool) -> Embedded:
        key = None if photo.evidence else self._cache.key(photo.picture)
        if seen := self._cache.get(key):
            return Embedded((photo.head or self._model.head).vectors(seen)[0], seen)
        embedded = await self._wait_for(photo, deadline, alone=alone)
        self._cache.put(key, embedded.seen)
        return embedded

    async def _wait_for(self, photo: Photo, deadline: float, *, alone: bool) -> Embedded:
        if self._closed:
            raise NotReady("the embedder is shutting down")
        if all(seat.resting for seat in self._seats):
            raise _blind()
        if alone and self._full(len(photo.data)):
            raise Overloaded("too many photos are waiting", retry_after_ms=self._drained_in_ms())
        job = Job(photo, deadline, self._clock(), alone, asyncio.get_running_loop().create_future())
        self._enter(job)
        self._dispatch()
        try:
            return await job.answer
        except asyncio.CancelledError:
            # Its file need not be kept until its turn comes.
            if job in self._waiting:
                self._waiting.remove(job)
                self._count(job, -1)
            raise

    def _enter(self, job: Job, *, first: bool = False) -> None:
        (self._waiting.appendleft if first else self._waiting.append)(job)
        self._count(job, 1)

    def _full(self, more_bytes: int) -> bool:
        """An empty queue takes any photo."""
        limits = self._limits
        if not self._alone:
            return False
        return self._alone >= limits.max_waiting or self._alone_bytes + more_bytes > limits.max_waiting_bytes

    def _count(self, job: Job, times: int) -> None:
        """What waits, of those that came alone."""
        if job.alone:
            self._alone += times
            self._alone_bytes += times * len(job.photo.data)

    def _drained_in_ms(self) -> int:
        """How long the workers need for half of a full queue: by then there is room for those who come back."""
        return max(1, round(self._photo_ms * self._limits.max_waiting / 2))

    def _dispatch(self) -> None:
        """Gives what waits to workers that have room, the warmest first."""
        while self._waiting and (seat := self._free_seat()):
            share = min(math.ceil(len(self._waiting) / len(self._seats)), self._limits.max_batch)
            jobs = [self._waiting.popleft() for _ in range(share)]
            for job in jobs:
                self._count(job, -1)
            seat.busy += 1
            self._begin(self._do(seat, jobs))
        if self._closed and not self._waiting and not any(seat.busy for seat in self._seats):
            self._drained.set()

    def _free_seat(self) -> _Seat | None:
        """One that has nothing to do, and did last: the caches of its process are warm. Or, where a whole batch waits,
        one that is busy: it finds the next request when it is done with this one."""
        able = [seat for seat in self._seats if not seat.resting]
        if idle := [seat for seat in able if not seat.busy]:
            return max(idle, key=lambda seat: seat.last)
        if len(self._waiting) < max(_WORTH_AHEAD, self._limits.max_batch):
            return None
        return next((seat for seat in able if seat.busy <= self._limits.max_ahead), None)

    async def _do(self, seat: _Seat, jobs: list[Job]) -> None:
        started = self._clock()
        try:
            if count := await seat.worker.do(jobs):
                each_ms = 1000 * (self._clock() - started) / count / len(self._seats)
                self._photo_ms += 0.1 * (each_ms - self._photo_ms)
        except NotReady:
            self._rest(seat, jobs)
        finally:
            seat.busy -= 1
            seat.last = self._clock()
            self._dispatch()

    def _rest(self, seat: _Seat, jobs: list[Job]) -> None:
        """The worker cannot see, and gets no more until it can; the others take what it had, if there are any."""
        if not seat.resting:
            seat.resting = True
            self._begin(self._recover(seat))
        for job in reversed([job for job in jobs if not job.answer.done()]):
            self._enter(job, first=True)
        if self._closed or all(seat.resting for seat in self._seats):
            while self._waiting:
                job = self._waiting.popleft()
                self._count(job, -1)
                fail(job, _blind())

    async def _recover(self, seat: _Seat) -> None:
        pause_s = _REST_S
        while True:
            await asyncio.sleep(pause_s)
            try:
                await seat.sight.ready()
            except VisrecError:
                pause_s = min(_LONGEST_REST_S, 2 * pause_s)
            else:
                break
        seat.resting = False
        self._dispatch()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _blind() -> NotReady:
    return NotReady("no process of the embedder can see at present", reason="EYE_NOT_READY")
