"""Where frozen results are kept for a while."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from services.ranker.frozen.tickets import Ticket


class FrozenStore(Protocol):
    """Each method raises NotReady when the store does not answer, and Overloaded when too many wait for it.

    What has an owner is kept under that person, so that an erasure of the person removes it.
    """

    async def key(self) -> bytes:
        """The key of tickets, KEY_BYTES: the same for all that share this store; made by whoever is first."""

    def put(self, ticket: Ticket, packed: bytes, *, now_ms: int, keep_ms: int) -> Awaitable[bool]:
        """Keeps it for `keep_ms`; on its way from the call on. False when the owner was erased: nothing is kept."""

    async def is_full(self, share: float) -> bool:
        """Whether more than `share`, 0 to 1, of its room is taken, be it by others."""

    async def get(self, ticket: Ticket) -> bytes | None:
        """What was kept; None: nothing, or not any more."""
