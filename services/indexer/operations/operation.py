"""A piece of long work as everybody sees it, and the port to where all of them are kept.

Whoever does it holds a lease and renews it with every report. One whose lease ran out has died: another replica takes
its work over, from the last checkpoint. Work that only one replica can do waits for that one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from services.errors import NotFound, NotReady, Overloaded, Refused, VisrecError
from services.indexer.record.catalogue import Receipt

MAX_RUNNING = 16
"""Of all replicas together, those that wait included."""
LEASE_S = 10.0
"""Longer than any single step of the work: a step ends with a report."""
GONE_S = 60.0
"""A replica that was not there for so long does not do what it was to do."""


class State(Enum):
    """Where it stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Subject:
    """What is done to what. `space` empty: all of them. `replica`: the one that must do it, empty: any may. There is
    one running operation of a subject at a time."""

    kind: str
    catalogue: str
    incarnation: str
    space: str = ""
    replica: str = ""


@dataclass(frozen=True)
class Progress:
    """`done` of `total` items, what came of them by kind, and from where another one can go on."""

    done: int = 0
    total: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    checkpoint: str = ""

    def at(self, done: int, total: int, **counts: int) -> Progress:
        """Further on, with these counts beside the others."""
        return replace(self, done=done, total=total, counts={**self.counts, **counts})


@dataclass(frozen=True)
class Operation:
    """`replica`: who does it, or is to do it. Times in microseconds since 1970, `ended_us` 0 while it runs."""

    name: str
    subject: Subject
    started_us: int
    state: State = State.RUNNING
    progress: Progress = field(default_factory=Progress)
    error: VisrecError | None = None
    ended_us: int = 0
    replica: str = ""
    stopping: bool = False


@dataclass(frozen=True)
class Worker:
    """A process. `replica` stays the same when it is started anew, `token` does not."""

    replica: str
    token: str


@dataclass(frozen=True)
class Outcome:
    """How an operation ended."""

    state: State
    progress: Progress
    ended_us: int
    error: VisrecError | None = None


class TakenOver(Exception):
    """The operation is no longer this worker's: its lease ran out and somebody else has it, or it has ended."""


class Operations(ABC):
    """Safe to use from any number of threads. Every method raises NotReady when the store cannot be reached."""

    @abstractmethod
    def begin(self, operation: Operation, receipt: Receipt | None) -> Operation:
        """Keeps a new one for a worker to find; with the same receipt the answer of the first time.

        Raises Conflict for a receipt with another digest, Refused when its subject has a running one, Overloaded when
        there are too many.
        """

    @abstractmethod
    def get(self, name: str) -> Operation:
        """Raises NotFound."""

    @abstractmethod
    def newest(self, before: tuple[int, str] | None, count: int) -> Sequence[Operation]:
        """Newest first, those that come after one of that `started_us` and name."""

    @abstractmethod
    def stop(self, name: str) -> Operation:
        """Asks it to stop; one that nobody does has ended at once. Raises NotFound."""

    @abstractmethod
    def replicas(self) -> Sequence[str]:
        """Those that are there."""

    @abstractmethod
    def claim(self, worker: Worker) -> Operation | None:
        """The oldest that this worker, which does nothing else, may do; it is its own then. Says that its replica is
        there. What a process of the same replica had before it is its to go on with. Those whose replica is gone have
        failed."""

    @abstractmethod
    def report(self, name: str, worker: Worker, progress: Progress) -> bool:
        """Keeps the lease and the progress; whether it shall stop. Raises TakenOver."""

    @abstractmethod
    def release(self, name: str, worker: Worker) -> None:
        """Leaves it for another worker to go on with at once."""

    @abstractmethod
    def end(self, name: str, worker: Worker, outcome: Outcome) -> None:
        """It has ended. Raises TakenOver."""


def unknown(name: str) -> NotFound:
    """The error of a name that nobody has."""
    return NotFound("operation", name)


def too_many() -> Overloaded:
    """The error of one operation too many."""
    return Overloaded(
        f"{MAX_RUNNING} operations are under way or wait", retry_after_ms=10_000, reason="TOO_MANY_OPERATIONS"
    )


def busy(name: str) -> Refused:
    """The error of a subject that has a running operation."""
    return Refused(f"operation {name!r} does that already", reason="OPERATION_RUNNING", metadata={"operation": name})


def replica_gone() -> NotReady:
    """Why an operation failed that only a replica could do that is no more."""
    return NotReady("the replica that was to do it is gone", reason="REPLICA_GONE")
