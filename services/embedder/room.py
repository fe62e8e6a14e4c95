"""Room for what is decoded at the same time, so that memory is bounded whatever the pictures are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Protocol


class Room(Protocol):
    """Asked before a picture is decoded."""

    def held(self, pixels: int) -> AbstractContextManager[None]:
        """Waits until there is room for `pixels`, and keeps it for the block."""


class PixelRoom:
    """At most `pixels` at a time, or one picture that is larger. Who came first goes first, so that a large picture
    does not wait for ever behind small ones. A wait ends when other pictures are decoded, which waits for nobody. For
    one event loop.
    """

    def __init__(self, pixels: int) -> None:
        self._all = self._free = pixels
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def held(self, pixels: int) -> AsyncIterator[None]:
        """Waits until there is room for `pixels`, and keeps it for the block."""
        taken = min(pixels, self._all)
        async with self._turn:
            while self._free < taken:
                self._changed.clear()
                await self._changed.wait()
            self._free -= taken
        try:
            yield
        finally:
            self._free += taken
            self._changed.set()
