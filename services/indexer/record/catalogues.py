"""All catalogues of the record."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod

from services.errors import Conflict, NotFound
from services.indexer.definition import Definition, RandomBytes
from services.indexer.record.catalogue import Catalogue, Receipt
from services.indexer.record.catalogue_memory import InMemoryCatalogue
from services.indexer.version import EPOCH_BYTES


class Catalogues(ABC):
    """Safe to use from any number of threads."""

    @abstractmethod
    def create(self, definition: Definition, receipt: Receipt | None) -> Definition:
        """Makes an empty catalogue and returns its definition, with the same receipt that of the first time.

        Raises Conflict when one of that name exists.
        """

    @abstractmethod
    def all(self) -> list[Definition]:
        """By name."""

    @abstractmethod
    def open(self, definition: Definition) -> Catalogue:
        """The record of a catalogue. Does not ask whether it is still there."""

    @abstractmethod
    def delete(self, definition: Definition) -> int:
        """Removes a catalogue; returns how many items went with it. Raises NotFound when it was gone already."""

    @abstractmethod
    def ping(self) -> None:
        """Raises NotReady when the record cannot be reached or takes no writes, Refused when its server is too old."""


class InMemoryCatalogues(Catalogues):
    """For tests. `max_items`: of a catalogue that names no number."""

    def __init__(self, random_bytes: RandomBytes, max_items: int = 0) -> None:
        self._random_bytes = random_bytes
        self._max_items = max_items
        self._catalogues: dict[str, InMemoryCatalogue] = {}
        self._receipts: dict[str, Receipt | None] = {}
        self._lock = threading.Lock()

    def create(self, definition: Definition, receipt: Receipt | None) -> Definition:
        with self._lock:
            present = self._catalogues.get(definition.name)
            if present is None:
                made = InMemoryCatalogue(definition, self._random_bytes(EPOCH_BYTES), self._max_items)
                self._catalogues[definition.name] = made
                self._receipts[definition.name] = receipt
                return definition
            if receipt is not None and receipt == self._receipts[definition.name]:
                return present.definition
            raise already_exists(definition.name)

    def all(self) -> list[Definition]:
        with self._lock:
            return [self._catalogues[name].definition for name in sorted(self._catalogues)]

    def open(self, definition: Definition) -> Catalogue:
        with self._lock:
            present = self._catalogues.get(definition.name)
        if present is None or present.definition != definition:
            return InMemoryCatalogue(definition, b"", deleted=True)
        return present

    def delete(self, definition: Definition) -> int:
        with self._lock:
            present = self._catalogues.get(definition.name)
            if present is None or present.definition != definition:
                raise NotFound("catalogue", definition.name)
            del self._catalogues[definition.name]
        return present.close()

    def ping(self) -> None:
        """It is always there."""


def already_exists(name: str) -> Conflict:
    """The error of `Catalogues.create`."""
    return Conflict(f"a catalogue {name!r} exists already", reason="CATALOGUE_EXISTS")
