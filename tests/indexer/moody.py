"""A record in memory with the moods of a real one: logs that are trimmed, followers that fall behind, a past that comes
back."""

from __future__ import annotations

import threading
from copy import deepcopy
from dataclasses import dataclass, field

from services.indexer.item import Record
from services.indexer.record.catalogue import Changes, LogLost
from services.indexer.record.catalogue_memory import InMemoryCatalogue
from services.indexer.version import EPOCH_BYTES, Mark, Position
from tests.indexer.test_shelf import Troubled

BREATH_S = 0.02
"""Between two looks of those who wait for a thread."""


class Moody(Troubled):
    """`held`: partitions whose log says nothing new for now. `floor`: where the log of a partition begins, once it has
    been trimmed."""

    inner: InMemoryCatalogue

    def __init__(self, inner: InMemoryCatalogue) -> None:
        super().__init__(inner)
        self.held: set[int] = set()
        self.floor: dict[int, Position] = {}

    def follow(self, partition: int, after: Mark, wait_s: float) -> Changes:
        if partition in self.held:
            threading.Event().wait(BREATH_S)
            return Changes((), (), after)
        if after.position < self.floor.get(partition, after.position):
            raise LogLost
        return super().follow(partition, after, wait_s)


@dataclass(frozen=True)
class Past:
    """A copy of the record, and what was in it."""

    inner: InMemoryCatalogue
    model: dict[str, Record] = field(default_factory=dict)


def copied(inner: InMemoryCatalogue, epoch: int) -> InMemoryCatalogue:
    """It as it is, in an epoch of its own: how followers take a record that was restored."""
    copy = InMemoryCatalogue(inner.definition, epoch.to_bytes(EPOCH_BYTES, "big"))
    copy._partitions = deepcopy(inner._partitions)
    copy._layout = inner._layout
    return copy
