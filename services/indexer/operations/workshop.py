"""Where long work is done: one thread a replica, one operation after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from services.errors import Internal, NotReady, Overloaded, TooLate, VisrecError
from services.indexer.operations.operation import Operation, Operations, Outcome, Progress, State, TakenOver, Worker

LOOK_EVERY_S = 0.5
"""Between two looks for something to do."""
REPORT_EVERY_S = 0.4
"""Between two reports, each of which also asks whether to stop."""
PATIENCE_S = 600.0
"""How long another service may be away before the work has failed."""
PAUSE_S = 1.0

Result = TypeVar("Result")


class Stopped(Exception):
    """Somebody asked for the operation to stop."""


class Leaving(Exception):
    """The process ends; another one goes on with the operation."""


@dataclass(frozen=True)
class Surroundings:
    """`clock`: monotonic seconds; `now_us`: microseconds since 1970; `report`: told what failed and is tried again."""

    clock: Callable[[], float]
    now_us: Callable[[], int]
    report: Callable[[str, Exception], None]


class Task:
    """One operation in the hands of its worker. What the heart beats is told to it from another thread."""

    def __init__(self, operation: Operation, clock: Callable[[], float]) -> None:
        self.operation = operation
        self.progress = operation.progress
        self._clock = clock
        self._given_up = threading.Event()
        self._why: Exception | None = None

    def proceed(self) -> None:
        """To be called again and again. Raises Stopped, Leaving, TakenOver."""
        if self._why is not None:
            raise self._why

    def advance(self, progress: Progress) -> None:
        """So far it has come. Raises as `proceed`."""
        self.progress = progress
        self.proceed()

    def give_up(self, why: Exception) -> None:
        """Makes it end by `why` at its next step."""
        self._why = self._why or why
        self._given_up.set()

    def patiently(self, call: Callable[[], Result]) -> Result:
        """The result of a call to something that may be away for a while. Raises what it raises in the end, and as
        `proceed`."""
        until = self._clock() + PATIENCE_S
        while True:
            self.proceed()
            try:
                return call()
            except (NotReady, Overloaded, TooLate):
                if self._clock() >= until:
                    raise
            self._given_up.wait(PAUSE_S)


Work = Callable[[Task], None]
"""Does one kind of operation. Raises what `Task` raises, or a VisrecError that says why it failed."""


class Workshop:
    """`works`: how each kind of operation is done."""

    def __init__(
        self, operations: Operations, worker: Worker, works: Mapping[str, Work], surroundings: Surroundings
    ) -> None:
        self._operations = operations
        self._worker = worker
        self._works = works
        self._clock = surroundings.clock
        self._now_us = surroundings.now_us
        self._report = surroundings.report
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="workshop", daemon=True)

    def start(self) -> None:
        """Begins to look for something to do."""
        self._thread.start()

    def close(self, timeout_s: float) -> None:
        """Leaves what is under way to others, and waits until that is said."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def look(self) -> bool:
        """Does the next operation, if there is one."""
        operation = self._operations.claim(self._worker)
        if operation is not None:
            self._do(operation)
        return operation is not None

    def _run(self) -> None:
        while not self._leaving.wait(LOOK_EVERY_S):
            try:
                while self.look() and not self._leaving.is_set():
                    pass
            except Exception as problem:  # noqa: BLE001 - without this thread nothing would be done any more
                self._report("", problem)

    def _do(self, operation: Operation) -> None:
        task = Task(operation, self._clock)
        done = threading.Event()
        # A step may take longer than a lease: a build waits for another one of the same index.
        heart = threading.Thread(target=self._beat, args=(task, done), name="heartbeat", daemon=True)
        heart.start()
        try:
            outcome = self._outcome(task)
        finally:
            done.set()
            heart.join()
        if outcome is not None:
            self._end(task, outcome)

    def _outcome(self, task: Task) -> Outcome | None:
        """How the operation ended; None: it has not, or not here."""
        operation = task.operation
        outcome = Outcome(State.DONE, task.progress, 0)
        try:
            task.proceed()
            self._works[operation.subject.kind](task)
        except TakenOver:
            return None
        except Leaving:
            self._operations.release(operation.name, self._worker)
            return None
        except Stopped:
            outcome = replace(outcome, state=State.CANCELLED)
        except VisrecError as problem:
            outcome = replace(outcome, state=State.FAILED, error=problem)
        except Exception as problem:  # noqa: BLE001 - a bug in one kind of work must not end the others
            self._report(operation.subject.catalogue, problem)
            outcome = replace(outcome, state=State.FAILED, error=Internal("something failed on our side"))
        return replace(outcome, progress=task.progress, ended_us=self._now_us())

    def _end(self, task: Task, outcome: Outcome) -> None:
        """Says so, as soon as the store can be reached. Until then another worker may have taken it over."""
        name = task.operation.name
        while True:
            try:
                return self._operations.end(name, self._worker, outcome)
            except TakenOver:
                return None
            except (NotReady, TooLate):
                if self._leaving.wait(PAUSE_S):
                    return None

    def _beat(self, task: Task, done: threading.Event) -> None:
        """Keeps the lease and tells the task what it should know."""
        while not done.is_set():
            if self._leaving.is_set():
                task.give_up(Leaving())
            try:
                if self._operations.report(task.operation.name, self._worker, task.progress):
                    task.give_up(Stopped())
            except TakenOver as taken:
                task.give_up(taken)
                return
            except Exception as problem:  # noqa: BLE001 - the store is away; the work itself may still go on
                self._report(task.operation.subject.catalogue, problem)
            done.wait(REPORT_EVERY_S)
