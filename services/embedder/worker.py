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
from services.embedder.sight import Sight, Sighting
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
    answer: asyncio.Future[Embedded]


class Worker:
    """One task of an event loop."""

    def __init__(self, model: Model, sight: Sight, clock: Clock = time.monotonic) -> None:
        self._model = model
        self._sight = sight
        self._clock = clock

    async def do(self, jobs: Sequence[Job]) -> int:
        """Answers every job, by its embedding or by an error, and returns for how many it looked."""
        due = [job for job in jobs if self._is_due(job)]
        if not due:
            return 0
        started = self._clock()
        try:
            await self._embed(due, started)
        except Exception as problem:  # noqa: BLE001 - whatever happens, the callers get an answer and the worker lives
            for job in due:
                _fail(job, in_family(problem))
        return len(due)

    async def close(self) -> None:
        """Closes its sight."""
        await self._sight.close()

    def _is_due(self, job: Job) -> bool:
        """Neither given up nor late."""
        if not job.answer.done() and self._clock() >= job.deadline:
            _fail(job, TooLate(LATE))
        return not job.answer.done()

    async def _embed(self, jobs: Sequence[Job], started: float) -> None:
        outcomes = await self._sight.see([job.photo.picture for job in jobs])
        good: list[tuple[Job, Sighting]] = []
        for job, outcome in zip(jobs, outcomes, strict=True):
            if isinstance(outcome, VisrecError):
                _fail(job, outcome)
            else:
                good.append((job, outcome))
        if not good:
            return
        heads = [job.photo.head or self._model.head for job, _ in good]
        vectors = vectors_of([sighting.seen for _, sighting in good], heads)
        for (job, sighting), head, vector in zip(good, heads, vectors, strict=True):
            seen = sighting.seen
            evidence = head.evidence(seen) if job.photo.evidence else None
            queue_ms = 1000 * (started - job.since)
            if not job.answer.done():
                job.answer.set_result(
                    Embedded(vector, seen, evidence, queue_ms, sighting.decode_ms, sighting.network_ms)
                )


def _fail(job: Job, problem: VisrecError) -> None:
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


def in_family(problem: Exception) -> VisrecError:
    """A new error for each caller, with the cause for the log."""
    if isinstance(problem, VisrecError):
        return problem
    error = Internal("the photo could not be embedded")
    error.__cause__ = problem
    return error
