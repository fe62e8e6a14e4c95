"""Snapshots of indexes on disk: each is there as a whole or not at all.

    <folder>/<catalogue>.<incarnation>/<space>/<number>/    one snapshot; the greatest number is the newest
    <folder>/…/.<number>.<random>                           one that is being written, or was when the process died

The folder may be one that replicas share: whichever wrote last is read by all.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

from services.indexer.definition import RandomBytes

KEPT = 2
"""Snapshots of an index that stay: the newest, and one in case that cannot be read."""

ATTEMPTS = 16
"""To get a number before other processes do."""

ABANDONED_S = 3600.0
"""What is still being written after so long is not any more."""

Moved = Callable[[Path], None]
Write = Callable[[Path], Moved | None]
"""Fills an empty folder, and is told where it is once it is there for good; None: there is nothing to write."""


class Snapshots:
    """Safe to use from any number of processes, on one file system."""

    def __init__(self, folder: Path, random_bytes: RandomBytes, clock: Callable[[], float]) -> None:
        """`clock`: seconds since 1970, as the file system has them."""
        self._folder = folder
        self._random_bytes = random_bytes
        self._clock = clock

    def write(self, catalogue: str, space: str, write: Write) -> Path | None:
        """Makes a snapshot of a catalogue (its name and incarnation) in a space. Raises OSError when it cannot be
        written, and then leaves nothing behind."""
        home = self._home(catalogue, space)
        home.mkdir(parents=True, exist_ok=True)
        self._clear(home)
        draft = home / f".{self._next(catalogue, space)}.{self._random_bytes(4).hex()}"
        draft.mkdir()
        try:
            moved = write(draft)
            if moved is None:
                return None
            _sync(draft)
            final = self._renamed(draft, catalogue, space)
            _sync_folder(home)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        moved(final)
        self._prune(catalogue, space)
        return final

    def _next(self, catalogue: str, space: str) -> int:
        return max((int(path.name) for path in self.found(catalogue, space)), default=0) + 1

    def _renamed(self, draft: Path, catalogue: str, space: str) -> Path:
        """Under the next number: it takes a while to write one, and other processes write, too."""
        for _ in range(ATTEMPTS):
            final = draft.parent / str(self._next(catalogue, space))
            try:
                return draft.rename(final)
            except OSError as problem:
                if problem.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
        raise FileExistsError(f"{draft.parent}: other processes take every number")

    def found(self, catalogue: str, space: str) -> list[Path]:
        """All that are whole, newest first."""
        try:
            numbered = [path for path in self._home(catalogue, space).iterdir() if path.name.isdecimal()]
        except OSError:
            return []
        return sorted(numbered, key=lambda path: int(path.name), reverse=True)

    def newest_s(self, catalogue: str, space: str) -> float | None:
        """When the newest was written, seconds since 1970; None: there is none."""
        for path in self.found(catalogue, space):
            try:
                return path.stat().st_mtime
            except OSError:
                continue
        return None

    def remove(self, catalogue: str, space: str = "") -> None:
        """Of a catalogue that is gone, or of one space of it."""
        shutil.rmtree(self._folder / catalogue / space, ignore_errors=True)

    def sweep(self, wanted: Mapping[str, Collection[str] | None]) -> None:
        """Removes catalogues that are not wanted, and their spaces that are not (None: all are), unless something was
        written there within the last hour: another replica may know of what this one does not."""
        for catalogue in _folders(self._folder):
            places = wanted.get(catalogue.name, ())
            for place in _folders(catalogue):
                if places is not None and place.name not in places and self._is_old(place):
                    shutil.rmtree(place, ignore_errors=True)
            if catalogue.name not in wanted and self._is_old(catalogue):
                with suppress(OSError):  # as long as there is something in it
                    catalogue.rmdir()

    def _is_old(self, folder: Path) -> bool:
        try:
            return self._clock() - folder.stat().st_mtime > ABANDONED_S
        except OSError:
            return False

    def _home(self, catalogue: str, space: str) -> Path:
        return self._folder / catalogue / space

    def _clear(self, home: Path) -> None:
        """Removes what a process was writing that died."""
        for path in home.glob(".*"):
            with suppress(OSError):
                if self._clock() - path.stat().st_mtime > ABANDONED_S:
                    shutil.rmtree(path, ignore_errors=True)

    def _prune(self, catalogue: str, space: str) -> None:
        for path in self.found(catalogue, space)[KEPT:]:
            shutil.rmtree(path, ignore_errors=True)


def _folders(of: Path) -> list[Path]:
    try:
        return [path for path in of.iterdir() if path.is_dir()]
    except OSError:
        return []


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        else:
            _sync_folder(path)
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
