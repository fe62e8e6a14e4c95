"""What was recommended lately, to fall back on while nobody can be asked for items.

An item that was in an answer passed that answer's filter a moment ago, so items are remembered by what they had to
pass: a filter that is the same to the last byte.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Generic, TypeVar

from services.ranker.others.ports import CatalogueItem

Key = TypeVar("Key", bound=Hashable)

KEYS = 256
ITEMS = 500
"""Remembered at most: of so many filters so many items each, those that were shown last."""


class Shown(Generic[Key]):
    """Items by what they had to pass. `clock`: seconds, monotonic; after `longest_s` one is forgotten: it may have been
    deleted or sold since."""

    def __init__(self, clock: Callable[[], float], longest_s: float, keys: int = KEYS, items: int = ITEMS) -> None:
        self._clock = clock
        self._longest_s = longest_s
        self._keys = keys
        self._items = items
        self._shown: dict[Key, dict[str, tuple[float, CatalogueItem]]] = {}

    def add(self, key: Key, items: Iterable[CatalogueItem]) -> None:
        """These were shown now."""
        shown = self._shown.pop(key, None) or {}
        self._shown[key] = shown
        now = self._clock()
        for item in items:
            shown.pop(item.item_id, None)
            shown[item.item_id] = now, item
        while len(shown) > self._items:
            del shown[next(iter(shown))]
        while len(self._shown) > self._keys:
            del self._shown[next(iter(self._shown))]

    def under(self, key: Key) -> Mapping[str, CatalogueItem]:
        """By id, those that were shown last at the end; empty: none is known."""
        since = self._clock() - self._longest_s
        return {item_id: item for item_id, (when, item) in self._shown.get(key, {}).items() if when >= since}
