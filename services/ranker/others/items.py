"""Items that were shown lately, as of the version of the catalogue that they were read in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.ranker.others.ports import CatalogueItem

CATALOGUES = 64
"""Of so many at most, those asked for last."""


class ItemCache:
    """At most `most` items of each catalogue, all of one version: any write makes another one, and what was read before
    it may be old. Of two generations, so that the oldest half goes when there are too many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[str, _Kept] = {}

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
        kept = self._kept.pop(catalogue, None)
        if kept is None or kept.version != version:
            kept = _Kept(version)
        self._kept[catalogue] = kept
        while len(self._kept) > CATALOGUES:
            del self._kept[next(iter(self._kept))]
        for item in items:
            kept.new[item.item_id] = item
        if 2 * len(kept.new) > self._most:
            kept.old, kept.new = kept.new, {}


class _Kept:
    __slots__ = ("new", "old", "version")

    def __init__(self, version: str) -> None:
        self.version = version
        self.new: dict[str, CatalogueItem] = {}
        self.old: dict[str, CatalogueItem] = {}
