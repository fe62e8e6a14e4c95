"""A network, behind a port: pixels in, what it sees in them out."""

from __future__ import annotations

from abc import ABC, abstractmethod

from services.embedder.framing import Pixels
from services.embedder.seen import Seen


class Network(ABC):
    """`side` in pixels is what it looks at."""

    side: int

    @abstractmethod
    def look(self, pixels: Pixels, *, regions: bool = True) -> Seen:
        """(n, side, side, 3) uint8 RGB, n >= 1. A picture's numbers do not depend on its neighbours. Without `regions`
        there are no maps: they are large."""
