"""Room for what is decoded at the same time, so that memory is bounded whatever the pictures are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class PixelRoom:
    """At most `pixels` at a time, or one picture that is larger. Who came first goes first, so that a large picture
    does not wait for ever behind small ones. A wait ends when other pictures are decoded, which waits for nobody.
    """

    def __init__(self, pixels: int) -> None:
        self._all = self._free = pixels
        self._turn = threading.Lock()
        self._changed = threading.Condition()

    @contextmanager
    def held(self, pixels: int) -> Iterator[None]:
        """Waits until there is room for `pixels`, and keeps it for the block."""
        taken = min(pixels, self._all)
        with self._turn, self._changed:
            self._changed.wait_for(lambda: self._free >= taken)
            self._free -= taken
        try:
            yield
        finally:
            with self._changed:
                self._free += taken
                self._changed.notify()
