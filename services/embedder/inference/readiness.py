"""Ready or not, for those who do not ask health."""

from __future__ import annotations

from collections.abc import Awaitable, Callable


class Readiness:
    """Stands around a canary and remembers how it ended last, which is what health says, too."""

    def __init__(self, canary: Callable[[], Awaitable[None]]) -> None:
        self._canary = canary
        self.ready = False

    async def sing(self) -> None:
        """The canary. One that is cancelled because it took too long has failed."""
        sang = False
        try:
            await self._canary()
            sang = True
        finally:
            self.ready = sang
