"""What was recommended lately, to fall back on while nobody can be asked for items.

An item that was in an answer passed that answer's filter a moment ago, so items are remembered by what they had to
pass: a filter that is the same to the last byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from services.ranker.others.latest import Latest
from services.ranker.others.ports import CatalogueItem

FILTERS = 256
ITEMS = 500
"""Remembered at most: of so many filters so many items each, those that were shown last."""

FILTER_SHARE = 4
"""One filter has at most a quarter of it: large items under one filter do not push out all the others."""

MAX_FILTER_BYTES = 16 * 2**10
"""Under a larger filter nothing is remembered, here or elsewhere. Such a one lists what a single caller knows, and
hardly comes again."""


class Shown:
    """Items by catalogue and serialised filter, which they had to pass. `clock`: seconds, monotonic; after `longest_s`
    one is forgotten: it may have been deleted or sold since. All of it takes about `most_bytes` at most."""

    def __init__(
        self,
        clock: Callable[[], float],
        longest_s: float,
        most_bytes: int,
        filters: int = FILTERS,
        items: int = ITEMS,
    ) -> None:
        self._clock = clock
        self._longest_s = longest_s
        self._items = items
        self._each_bytes = most_bytes // FILTER_SHARE
        self._shown: Latest[tuple[str, bytes], _Under] = Latest(filters, most_bytes)

    @property
    def size(self) -> int:
        """Bytes that all of it takes, about."""
        return self._shown.size

    def add(self, catalogue: str, passing: bytes, items: Iterable[CatalogueItem]) -> None:
        """These were shown now. None is nothing to remember, and pushes nothing out."""
        items = list(items)
        if not items or len(passing) > MAX_FILTER_BYTES:
            return
        key = catalogue, passing
        under = self._shown.get(key) or _Under(len(passing))
        under.show(self._clock(), items)
        under.trim(self._items, self._each_bytes)
        self._shown.put(key, under, under.size)

    def under(self, catalogue: str, passing: bytes) -> Mapping[str, CatalogueItem]:
        """By id, those that were shown last at the end; empty: none is known."""
        under = self._shown.get((catalogue, passing))
        if under is None:
            return {}
        since = self._clock() - self._longest_s
        return {item_id: item for item_id, (when, item) in under.items.items() if when >= since}


class _Under:
    """What was shown under one filter of so many bytes, the last at the end."""

    __slots__ = ("items", "size")

    def __init__(self, filter_bytes: int) -> None:
        self.size = filter_bytes
        self.items: dict[str, tuple[float, CatalogueItem]] = {}

    def show(self, now: float, items: Iterable[CatalogueItem]) -> None:
        shown, more = self.items, 0
        for item in items:
            before = shown.pop(item.item_id, None)
            shown[item.item_id] = now, item
            more += item.size
            if before is not None:
                more -= before[1].size
        self.size += more

    def trim(self, most: int, most_bytes: int) -> None:
        shown, size = self.items, self.size
        while shown and (len(shown) > most or size > most_bytes):
            size -= shown.pop(next(iter(shown)))[1].size
        self.size = size
