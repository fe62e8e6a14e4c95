"""The bounded queue in front of the workers.

The work is done in other processes, one for each worker, which here is a task that waits for it. A worker takes its
share of what waits, up to `max_batch` photos, which share one run of the network.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from services.embedder.images import to_png
from services.embedder.model import Model, canary_picture
from services.embedder.photo import Embedded, Photo
from services.embedder.seen_cache import SeenCache
from services.embedder.sight import Sight
from services.embedder.worker import Clock, Job, Worker
from services.errors import NotReady, Overloaded


@dataclass(frozen=True)
class QueueLimits:
    """In front of the workers at most `max_waiting` photos, of `max_waiting_bytes` together, that came
    alone, and `max_bulk` that came in bulk; at most `max_batch` in one run; `cache_bytes` of what was seen."""

    max_waiting: int = 64
    max_waiting_bytes: int = 256 * 1024 * 1024
    max_bulk: int = 16
    max_batch: int = 1
    cache_bytes: int = 0


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
        # The last one to fall asleep is the first to be woken: the caches of its process are warm.
        self._idle: list[asyncio.Future[None]] = []
        self._closed = False
        self._photo_ms = 10.0
        self._workers = len(sights)
        self._tasks = [asyncio.create_task(self._work(Worker(model, sight, clock))) for sight in sights]

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
        """Embeds the canary picture, in its turn, as any photo. Raises NotReady when a worker is gone, what `embed`
        raises, and what `Model.check` raises."""
        if any(task.done() for task in self._tasks):
            raise NotReady("a worker of the embedder is gone")
        self._model.check((await self._admit(Photo(self._canary), math.inf, alone=False)).seen)

    async def close(self) -> None:
        """Lets nothing more in, and returns when all that was let in is answered and the processes have ended."""
        self._closed = True
        while self._idle:
            self._idle.pop().set_result(None)
        await asyncio.gather(*self._tasks)

    async def _answer(self, photo: Photo, deadline: float, *, alone: bool) -> Embedded:
        key = None if photo.evidence else self._cache.key(photo.picture)
        if seen := self._cache.get(key):
            return Embedded((photo.head or self._model.head).vectors(seen)[0], seen)
        embedded = await self._admit(photo, deadline, alone=alone)
        self._cache.put(key, embedded.seen)
        return embedded

    def _admit(self, photo: Photo, deadline: float, *, alone: bool) -> asyncio.Future[Embedded]:
        if self._closed:
            raise NotReady("the embedder is shutting down")
        if alone and self._full(len(photo.data)):
            raise Overloaded("too many photos are waiting", retry_after_ms=self._drained_in_ms())
        answer: asyncio.Future[Embedded] = asyncio.get_running_loop().create_future()
        job = Job(photo, deadline, self._clock(), alone, answer)
        self._waiting.append(job)
        self._count(job, 1)
        if self._idle:
            self._idle.pop().set_result(None)
        return answer

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

    async def _work(self, worker: Worker) -> None:
        try:
            while jobs := await self._take():
                started = self._clock()
                if count := await worker.do(jobs):
                    each_ms = 1000 * (self._clock() - started) / count / self._workers
                    self._photo_ms += 0.1 * (each_ms - self._photo_ms)
        finally:
            await worker.close()

    async def _take(self) -> list[Job]:
        """Waits until there is work: one worker's part of what waits. Nothing: closed and drained."""
        while not self._waiting and not self._closed:
            woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._idle.append(woken)
            await woken
        share = min(math.ceil(len(self._waiting) / self._workers), self._limits.max_batch)
        taken = [self._waiting.popleft() for _ in range(share)]
        for job in taken:
            self._count(job, -1)
        return taken
