"""Items that were shown lately, as of the version of the catalogue that they were read in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.ranker.others.latest import Latest
from services.ranker.others.ports import CatalogueItem

CATALOGUES = 64
"""Of so many at most, those asked for last."""


class ItemCache:
    """At most `most` items of each catalogue, all of one version: any write makes another one, and what was read before
    it may be old. Of two generations, so that the oldest half goes when there are too many, or they are too large: all
    of all catalogues take about `most_bytes` at most, and what one call brings more."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._kept: Latest[str, _Kept] = Latest(CATALOGUES, most_bytes)

    @property
    def size(self) -> int:
        """Bytes that all of it takes, about."""
        return self._kept.size

    def known(self, catalogue: str, version: str, ids: Sequence[str]) -> tuple[dict[str, CatalogueItem], Sequence[str]]:
        """The items that are known as of exactly this version, and the ids of the others."""
        kept = self._kept.get(catalogue)
        if kept is None or kept.version != version:
            return {}, ids
        found, missing = {}, []
        for item_id in ids:
            item = kept.new.get(item_id) or kept.old.get(item_id)
            if item is None:
                missing.append(item_id)
            else:
                found[item_id] = item
        return found, missing

    def add(self, catalogue: str, version: str, items: Iterable[CatalogueItem]) -> None:
        """What was read as of this version."""
        kept = self._kept.get(catalogue)
        if kept is None or kept.version != version:
            kept = _Kept(version)
        new, more = kept.new, 0
        for item in items:
            before = new.get(item.item_id)
            new[item.item_id] = item
            more += item.size
            if before is not None:
                more -= before.size
        kept.new_bytes += more
        if 2 * len(kept.new) > self._most or 2 * kept.new_bytes > self._most_bytes:
            kept.turn()
        self._kept.put(catalogue, kept, kept.new_bytes + kept.old_bytes)


class _Kept:
    __slots__ = ("new", "new_bytes", "old", "old_bytes", "version")

    def __init__(self, version: str) -> None:
        self.version = version
        self.new: dict[str, CatalogueItem] = {}
        self.old: dict[str, CatalogueItem] = {}
        self.new_bytes = self.old_bytes = 0

    def turn(self) -> None:
        """What was new is old from now on, and what was old is gone."""
        self.old, self.new = self.new, {}
        self.old_bytes, self.new_bytes = self.new_bytes, 0
