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

import numpy as np

from services.embedder.images import DEFAULT_LIMITS, WHOLE, Box, Limits, Pixels, read_picture
from services.embedder.model import Model
from services.embedder.room import PixelRoom
from services.errors import Internal, NotReady, Overloaded, TooLate, VisrecError
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
    """`workers` threads; in front of them at most `max_waiting` photos, of `max_waiting_bytes` together, that came
    alone, and `max_bulk` that came in bulk; at most `max_batch` in one run."""

    workers: int = 2
    max_waiting: int = 64
    max_waiting_bytes: int = 256 * 1024 * 1024
    max_bulk: int = 16
    max_batch: int = 4


@dataclass(frozen=True, eq=False)
class _Job:
    photo: Photo
    deadline: float
    since: float
    alone: bool
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
        self, model: Model, queue: QueueLimits, pictures: Limits = DEFAULT_LIMITS, clock: Clock = time.monotonic
    ) -> None:
        self._model = model
        self._limits = queue
        self._pictures = pictures
        # All workers together decode no more at a time than one of them may.
        self._room = PixelRoom(pictures.max_pixels)
        self._clock = clock
        self._waiting: deque[_Job] = deque()
        self._alone = 0
        self._alone_bytes = 0
        self._bulk = asyncio.Semaphore(queue.max_bulk)
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
        came after its `deadline`, what `read_picture` raises, and Internal when the model failed. A caller that is
        cancelled leaves the queue."""
        return await self._answer(_Job(photo, deadline, since=self._clock(), alone=True))

    async def embed_bulk(self, photo: Photo, deadline: float = math.inf) -> Embedded:
        """The same for one of many photos: waits for room instead of raising Overloaded."""
        async with self._bulk:
            return await self._answer(_Job(photo, deadline, since=self._clock(), alone=False))

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
        """Lets nothing more in, and returns when all that was let in is answered."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    async def _answer(self, job: _Job) -> Embedded:
        with self._changed:
            if self._closed:
                raise NotReady("the embedder is shutting down")
            if job.alone and self._full(len(job.photo.data)):
                raise Overloaded("too many photos are waiting", retry_after_ms=self._drained_in_ms())
            self._waiting.append(job)
            self._count(job, 1)
            self._changed.notify()
        return await asyncio.wrap_future(job.answer)

    def _full(self, more_bytes: int) -> bool:
        """An empty queue takes any photo."""
        limits = self._limits
        if not self._alone:
            return False
        return self._alone >= limits.max_waiting or self._alone_bytes + more_bytes > limits.max_waiting_bytes

    def _count(self, job: _Job, times: int) -> None:
        """What waits, of those that came alone."""
        if job.alone:
            self._alone += times
            self._alone_bytes += times * len(job.photo.data)

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
            taken = [self._waiting.popleft() for _ in range(min(share, self._limits.max_batch))]
            for job in taken:
                self._count(job, -1)
            return taken

    def _read(self, job: _Job) -> _Read | None:
        """None when the job needs no run of the network: given up, late, or its picture is bad."""
        if not job.answer.set_running_or_notify_cancel():
            return None
        started = self._clock()
        if started >= job.deadline:
            job.answer.set_exception(TooLate("the deadline passed while the photo waited"))
            return None
        try:
            pixels = self._pixels(job.photo)
        except Exception as problem:  # noqa: BLE001 - whatever happens, the caller gets an answer and the worker lives
            job.answer.set_exception(_in_family(problem))
            return None
        return _Read(job, pixels, 1000 * (started - job.since), 1000 * (self._clock() - started))

    def _pixels(self, photo: Photo) -> Pixels:
        side = self._model.card.input_pixels
        return read_picture(
            photo.data, side, field=photo.field, crop=photo.crop, limits=self._pictures, room=self._room
        )

    def _run(self, read: list[_Read]) -> None:
        started = self._clock()
        try:
            found = self._model.embed(np.stack([ready.pixels for ready in read]))
            answers = list(zip(read, found.vectors, found.features, strict=True))
        except Exception as problem:  # noqa: BLE001 - as above
            for ready in read:
                ready.job.answer.set_exception(_in_family(problem))
            return
        network_ms = 1000 * (self._clock() - started)
        for ready, vector, features in answers:
            ready.job.answer.set_result(Embedded(vector, features, ready.queue_ms, ready.decode_ms, network_ms))


def _in_family(problem: Exception) -> VisrecError:
    """A new error for each caller, with the cause for the log."""
    if isinstance(problem, VisrecError):
        return problem
    error = Internal("the photo could not be embedded")
    error.__cause__ = problem
    return error
