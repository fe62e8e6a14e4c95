"""Where a search comes in: it finds its catalogue and the state that answers it, and waits for them only if it must."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from services.errors import InvalidInput, Overloaded, TooLate
from services.indexer.index.port import View
from services.indexer.record.catalogue import Wanted
from services.indexer.serving.shelf import Shelf
from services.indexer.serving.shelves import Shelves
from services.indexer.version import Version
from services.spaces import Float32, Space

SHORT_WAIT_S = 0.02
LOOK_UP_S = 0.1
"""Between two looks whether the caller still waits."""


@dataclass(frozen=True)
class Patience:
    """How long a caller waits: `budget_s` from now, and not longer than `wanted` says that somebody still does."""

    budget_s: float
    wanted: Callable[[], bool]


class Attention:
    """A caller's patience that has begun. `clock`: monotonic seconds."""

    def __init__(self, patience: Patience, clock: Callable[[], float]) -> None:
        self._wanted = patience.wanted
        self._clock = clock
        self._until = clock() + patience.budget_s

    def left_s(self) -> float:
        """Seconds, not negative."""
        return max(0.0, self._until - self._clock())

    def within(self, seconds: float) -> Attention:
        """The same caller's, for `seconds` at most."""
        return Attention(Patience(min(seconds, self.left_s()), self._wanted), self._clock)

    def proceed(self) -> None:
        """Raises TooLate when the time is up or nobody waits for the answer any more."""
        if self._clock() >= self._until:
            raise TooLate("the time for this search is up")
        if not self._wanted():
            raise TooLate("nobody waits for this answer any more")


class Desk:
    """`waiting`: how many may wait at once, for a version or for the record; the other threads stay with the searches
    that wait for nothing. `admit`: counts a request of a catalogue, and raises Overloaded when there are too many. Safe
    to use from any number of threads."""

    def __init__(self, shelves: Shelves, waiting: int, admit: Callable[[Shelf], None] = lambda _: None) -> None:
        self._shelves = shelves
        self.admit = admit
        self._waiting = threading.BoundedSemaphore(waiting)

    def shelf(self, name: str) -> Shelf:
        """The catalogue; one that this replica does not have is looked up in the record. Raises InvalidInput without a
        name, NotFound, Overloaded when too many wait already."""
        shelf = self._shelves.known(name)
        if shelf is not None:
            return shelf
        with self.place_to_wait():
            return self.look_up(name)

    def known(self, name: str) -> Shelf | None:
        """The catalogue, None unless this replica has it. Never waits."""
        return self._shelves.known(name)

    def look_up(self, name: str) -> Shelf:
        """As `shelf`, for those who have a place to wait already."""
        if not name:
            raise InvalidInput("catalogue", "is required")
        return self._shelves.get(name)

    def vector(self, shelf: Shelf, item_id: str, space: Space) -> Float32 | None:
        """The vector of an item's first photo in the record, None for no such item or none in this space. Raises
        Overloaded as `shelf`."""
        with self.place_to_wait():
            return self.read_vector(shelf, item_id, space)

    def read_vector(self, shelf: Shelf, item_id: str, space: Space) -> Float32 | None:
        """As `vector`, for those who have a place to wait already."""
        own = shelf.definition.space.name
        record = shelf.catalogue.get([item_id], Wanted((space.name,) if space.name != own else ()))[0]
        rows = record.of_space(space.name, own).vectors if record else None
        return rows[0].astype("float32") if rows is not None and len(rows) else None

    def view(self, shelf: Shelf, space: str, min_version: str, attention: Attention) -> View:
        """A space's state, once it contains the version (a token, empty: at once). Raises SpaceMismatch for a space the
        catalogue does not have, InvalidInput for what is no version of it, TooLate when it was not reached in time,
        Overloaded as `shelf`."""
        if min_version:
            version = self.version(shelf, min_version)
            # Most versions are a few milliseconds away, which any search may wait for.
            if not shelf.reach(version, min(SHORT_WAIT_S, attention.left_s())):
                with self.place_to_wait():
                    while not shelf.reach(version, min(LOOK_UP_S, attention.left_s())):
                        attention.proceed()
        return self.look(shelf, space)

    def version(self, shelf: Shelf, token: str) -> Version:
        """Raises InvalidInput for what is no version of the catalogue."""
        return Version.decode(token, shelf.definition.partitions, "min_version")

    def look(self, shelf: Shelf, space: str) -> View:
        """The state of a space as it is. Raises SpaceMismatch, NotFound for a catalogue that is gone."""
        return shelf.view(space)

    @contextmanager
    def place_to_wait(self) -> Iterator[None]:
        """Raises Overloaded when no place comes free soon."""
        if not self._waiting.acquire(timeout=SHORT_WAIT_S):
            raise Overloaded("too many searches wait already")
        try:
            yield
        finally:
            self._waiting.release()
