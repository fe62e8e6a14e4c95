"""Items that were looked up a moment ago: what many people look at at once is asked of the catalogue once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from services.profile.catalogue.items import CatalogueItem, Items, Resolved
from services.spaces import Float16, Space

KEEP_MS = 2000
"""So long an event on an item that was deleted may be taken, or one that was changed be learned from as it was."""
MOST = 10_000
"""Items of a catalogue, each of about a kilobyte."""
MOST_CATALOGUES = 16


@dataclass
class _Recent:
    """Items in the present space of a catalogue, each with the time until which it is not asked for again."""

    space: Space
    items: dict[str, tuple[int, CatalogueItem]] = field(default_factory=dict)


class RecentItems(Items):
    """Over the `items` given, which are closed with it. `now_ms` is the clock, milliseconds since 1970. Only what
    exists is remembered, and only in the catalogue's present space: one that is new is there at once."""

    def __init__(self, items: Items, now_ms: Callable[[], int]) -> None:
        self._items = items
        self._now_ms = now_ms
        self._recent: dict[str, _Recent] = {}

    def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
        recent = self._recent.get(catalogue)
        if space or not item_ids or recent is None:
            found = self._items.resolve(catalogue, item_ids, space)
            return found if space else self._remembered(catalogue, found)
        known = self._known(recent, item_ids)
        rest = [item_id for item_id in item_ids if item_id not in known]
        if not rest:
            return Resolved(recent.space, known)
        found = self._items.resolve(catalogue, rest)
        if found.space != recent.space and known:
            # The catalogue has moved meanwhile: vectors of two spaces are never mixed.
            found = self._items.resolve(catalogue, item_ids)
            known = {}
        self._remembered(catalogue, found)
        return Resolved(found.space, {**known, **found.items})

    def _known(self, recent: _Recent, item_ids: Sequence[str]) -> Mapping[str, CatalogueItem]:
        now_ms, held = self._now_ms(), recent.items
        pairs = ((item_id, held.get(item_id)) for item_id in item_ids)
        return {item_id: pair[1] for item_id, pair in pairs if pair is not None and now_ms < pair[0]}

    def _remembered(self, catalogue: str, found: Resolved) -> Resolved:
        recent = self._recent.get(catalogue)
        if recent is None or recent.space != found.space or len(recent.items) + len(found.items) > MOST:
            if len(self._recent) >= MOST_CATALOGUES:
                self._recent.clear()
            recent = self._recent[catalogue] = _Recent(found.space)
        until_ms = self._now_ms() + KEEP_MS
        recent.items.update({item_id: (until_ms, item) for item_id, item in found.items.items()})
        return found

    def carrying(self, catalogue: str, space: Space, word: str, limit: int) -> Sequence[Float16]:
        return self._items.carrying(catalogue, space, word, limit)

    def close(self) -> None:
        self._items.close()
