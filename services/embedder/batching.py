"""The bounded queue in front of the model, and the threads that decode and embed.

Decoding and the network both leave the interpreter lock, so threads are processors. A worker takes its share of what
waits, up to `max_batch`: alone a photo is embedded at once, and under load several share one run of the network.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from services.embedder.images import WHOLE, Box, Limits, Pixels, read_picture
from services.embedder.model import Model
from services.errors import NotReady, Overloaded, TooLate
from services.spaces import Float32

Clock = Callable[[], float]


@dataclass(frozen=True)
class Photo:
    """A file and the part of it to look at. `field` is its path in the request, for errors to name."""

    data: bytes
    crop: Box = WHOLE
    field: str = "photo"


@dataclass(frozen=True)
class Embedded:
    """`vector` (D,) and `features` (raw_dimension,), float32; what it cost, in milliseconds. Photos that were run
    together share their `network_ms`."""

    vector: Float32
    features: Float32
    queue_ms: float
    decode_ms: float
    network_ms: float


@dataclass(frozen=True)
class QueueLimits:
    """`workers` threads; at most `max_waiting` photos in front of them; at most `max_batch` in one run."""

    workers: int = 2
    max_waiting: int = 64
    max_batch: int = 4


@dataclass(frozen=True, eq=False)
class _Job:
    photo: Photo
    deadline: float
    since: float
    answer: Future[Embedded] = field(default_factory=Future)


@dataclass(frozen=True)
class _Read:
    job: _Job
    pixels: Pixels
    queue_ms: float
    decode_ms: float


class EmbeddingQueue:
    """Every photo that is let in is answered exactly once: by its embedding or by an error.

    `clock` tells seconds and never goes back; deadlines are given in its time. Used from one event loop.
    """

    def __init__(
        self, model: Model, queue: QueueLimits, pictures: Limits = Limits(), clock: Clock = time.monotonic
    ) -> None:
        self._model = model
        self._limits = queue
        self._pictures = pictures
        self._clock = clock
        self._waiting: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._photo_ms = 10.0
        self._threads = [
            threading.Thread(target=self._work, name=f"embed-{number}", daemon=True) for number in range(queue.workers)
        ]
        for thread in self._threads:
            thread.start()

    async def embed(self, photo: Photo, deadline: float = math.inf) -> Embedded:
        """Raises Overloaded at once when the queue is full, NotReady when it is closed, TooLate when the photo's turn
        came after its `deadline`, and what `read_picture` raises. A caller that is cancelled leaves the queue."""
        job = _Job(photo, deadline, since=self._clock())
        with self._changed:
            if self._closed:
                raise NotReady("the embedder is shutting down")
            if len(self._waiting) >= self._limits.max_waiting:
                raise Overloaded("too many photos are waiting", retry_after_ms=self._drained_in_ms())
            self._waiting.append(job)
            self._changed.notify()
        return await asyncio.wrap_future(job.answer)

    def waiting(self) -> int:
        """Photos that no worker has taken yet."""
        with self._changed:
            return len(self._waiting)

    async def close(self) -> None:
        """Lets nothing more in, and returns when all that was let in is answered."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _drained_in_ms(self) -> int:
        """How long the workers need for half of a full queue: by then there is room for those who come back."""
        return max(1, round(self._photo_ms * self._limits.max_waiting / 2))

    def _work(self) -> None:
        while jobs := self._take():
            started = self._clock()
            read = [ready for job in jobs if (ready := self._read(job)) is not None]
            if read:
                self._run(read)
                each_ms = 1000 * (self._clock() - started) / len(read) / self._limits.workers
                # A moving average; that the workers race for it does not matter to a hint.
                self._photo_ms += 0.1 * (each_ms - self._photo_ms)

    def _take(self) -> list[_Job]:
        """Blocks until there is work. Nothing: closed and drained."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            share = math.ceil(len(self._waiting) / self._limits.workers)
            return [self._waiting.popleft() for _ in range(min(share, self._limits.max_batch))]

    def _read(self, job: _Job) -> _Read | None:
        """None when the job needs no run of the network: given up, late, or its picture is bad."""
        if not job.answer.set_running_or_notify_cancel():
            return None
        started = self._clock()
        if started >= job.deadline:
            job.answer.set_exception(TooLate("the deadline passed while the photo waited"))
            return None
        photo = job.photo
        side = self._model.card.input_pixels
        try:
            pixels = read_picture(photo.data, side, field=photo.field, crop=photo.crop, limits=self._pictures)
        except Exception as error:
            job.answer.set_exception(error)
            return None
        return _Read(job, pixels, 1000 * (started - job.since), 1000 * (self._clock() - started))

    def _run(self, read: list[_Read]) -> None:
        started = self._clock()
        try:
            found = self._model.embed(_stacked(read))
        except Exception as error:
            for ready in read:
                ready.job.answer.set_exception(error)
            return
        network_ms = 1000 * (self._clock() - started)
        for ready, vector, features in zip(read, found.vectors, found.features, strict=True):
            ready.job.answer.set_result(Embedded(vector, features, ready.queue_ms, ready.decode_ms, network_ms))
