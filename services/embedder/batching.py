"""The bounded queue in front of the workers.

Decoding happens in other processes and the network leaves the interpreter lock, so threads are processors. A worker
takes its share of what waits, up to `max_batch` views: alone a photo is embedded at once, and under load several share
one run of the network.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from services.embedder.decoding import Decoder
from services.embedder.framing import VIEWS
from services.embedder.model import Model
from services.embedder.photo import Embedded, Photo
from services.embedder.seen_cache import SeenCache
from services.embedder.worker import Clock, Job, Worker
from services.errors import NotReady, Overloaded


@dataclass(frozen=True)
class QueueLimits:
    """`workers` threads; in front of them at most `max_waiting` photos, of `max_waiting_bytes` together, that came
    alone, and `max_bulk` that came in bulk; at most `max_batch` views in one run; `cache_bytes` of what was seen."""

    workers: int = 2
    max_waiting: int = 64
    max_waiting_bytes: int = 256 * 1024 * 1024
    max_bulk: int = 16
    max_batch: int = 4
    cache_bytes: int = 0


class EmbeddingQueue:
    """Every photo that is let in is answered exactly once: by its embedding or by an error.

    `open_decoder` makes one for each worker. `clock` tells seconds and never goes back; deadlines are given in its
    time. Used from one event loop.
    """

    def __init__(
        self, model: Model, open_decoder: Callable[[], Decoder], limits: QueueLimits, clock: Clock = time.monotonic
    ) -> None:
        self._model = model
        self._limits = limits
        self._rows = max(limits.max_batch, VIEWS)
        self._cache = SeenCache(limits.cache_bytes)
        self._clock = clock
        self._waiting: deque[Job] = deque()
        self._alone = 0
        self._alone_bytes = 0
        self._bulk = asyncio.Semaphore(limits.max_bulk)
        self._changed = threading.Condition()
        self._closed = False
        self._photo_ms = 10.0
        workers = [Worker(model, open_decoder(), self._rows, clock) for _ in range(limits.workers)]
        self._threads = [
            threading.Thread(target=self._work, args=(worker,), name=f"embed-{number}", daemon=True)
            for number, worker in enumerate(workers)
        ]
        for thread in self._threads:
            thread.start()

    async def embed(self, photo: Photo, deadline: float = math.inf) -> Embedded:
        """Raises Overloaded at once when the queue is full, NotReady when it is closed, TooLate when the photo's turn
        came after its `deadline`, what `Decoder.read` raises, and Internal when the model failed. A caller that is
        cancelled leaves the queue."""
        return await self._answer(photo, deadline, alone=True)

    async def embed_bulk(self, photo: Photo, deadline: float = math.inf) -> Embedded:
        """The same for one of many photos: waits for room instead of raising Overloaded."""
        async with self._bulk:
            return await self._answer(photo, deadline, alone=False)

    def waiting(self) -> int:
        """Photos that no worker has taken yet."""
        with self._changed:
            return len(self._waiting)

    def check(self) -> None:
        """Raises NotReady when a worker is gone, and what `Model.check` raises. Takes one run of the network."""
        if not all(thread.is_alive() for thread in self._threads):
            raise NotReady("a worker of the embedder is gone")
        self._model.check()

    async def close(self) -> None:
        """Lets nothing more in, and returns when all that was let in is answered and the decoders have ended."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    async def _answer(self, photo: Photo, deadline: float, *, alone: bool) -> Embedded:
        key = None if photo.evidence else self._cache.key(photo.picture)
        if seen := self._cache.get(key):
            return Embedded((photo.head or self._model.head).vectors(seen)[0], seen)
        embedded = await asyncio.wrap_future(self._admit(Job(photo, deadline, self._clock(), alone)).answer)
        self._cache.put(key, embedded.seen)
        return embedded

    def _admit(self, job: Job) -> Job:
        with self._changed:
            if self._closed:
                raise NotReady("the embedder is shutting down")
            if job.alone and self._full(len(job.photo.data)):
                raise Overloaded("too many photos are waiting", retry_after_ms=self._drained_in_ms())
            self._waiting.append(job)
            self._count(job, 1)
            self._changed.notify()
        return job

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

    def _work(self, worker: Worker) -> None:
        try:
            while jobs := self._take():
                started = self._clock()
                if count := worker.do(jobs):
                    each_ms = 1000 * (self._clock() - started) / count / self._limits.workers
                    # A moving average; that the workers race for it does not matter to a hint.
                    self._photo_ms += 0.1 * (each_ms - self._photo_ms)
        finally:
            worker.close()

    def _take(self) -> list[Job]:
        """Blocks until there is work; as many jobs as have room for their views. Nothing: closed and drained."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            share = min(math.ceil(len(self._waiting) / self._limits.workers), self._limits.max_batch)
            taken: list[Job] = []
            rows = 0
            while self._waiting and len(taken) < share:
                rows += self._waiting[0].photo.picture.views
                if rows > self._rows:
                    break
                taken.append(self._waiting.popleft())
                self._count(taken[-1], -1)
            return taken
