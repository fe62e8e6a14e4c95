"""Keeps indexes on disk, so that a restart reads a snapshot and the rest of the log instead of the whole record."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.indexer.definition import Definition
from services.indexer.index.port import Index, Proceed, View
from services.indexer.index.saved import SnapshotRefused
from services.indexer.serving.shelf import Shelf, Shown
from services.indexer.serving.snapshots import Snapshots
from services.indexer.version import Version
from services.spaces import Space

LoadIndex = Callable[[Definition, Space, Path, Proceed], Index]
"""The index that was saved there. Raises SnapshotRefused."""

Refused = Callable[[str, Path, str], None]
"""Told the catalogue, the snapshot and in one line why it cannot be used."""


SWEEP_EVERY_S = 600.0


class _Unwanted(Exception):
    """Raised where a snapshot is given up because what it is of is gone."""


@dataclass(frozen=True)
class Rules:
    """`every_s`: between two snapshots of an index that changes. `least_rows`: one of fewer is read from the record
    as quickly."""

    every_s: float = 300.0
    least_rows: int = 4096


class Keeper:
    """`clock`: seconds since 1970, which snapshots that other replicas wrote have, too."""

    def __init__(
        self, snapshots: Snapshots, load: LoadIndex, rules: Rules, refused: Refused, clock: Callable[[], float]
    ) -> None:
        self._snapshots = snapshots
        self._load = load
        self._rules = rules
        self._refused = refused
        self._clock = clock
        self._saving = threading.Lock()
        self._saved: dict[tuple[str, str], tuple[Version, int]] = {}
        self._forgotten: set[str] = set()
        self._next_sweep = 0.0

    def restore(self, definition: Definition, space: Space, made: int, proceed: Proceed) -> Index | None:
        """The index as it was at the newest snapshot that can be used; None: there is none. `made`: the revision of the
        layout that added the space, which tells it from one of the same name that was deleted."""
        for folder in self._snapshots.found(_key(definition), _place(space, made)):
            try:
                index = self._load(definition, space, folder, proceed)
            except SnapshotRefused as problem:
                self._refused(definition.name, folder, str(problem))
                continue
            self._saved[_key(definition), _place(space, made)] = _worth(index.view())
            return index
        return None

    def save(self, shelf: Shelf, proceed: Proceed) -> int:
        """Writes a snapshot of each of its indexes; how many were. Raises OSError when one cannot be written."""
        with self._saving:
            shown = shelf.shown
            return sum(self._save(shelf, shown, space, proceed) for space in shown.indexes)

    def save_what_is_due(self, shelf: Shelf, proceed: Proceed) -> int:
        """The same for those that changed, and of which the newest snapshot, whoever wrote it, is old enough."""
        if not shelf.ready:
            return 0
        with self._saving:
            shown = shelf.shown
            due = [space for space in shown.indexes if self._is_due(shelf, shown, space)]
            return sum(self._save(shelf, shown, space, proceed) for space in due)

    def forget(self, definition: Definition) -> None:
        """The catalogue is gone, and with it all of its snapshots. Waits for none that is being written: whoever writes
        it removes it."""
        self._forgotten.add(_key(definition))
        self._snapshots.remove(_key(definition))

    def sweep(self, shelves: Sequence[Shelf]) -> None:
        """Now and then removes the snapshots of catalogues and spaces that were deleted while nobody here looked.
        `shelves`: all that there are."""
        if self._clock() < self._next_sweep:
            return
        self._next_sweep = self._clock() + SWEEP_EVERY_S
        self._snapshots.sweep({_key(shelf.definition): _places(shelf) for shelf in shelves})

    def _save(self, shelf: Shelf, shown: Shown, space: str, proceed: Proceed) -> bool:
        key, place = _where(shelf, shown, space)
        index = shown.indexes[space]
        view = index.view()

        def proceed_if_wanted() -> None:
            proceed()
            if not self._is_wanted(shelf, shown, space):
                raise _Unwanted

        try:
            proceed_if_wanted()
            written = self._snapshots.write(key, place, lambda draft: index.save(draft, proceed_if_wanted))
        except (_Unwanted, OSError):
            if self._is_wanted(shelf, shown, space):
                raise
            written = None
        if not self._is_wanted(shelf, shown, space):
            self._snapshots.remove(key, "" if self._is_gone(shelf) else place)
            return False
        if written:
            # As it was before, at least.
            self._saved[key, place] = _worth(view)
        return written is not None

    def _is_wanted(self, shelf: Shelf, shown: Shown, space: str) -> bool:
        """Whether the catalogue is there, and its space is still the same."""
        return not self._is_gone(shelf) and shelf.indexes.get(space) is shown.indexes[space]

    def _is_gone(self, shelf: Shelf) -> bool:
        return shelf.gone or _key(shelf.definition) in self._forgotten

    def _is_due(self, shelf: Shelf, shown: Shown, space: str) -> bool:
        key, place = _where(shelf, shown, space)
        view = shown.indexes[space].view()
        if view.rows < self._rules.least_rows or self._saved.get((key, place)) == _worth(view):
            return False
        newest = self._snapshots.newest_s(key, place)
        return newest is None or self._clock() - newest >= self._rules.every_s


def _key(definition: Definition) -> str:
    return f"{definition.name}.{definition.incarnation}"


def _place(space: Space, made: int) -> str:
    return f"{space.name}.{made}"


def _places(shelf: Shelf) -> frozenset[str] | None:
    """Where snapshots of its spaces are; None while they are not known."""
    if not shelf.ready:
        return None
    layout = shelf.layout
    return frozenset(_place(space, layout.made(name)) for name, space in layout.spaces().items())


def _worth(view: View) -> tuple[Version, int]:
    """What a snapshot of it saves a restart."""
    return view.version, view.linked


def _where(shelf: Shelf, shown: Shown, space: str) -> tuple[str, str]:
    layout = shown.layout
    return _key(shelf.definition), _place(layout.require(space), layout.made(space))
