"""What was recommended lately, to fall back on while nobody can be asked for items.

An item that was in an answer passed that answer's filter a moment ago, so items are remembered by what they had to
pass: a filter that is the same to the last byte.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

from services.ranker.ports import CatalogueItem

Key = TypeVar("Key", bound=Hashable)

KEYS = 256
ITEMS = 500
"""Remembered at most: of so many filters so many items each, those that were shown last."""


class Shown(Generic[Key]):
    """Items by what they had to pass."""

    def __init__(self, keys: int = KEYS, items: int = ITEMS) -> None:
        self._keys = keys
        self._items = items
        self._shown: dict[Key, dict[str, CatalogueItem]] = {}

    def add(self, key: Key, items: Iterable[CatalogueItem]) -> None:
        """These were shown now."""
        shown = self._shown.pop(key, None) or {}
        self._shown[key] = shown
        for item in items:
            shown.pop(item.item_id, None)
            shown[item.item_id] = item
        while len(shown) > self._items:
            del shown[next(iter(shown))]
        while len(self._shown) > self._keys:
            del self._shown[next(iter(self._shown))]

    def under(self, key: Key) -> Mapping[str, CatalogueItem]:
        """By id, those that were shown last at the end; empty: none is known."""
        return dict(self._shown.get(key, {}))
