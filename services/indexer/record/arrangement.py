"""The use cases of spaces and aliases: read the layout, change it, and again if somebody else was first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.errors import InvalidInput
from services.indexer.record.catalogue import LayoutChanged
from services.indexer.record.layout import Layout
from services.indexer.serving.shelf import Shelf
from services.indexer.version import Version
from services.spaces import Space

OWN_WAIT_S = 1.0
"""For this replica to see its own change; it is a few milliseconds behind."""


@dataclass(frozen=True)
class Arranged:
    """A change that is kept: the layout after it, and a version that contains it."""

    layout: Layout
    version: Version


def create_space(shelf: Shelf, space: Space) -> Arranged:
    """Raises Conflict for another space of that name, Refused when there are too many."""
    return _arranged(shelf, lambda layout: layout.adding(space))


def delete_space(shelf: Shelf, name: str) -> Arranged:
    """Raises NotFound, Refused for the own one or one that an alias points at."""

    def change(layout: Layout) -> Layout:
        if name not in layout.spaces():
            # An earlier attempt may have taken it from partition 0 only.
            shelf.catalogue.relayout(layout, layout)
        return layout.dropping(name)

    return _arranged(shelf, change)


def set_alias(shelf: Shelf, alias: str, space: str) -> tuple[str, Version]:
    """Where it pointed before, and a version that contains the change. Raises InvalidInput, NotFound, Refused."""
    if "@" in alias:
        raise InvalidInput("alias", "is the name of a space")
    found: list[str] = []

    def change(layout: Layout) -> Layout:
        found[:] = [layout.aliases[alias].space] if alias in layout.aliases else []
        return layout.pointing(alias, space)

    arranged = _arranged(shelf, change)
    present = arranged.layout.aliases.get(alias)
    previous = present.previous if present else next(iter(found), "")
    return previous, arranged.version


def _arranged(shelf: Shelf, change: Callable[[Layout], Layout]) -> Arranged:
    while True:
        before = shelf.catalogue.layout()
        try:
            after = change(before)
            # Also when nothing changes: an earlier attempt may not have come to every partition.
            mark = shelf.catalogue.relayout(before, after)
        except LayoutChanged:
            continue
        version = Version.nothing(shelf.definition.partitions).reaching(0, mark)
        shelf.reach(version, OWN_WAIT_S)
        return Arranged(after, version)
