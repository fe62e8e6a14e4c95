"""What a catalogue is: fixed when it is created."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from services.errors import InvalidInput
from services.spaces import Space

MAX_PARTITIONS = 64

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,47}")

RandomBytes = Callable[[int], bytes]
"""A number -> so many random bytes; `secrets.token_bytes` outside of tests."""


@dataclass(frozen=True)
class Definition:
    """`space`: its own one, whose vectors stand in the records. `created_us`: microseconds since 1970. `incarnation`:
    random hex that tells it from one of the same name that was deleted. `max_items`: 0 for the service's rule."""

    name: str
    space: Space
    partitions: int
    created_us: int
    incarnation: str
    max_items: int = 0

    def __post_init__(self) -> None:
        """Raises InvalidInput for a name or a number of partitions that is out of bounds."""
        if not _NAME.fullmatch(self.name):
            raise InvalidInput("catalogue", "a name is of a-z, 0-9, _ and -, starts with a letter, at most 48 letters")
        if not 1 <= self.partitions <= MAX_PARTITIONS:
            raise InvalidInput("partitions", f"must be 1 to {MAX_PARTITIONS}")

    def partition_of(self, item_id: str) -> int:
        """Where an item is kept. Part of the stored format: never change it."""
        return zlib.crc32(item_id.encode()) % self.partitions

    def room(self, partition: int, rule: int) -> int | None:
        """How many items this partition may hold, None for any number. `rule`: the service's, 0 for none.

        Partitions share evenly, so that each can tell by itself and all together never hold more."""
        most = self.max_items or rule
        return most // self.partitions + (partition < most % self.partitions) if most else None
