"""From a draft to the files that are kept: each whole or not there, whenever the process is killed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path


def keep(files: Sequence[Path], folder: Path, on_file: Callable[[int], None]) -> list[Path]:
    """Writes copies into `folder`, in their order; where each is. The one that names the others has to be the last.

    A file appears by a rename once all of it is on the disk. What a killed process leaves begins with a dot and is
    written over by the next.
    """
    kept = []
    for file in files:
        part, to = folder / f".{file.name}.part", folder / file.name
        with part.open("wb") as copy:
            copy.write(file.read_bytes())
            copy.flush()
            os.fsync(copy.fileno())
        kept.append(part.replace(to))
        on_file(1)
    return kept
