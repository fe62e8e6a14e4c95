"""Frozen results in memory: what a store promises, for tests. Nothing outlives the process."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from services.ranker.frozen.store import FrozenStore
from services.ranker.frozen.tickets import KEY_BYTES, Ticket


class MemoryFrozenStore(FrozenStore):
    """`clock_ms`: by which kept results end."""

    def __init__(self, clock_ms: Callable[[], int]) -> None:
        self._clock_ms = clock_ms
        self._key = secrets.token_bytes(KEY_BYTES)
        self._kept: dict[Ticket, tuple[int, bytes]] = {}
        self._erased: set[str] = set()
        self.taken = 0.0

    async def key(self) -> bytes:
        return self._key

    async def put(self, ticket: Ticket, packed: bytes, *, now_ms: int, keep_ms: int) -> bool:
        if ticket.owner in self._erased:
            return False
        self._kept[ticket] = (now_ms + keep_ms, packed)
        return True

    async def is_full(self, share: float) -> bool:
        return self.taken > share

    async def get(self, ticket: Ticket) -> bytes | None:
        ends, packed = self._kept.get(ticket, (0, b""))
        return packed if ends > self._clock_ms() else None

    def erase(self, owner: str) -> None:
        """Removes what is kept under somebody, and takes nothing more for them."""
        self._erased.add(owner)
        self._kept = {ticket: kept for ticket, kept in self._kept.items() if ticket.owner != owner}
