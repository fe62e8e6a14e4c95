"""What a process knows of files it wrote or read: enough to tell them from somebody else's."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from services.indexer.index.port import Proceed
from services.indexer.index.settled import SettledPart
from services.indexer.index.slot import Slot

READ_BYTES = 1 << 20

Files = Mapping[str, Sequence[int]]
"""Of each file its length and CRC-32, by its path within a folder."""


class Written(NamedTuple):
    """Where a part was written, with links of so many rows."""

    folder: Path
    linked: int
    files: Files

    def link(self, folder: Path, proceed: Proceed) -> bool:
        """Whether all of its files are in the empty folder, too, as they were written. Otherwise it stays empty."""
        try:
            if all(self._link(name, folder, proceed) for name in self.files):
                return True
        except OSError:  # it is gone, or going, or on another disk
            pass
        for path in folder.iterdir():
            path.unlink()
        return False

    def _link(self, name: str, folder: Path, proceed: Proceed) -> bool:
        os.link(self.folder / name, folder / name)
        return is_as(self.files[name], folder / name, proceed)


def is_as(told: Sequence[int], path: Path, proceed: Proceed) -> bool:
    """Whether a file has that length and CRC-32."""
    length, wanted = told
    return path.is_file() and path.stat().st_size == length and checksum(path, proceed) == wanted


def written(slots: Sequence[Slot], folder: Path, files: Files) -> dict[int, Written]:
    """Where the settled parts among the slots are, by the id() of their tables, in a snapshot of them and these files.
    A part that is measured or linked anew keeps its table."""
    settled = (slot.content for slot in slots if isinstance(slot.content, SettledPart))
    return {
        id(part.table): Written(folder / f"part-{number}", part.linked, _within(files, f"part-{number}/"))
        for number, part in enumerate(settled)
    }


def checksum(path: Path, proceed: Proceed) -> int:
    """CRC-32 of a file."""
    known = 0
    with path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            proceed()
            known = zlib.crc32(piece, known)
    return known


def _within(files: Files, start: str) -> Files:
    return {name.removeprefix(start): told for name, told in files.items() if name.startswith(start)}
