"""What this process has acknowledged and its own index does not contain yet."""

from __future__ import annotations

from collections import deque

from services.indexer.version import Version

MOST_ITEMS = 4096
"""About a second of reading; beyond, writers wait, so that what is written is found soon."""


class Backlog:
    """Oldest first. Not safe to use from several threads at once."""

    def __init__(self) -> None:
        self._writes: deque[tuple[Version, int]] = deque()
        self._items = 0

    def add(self, version: Version, items: int) -> None:
        """So many items were written, and `version` contains them."""
        self._writes.append((version, items))
        self._items += items

    def items(self, reached: Version) -> int:
        """How many are beyond the version that the index has reached."""
        while self._writes and _settled(self._writes[0][0], reached):
            self._items -= self._writes.popleft()[1]
        return self._items


def _settled(version: Version, reached: Version) -> bool:
    """Contained, or of a time that was lost, when nobody waits for it any more."""
    lost = any(
        theirs and ours and theirs.epoch != ours.epoch
        for theirs, ours in zip(version.marks, reached.marks, strict=True)
    )
    return lost or reached.contains(version)
