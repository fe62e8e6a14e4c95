"""A worker: has photos looked at, a few at a time, and makes each its vector."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from services.embedder.head import Head
from services.embedder.model import Model
from services.embedder.photo import Embedded, Photo
from services.embedder.seen import Seen
from services.embedder.sight import Outcome, Sight, Sighting
from services.errors import Internal, NotReady, TooLate, VisrecError
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
    answer: asyncio.Future[Embedded]


class Worker:
    """For one event loop; it may be given jobs while it works on others."""

    def __init__(self, model: Model, sight: Sight, clock: Clock = time.monotonic) -> None:
        self._model = model
        self._sight = sight
        self._clock = clock

    async def do(self, jobs: Sequence[Job]) -> int:
        """Answers every job, by its embedding or by an error, and returns for how many it looked. Raises NotReady, with
        none of those answered that were due, when it cannot look at present."""
        due = [job for job in jobs if self._is_due(job)]
        if not due:
            return 0
        started = self._clock()
        try:
            outcomes = await self._sight.see([job.photo.picture for job in due])
        except NotReady:
            raise
        except Exception as problem:  # noqa: BLE001 - whatever happens, the callers get an answer and the worker lives
            for job in due:
                fail(job, _internal(problem))
            return len(due)
        self._embed(due, outcomes, started)
        return len(due)

    def _is_due(self, job: Job) -> bool:
        """Neither given up nor late."""
        if not job.answer.done() and self._clock() >= job.deadline:
            fail(job, TooLate(LATE))
        return not job.answer.done()

    def _embed(self, jobs: Sequence[Job], outcomes: Sequence[Outcome], started: float) -> None:
        good: list[tuple[Job, Sighting]] = []
        for job, outcome in zip(jobs, outcomes, strict=True):
            if isinstance(outcome, VisrecError):
                fail(job, outcome)
            else:
                good.append((job, outcome))
        if not good:
            return
        vectors = vectors_of([sighting.seen for _, sighting in good], [self._head(job) for job, _ in good])
        for (job, sighting), vector in zip(good, vectors, strict=True):
            try:
                evidence = self._head(job).evidence(sighting.seen) if job.photo.evidence else None
            except VisrecError as problem:
                fail(job, problem)
                continue
            queue_ms = 1000 * (started - job.since)
            if not job.answer.done():
                job.answer.set_result(
                    Embedded(vector, sighting.seen, evidence, queue_ms, sighting.decode_ms, sighting.network_ms)
                )

    def _head(self, job: Job) -> Head:
        return job.photo.head or self._model.head


def fail(job: Job, problem: VisrecError) -> None:
    """Unless the caller has given up."""
    if not job.answer.done():
        job.answer.set_exception(problem)


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


def _internal(problem: Exception) -> Internal:
    """A new error for each caller, with the cause for the log."""
    error = Internal("the photo could not be embedded")
    error.__cause__ = problem
    return error
