"""Which catalogues and items there are: what is kept of people outlives both, and is not to be told of what is gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from services.errors import NotFound
from services.profile.catalogue.items import AWAY, MAX_LOOKUP, Items

THERE_MS = 60_000
"""So long an item that was deleted may be told as popular, and an empty answer be given of a catalogue that was."""
GONE_MS = 1000
"""So long one that was made is unknown."""
MOST_CATALOGUES = 1024
MOST_ITEMS = 100_000

Key = TypeVar("Key")


class Existence:
    """Asks the catalogue, and remembers. What cannot be asked now is taken to exist. `now_ms` is the clock,
    milliseconds since 1970. May be used by several threads."""

    def __init__(self, items: Items, now_ms: Callable[[], int]) -> None:
        self._items = items
        self._now_ms = now_ms
        self._catalogues: dict[str, tuple[int, bool]] = {}
        self._known: dict[tuple[str, str], tuple[int, bool]] = {}

    def require(self, catalogue: str) -> None:
        """Raises NotFound for a catalogue that does not exist."""
        until_ms, is_there = self._catalogues.get(catalogue, (0, True))
        if self._now_ms() >= until_ms:
            # One waits for the answer: who comes meanwhile goes by what was known before.
            self._catalogues[catalogue] = (self._now_ms() + GONE_MS, is_there)
            is_there = self._is_there(catalogue)
            self._keep(self._catalogues, catalogue, MOST_CATALOGUES, is_there=is_there)
        if not is_there:
            raise NotFound("catalogue", catalogue)

    def _is_there(self, catalogue: str) -> bool:
        try:
            self._items.resolve(catalogue, [])
        except NotFound:
            return False
        except AWAY:
            return True
        return True

    def among(self, catalogue: str, item_ids: Sequence[str]) -> set[str]:
        """Those of the items that exist. Raises NotFound for a catalogue that does not."""
        self.require(catalogue)
        now_ms = self._now_ms()
        known = {item_id: self._known.get((catalogue, item_id), (0, True)) for item_id in item_ids}
        asked = [item_id for item_id, (until_ms, _) in known.items() if now_ms >= until_ms]
        found = {item_id for item_id, (until_ms, is_there) in known.items() if now_ms < until_ms and is_there}
        return found | self._looked_up(catalogue, asked)

    def _looked_up(self, catalogue: str, item_ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for first in range(0, len(item_ids), MAX_LOOKUP):
            some = item_ids[first : first + MAX_LOOKUP]
            try:
                there = set(self._items.resolve(catalogue, some).items)
            except AWAY:
                return found | set(item_ids[first:])
            for item_id in some:
                self._keep(self._known, (catalogue, item_id), MOST_ITEMS, is_there=item_id in there)
            found |= there
        return found

    def _keep(self, held: dict[Key, tuple[int, bool]], name: Key, most: int, *, is_there: bool) -> None:
        if len(held) >= most:
            held.clear()
        held[name] = (self._now_ms() + (THERE_MS if is_there else GONE_MS), is_there)
