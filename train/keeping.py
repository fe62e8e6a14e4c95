"""From a draft to the files that are kept: each whole or not there, whenever the process is killed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path


def check(to: Path) -> None:
    """Raises OSError where no file `to` can be made. For before anything is learned, since that takes long."""
    part = _part(to)
    part.touch()
    part.unlink()


def keep(files: Sequence[Path], folder: Path, on_file: Callable[[int], None]) -> list[Path]:
    """Writes copies into `folder`, in their order; where each is. The last one has to be that which names the others.

    A file appears by a rename once all of it is on the disk. One is written at a time, so all have one name until then,
    that of the last with a dot before it: what a killed process leaves is written over by the next, whatever that has
    learned. Raises OSError, and then leaves no such part.
    """
    part, kept = _part(folder / files[-1].name), []
    try:
        for file in files:
            with part.open("wb") as copy:
                copy.write(file.read_bytes())
                copy.flush()
                os.fsync(copy.fileno())
            kept.append(part.replace(folder / file.name))
            on_file(1)
    finally:
        part.unlink(missing_ok=True)
    return kept


def _part(to: Path) -> Path:
    return to.with_name(f".{to.name}.part")
