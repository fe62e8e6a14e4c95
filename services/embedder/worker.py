"""A worker: decodes photos one by one, runs the network over them together, and makes each its vector."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from services.embedder.decoding import Decoder
from services.embedder.head import Head
from services.embedder.model import Model
from services.embedder.photo import Embedded, Photo
from services.embedder.seen import Seen
from services.errors import Internal, TooLate, VisrecError
from services.spaces import Float32

Clock = Callable[[], float]

LATE: Final = "the deadline passed while the photo waited"


@dataclass(frozen=True, eq=False)
class Job:
    """A photo on its way. `deadline` and `since` are in the time of the queue's clock."""

    photo: Photo
    deadline: float
    since: float
    alone: bool
    answer: Future[Embedded] = field(default_factory=Future)


@dataclass(frozen=True, eq=False)
class _Read:
    """A photo whose views are the `rows` of the worker's pixels."""

    job: Job
    rows: slice
    queue_ms: float
    decode_ms: float


class Worker:
    """Used by one thread. Holds the pixels of a batch, which are written again for each one; `max_rows` views at most,
    or those of one photo if it has more."""

    def __init__(self, model: Model, decoder: Decoder, max_rows: int, clock: Clock = time.monotonic) -> None:
        side = model.card.input_pixels
        self._model = model
        self._decoder = decoder
        self._pixels = np.empty((max_rows, side, side, 3), dtype=np.uint8)
        self._clock = clock

    def do(self, jobs: Sequence[Job]) -> int:
        """Answers every job, by its embedding or by an error, and returns for how many the network was run. Their views
        must fit into `max_rows` together."""
        read: list[_Read] = []
        for job in jobs:
            start = read[-1].rows.stop if read else 0
            if (ready := self._read(job, start)) is not None:
                read.append(ready)
        # Decoding the others took its time.
        read = [ready for ready in read if not self._is_late(ready.job)]
        if read:
            self._run(read)
        return len(read)

    def close(self) -> None:
        """Ends the decoder."""
        self._decoder.close()

    def _is_late(self, job: Job) -> bool:
        late = self._clock() >= job.deadline
        if late:
            job.answer.set_exception(TooLate(LATE))
        return late

    def _read(self, job: Job, start: int) -> _Read | None:
        """None when the job needs no run of the network: given up, late, or its picture is bad."""
        if not job.answer.set_running_or_notify_cancel() or self._is_late(job):
            return None
        started, picture = self._clock(), job.photo.picture
        rows = slice(start, start + picture.views)
        try:
            self._decoder.read(picture, self._pixels[rows])
        except Exception as problem:  # noqa: BLE001 - whatever happens, the caller gets an answer and the worker lives
            job.answer.set_exception(in_family(problem))
            return None
        return _Read(job, rows, 1000 * (started - job.since), 1000 * (self._clock() - started))

    def _run(self, read: Sequence[_Read]) -> None:
        started = self._clock()
        try:
            seen = self._look(read)
            photos = [ready.job.photo for ready in read]
            heads = [photo.head or self._model.head for photo in photos]
            vectors = vectors_of(seen, heads)
            evidence = [
                head.evidence(one) if photo.evidence else None
                for photo, head, one in zip(photos, heads, seen, strict=True)
            ]
        except Exception as problem:  # noqa: BLE001 - as above
            for ready in read:
                ready.job.answer.set_exception(in_family(problem))
            return
        network_ms = 1000 * (self._clock() - started)
        for ready, vector, one, split in zip(read, vectors, seen, evidence, strict=True):
            ready.job.answer.set_result(Embedded(vector, one, split, ready.queue_ms, ready.decode_ms, network_ms))

    def _look(self, read: Sequence[_Read]) -> list[Seen]:
        pixels = self._pixels[: read[-1].rows.stop]
        seen = self._model.look(pixels)
        if len(seen) != len(pixels):
            raise ValueError(f"{len(pixels)} pictures in, {len(seen)} out")
        each = (seen.rows(ready.rows) for ready in read)
        return [one if len(one) == 1 else one.mean() for one in each]


def vectors_of(seen: Sequence[Seen], heads: Sequence[Head]) -> list[Float32]:
    """The vector of each picture by its head. Pictures of one head share a matrix product."""
    places: dict[int, list[int]] = {}
    for place, head in enumerate(heads):
        places.setdefault(id(head), []).append(place)
    found: dict[int, Float32] = {}
    for together in places.values():
        vectors = heads[together[0]].vectors(Seen.together([seen[place] for place in together]))
        found.update(zip(together, vectors, strict=True))
    return [found[place] for place in range(len(seen))]


def in_family(problem: Exception) -> VisrecError:
    """A new error for each caller, with the cause for the log."""
    if isinstance(problem, VisrecError):
        return problem
    error = Internal("the photo could not be embedded")
    error.__cause__ = problem
    return error
