"""The catalogue, as far as events need it: the port, and one in memory for tests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.errors import NotFound
from services.spaces import Float16, Space


@dataclass(frozen=True)
class CatalogueItem:
    """An item's domain and the (D,) canonical vector of its first photo."""

    domain: str
    vector: Float16


@dataclass(frozen=True)
class Resolved:
    """The space of a catalogue, and those of the items asked for that exist."""

    space: Space
    items: Mapping[str, CatalogueItem]


class Items(ABC):
    """Looks items up."""

    @abstractmethod
    def resolve(self, catalogue: str, item_ids: Sequence[str]) -> Resolved:
        """At most 1000 different ids, perhaps none. Raises NotFound for an unknown catalogue; NotReady, Overloaded or
        TooLate when the catalogue cannot be asked now."""

    @abstractmethod
    def close(self) -> None:
        """Gives back what it holds."""


class MemoryItems(Items):
    """Catalogues that were given, by name."""

    def __init__(self, catalogues: Mapping[str, Resolved]) -> None:
        self._catalogues = dict(catalogues)

    def resolve(self, catalogue: str, item_ids: Sequence[str]) -> Resolved:
        if catalogue not in self._catalogues:
            raise NotFound("catalogue", catalogue)
        known = self._catalogues[catalogue]
        return Resolved(known.space, {name: known.items[name] for name in item_ids if name in known.items})

    def close(self) -> None:
        """Memory holds nothing open."""
