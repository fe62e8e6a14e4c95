"""The use cases of long work: who asks for it gets an operation, and a workshop of some replica does it."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from services.errors import InvalidInput, NotFound, Refused
from services.indexer.definition import RandomBytes
from services.indexer.index.port import Index, Proceed
from services.indexer.operations.operation import Operation, Operations, Subject
from services.indexer.operations.remake import remake
from services.indexer.operations.workshop import Task, Work
from services.indexer.record import reading
from services.indexer.serving.shelf import Shelf
from services.indexer.serving.shelves import Shelves
from services.indexer.writing.embedder import Embedder
from services.indexer.writing.pieces import Request

DEFAULT_PAGE = 20
MAX_PAGE = 100
LOOKED_AT = 100
READY_WAIT_S = 0.5

Save = Callable[[Shelf, Proceed], int]
"""Writes snapshots of all indexes of a shelf, and says how many. Raises OSError."""

_PLACE = struct.Struct(">Q")


@dataclass(frozen=True)
class Surroundings:
    """`replica`: the name of this one. `now_us`: microseconds since 1970."""

    replica: str
    now_us: Callable[[], int]
    random_bytes: RandomBytes


class Commissions:
    """Safe to use from any number of threads."""

    def __init__(self, shelves: Shelves, operations: Operations, surroundings: Surroundings) -> None:
        self._shelves = shelves
        self._operations = operations
        self._replica = surroundings.replica
        self._now_us = surroundings.now_us
        self._random_bytes = surroundings.random_bytes

    def remake(self, catalogue: str, space: str, request: Request) -> Operation:
        """Raises NotFound, Refused for the own space, one that is being made, Conflict, Overloaded."""
        request.check()
        shelf = self._shelf(catalogue)
        layout = shelf.catalogue.layout()
        if layout.require(space) == layout.own:
            raise Refused("the vectors of a catalogue's own space come with its items", reason="OWN_SPACE")
        definition = shelf.definition
        subject = Subject("remake", definition.name, definition.incarnation, space)
        # Of this catalogue alone: others, and one of the same name that comes later, have ids of their own.
        whose = f"remake:{definition.name}.{definition.incarnation}"
        return self._operations.begin(self._new(subject), request.receipt(whose))

    def on_replicas(self, kind: str, catalogue: str, *, all_replicas: bool) -> tuple[Operation, list[Operation]]:
        """A `rebuild` or a `snapshot`: this replica's, and those of the others if all are meant. What one of them does
        already is answered as it is. Raises NotFound, Overloaded."""
        definition = self._shelf(catalogue).definition
        others = [one for one in self._operations.replicas() if one != self._replica] if all_replicas else []
        begun = []
        for replica in (self._replica, *others):
            subject = Subject(kind, definition.name, definition.incarnation, replica=replica)
            try:
                begun.append(self._operations.begin(self._new(subject), None))
            except Refused as busy:
                begun.append(self._operations.get(busy.metadata["operation"]))
        return begun[0], begun[1:]

    def get(self, name: str) -> Operation:
        """Raises NotFound."""
        return self._operations.get(name)

    def cancel(self, name: str) -> Operation:
        """As it stands now; it stops soon. Raises NotFound."""
        return self._operations.stop(name)

    def page(self, catalogue: str, size: int, token: str) -> tuple[Sequence[Operation], str]:
        """Newest first, and the token of the next page. Raises InvalidInput."""
        wanted = reading.page_size(size, DEFAULT_PAGE, MAX_PAGE)
        place = _decode(token) if token else None
        found: list[Operation] = []
        while len(found) <= wanted:
            some = self._operations.newest(place, LOOKED_AT)
            found += [one for one in some if catalogue in ("", one.subject.catalogue)]
            if len(some) < LOOKED_AT:
                break
            place = (some[-1].started_us, some[-1].name)
        page = found[:wanted]
        return page, _encode(page[-1]) if len(found) > wanted else ""

    def _new(self, subject: Subject) -> Operation:
        name = f"{subject.kind}-{self._random_bytes(8).hex()}"
        return Operation(name, subject, self._now_us(), replica=subject.replica)

    def _shelf(self, catalogue: str) -> Shelf:
        if not catalogue:
            raise InvalidInput("catalogue", "is required")
        return self._shelves.get(catalogue)


class _Works:
    def __init__(self, shelves: Shelves, embedder: Embedder, save: Save) -> None:
        self._shelves = shelves
        self._embedder = embedder
        self._save = save

    def remake(self, task: Task) -> None:
        remake(self._shelf(task), self._embedder, task)

    def rebuild(self, task: Task) -> None:
        shelf = self._shelf(task)
        indexes = list(shelf.indexes.values())
        for number, index in enumerate(indexes):
            index.rebuild(partial(self._proceed, task, shelf, index))
            task.advance(task.progress.at(number + 1, len(indexes), rebuilt=number + 1))

    def snapshot(self, task: Task) -> None:
        try:
            written = self._save(self._shelf(task), task.proceed)
        except OSError as problem:
            raise Refused(f"the snapshot cannot be written: {problem.strerror}", reason="SNAPSHOT_FAILED") from problem
        task.advance(task.progress.at(written, written, written=written))

    def _proceed(self, task: Task, shelf: Shelf, index: Index) -> None:
        task.proceed()
        self._shelves.require(shelf, index)

    def _shelf(self, task: Task) -> Shelf:
        subject = task.operation.subject
        shelf = task.patiently(lambda: self._shelves.get(subject.catalogue))
        if shelf.definition.incarnation != subject.incarnation:
            raise NotFound("catalogue", subject.catalogue)
        while not shelf.wait_until_ready(READY_WAIT_S):
            task.proceed()
            # One that is closed while it is still being read will never be ready.
            if self._shelves.known(subject.catalogue) is not shelf:
                raise NotFound("catalogue", subject.catalogue)
        return shelf


def works(shelves: Shelves, embedder: Embedder, save: Save) -> Mapping[str, Work]:
    """How each kind of operation is done."""
    made = _Works(shelves, embedder, save)
    return {"remake": made.remake, "rebuild": made.rebuild, "snapshot": made.snapshot}


def _encode(operation: Operation) -> str:
    return base64.urlsafe_b64encode(_PLACE.pack(operation.started_us) + operation.name.encode()).decode()


def _decode(token: str) -> tuple[int, str]:
    with suppress(ValueError, struct.error):
        data = base64.urlsafe_b64decode(token.encode("ascii"))
        (started_us,) = _PLACE.unpack_from(data)
        return started_us, data[_PLACE.size :].decode()
    raise InvalidInput("page_token", "is not a token of this list")
