"""The catalogue, as far as events need it: the port, and one in memory for tests."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.errors import NotFound, NotReady, Overloaded, SpaceMismatch, TooLate
from services.profile.taste.words import Carriers, spellings
from services.spaces import Float16, Space

MAX_LOOKUP = 1000
"""Items of one lookup."""

AWAY = (NotReady, Overloaded, TooLate)
"""What is raised when a catalogue cannot be asked now."""


@dataclass(frozen=True)
class CatalogueItem:
    """What events hold on to of an item. `vector`: (D,) canonical float16 of its first photo, None when it has none in
    the space. `tags`: as many and as long as `events` allows."""

    domain: str
    vector: Float16 | None
    category: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resolved:
    """A space of a catalogue, and those of the items asked for that exist."""

    space: Space
    items: Mapping[str, CatalogueItem]


class Items(Carriers):
    """Looks items up, by id and by word."""

    @abstractmethod
    def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
        """At most MAX_LOOKUP different ids, perhaps none, with their vectors in a space, by name; empty: the one
        of now. Raises NotFound for an unknown catalogue, SpaceMismatch for a space it does not have, one of
        AWAY when the catalogue cannot be asked now; TooLate, when it is for the caller that there was no time."""

    @abstractmethod
    def close(self) -> None:
        """Gives back what it holds."""


class MemoryItems(Items):
    """Catalogues that were given, by name; `others`: further spaces of a catalogue, the items in each."""

    def __init__(
        self, catalogues: Mapping[str, Resolved], others: Mapping[str, Sequence[Resolved]] | None = None
    ) -> None:
        self._catalogues = dict(catalogues)
        self._others = dict(others or {})

    def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
        if catalogue not in self._catalogues:
            raise NotFound("catalogue", catalogue)
        known = self._catalogues[catalogue]
        if space and space != known.space.name:
            others = {each.space.name: each for each in self._others.get(catalogue, ())}
            if space not in others:
                raise SpaceMismatch(expected=known.space.name, given=space)
            known = others[space]
        return Resolved(known.space, {name: known.items[name] for name in item_ids if name in known.items})

    def others(self, catalogue: str) -> list[Space]:
        """The spaces of a catalogue beside its present one."""
        return [each.space for each in self._others.get(catalogue, ())]

    def carrying(self, catalogue: str, space: Space, word: str, limit: int) -> Sequence[Float16]:
        known = self._catalogues.get(catalogue)
        if known is None or known.space.name != space.name:
            return []
        wanted = set(spellings(word))
        found = [item.vector for item in known.items.values() if wanted & {item.category, *item.tags}]
        return [vector for vector in found if vector is not None][:limit]

    def close(self) -> None:
        """Memory holds nothing open."""
