"""The spaces that tastes are in, remembered: a name stands for the same blocks for ever."""

from __future__ import annotations

from services.profile.taste.taste_store import TasteStore
from services.spaces import Space

MOST = 256


class KnownSpaces:
    """In the process, and in the store, so that tastes can be folded while the catalogue is away."""

    def __init__(self, store: TasteStore) -> None:
        self._store = store
        self._known: dict[str, Space] = {}

    def keep(self, space: Space) -> None:
        """Remembers one that the catalogue told of."""
        if space.name not in self._known:
            self._store.keep_space(space)
            self._remember(space)

    def get(self, name: str) -> Space | None:
        """The space of a name, None when nobody has told of it."""
        known = self._known.get(name)
        if known is None and name and (known := self._store.space(name)) is not None:
            self._remember(known)
        return known

    def _remember(self, space: Space) -> None:
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[space.name] = space
