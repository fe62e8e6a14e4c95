"""A catalogue that did not answer is left alone for a moment, so that who does not need it need not wait for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.errors import NotReady, Overloaded
from services.profile.catalogue.items import Items, Resolved
from services.spaces import Float16, Space

REST_MS = 1000
MOST = 1024


class PatientItems(Items):
    """Over the `items` given, which are closed with it. `now_ms` is the clock, milliseconds since 1970.

    Where only a caller had no time (TooLate), the next one may have.

    Which space is a catalogue's present one is remembered for as long: it is asked for with every look at people who
    have done nothing yet.
    """

    def __init__(self, items: Items, now_ms: Callable[[], int]) -> None:
        self._items = items
        self._now_ms = now_ms
        self._failures: dict[str, tuple[int, NotReady | Overloaded]] = {}
        self._present: dict[tuple[str, str], tuple[int, Resolved]] = {}

    def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
        self._let_rest(catalogue)
        until_ms, present = self._present.get((catalogue, space), (0, None))
        if not item_ids and present is not None and self._now_ms() < until_ms:
            return present
        try:
            resolved = self._items.resolve(catalogue, item_ids, space)
        except (NotReady, Overloaded) as problem:
            self._remember(catalogue, problem)
            raise
        self._failures.pop(catalogue, None)
        if not item_ids:
            if len(self._present) >= MOST:
                self._present.clear()
            self._present[catalogue, space] = (self._now_ms() + REST_MS, resolved)
        return resolved

    def carrying(self, catalogue: str, space: Space, word: str, limit: int) -> Sequence[Float16]:
        self._let_rest(catalogue)
        try:
            return self._items.carrying(catalogue, space, word, limit)
        except (NotReady, Overloaded) as problem:
            self._remember(catalogue, problem)
            raise

    def _remember(self, catalogue: str, problem: NotReady | Overloaded) -> None:
        if len(self._failures) >= MOST:
            self._failures.clear()
        self._failures[catalogue] = (self._now_ms() + REST_MS, problem)

    def _let_rest(self, catalogue: str) -> None:
        # Read once: whoever asked before it failed may be answered meanwhile.
        until_ms, problem = self._failures.get(catalogue, (0, None))
        if problem is not None and self._now_ms() < until_ms:
            raise problem

    def rests(self, catalogue: str) -> bool:
        """Whether to ask now would only tell of the last failure."""
        until_ms, _ = self._failures.get(catalogue, (0, None))
        return self._now_ms() < until_ms

    def close(self) -> None:
        self._items.close()
