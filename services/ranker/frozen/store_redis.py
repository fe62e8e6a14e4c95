"""Frozen results in Redis: a person's among what is held of them (`runtime.held_redis`), others by themselves."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable

from services.errors import NotReady
from services.ranker.frozen.store import FrozenStore
from services.ranker.frozen.tickets import KEY_BYTES, Ticket
from services.runtime.held_redis import put_command, record_key
from services.runtime.redis_async import Ask, Command

KIND = "recommendation"
"""Of what is held under a person."""

KEY = "visrec:ranker:ticket-key"
"""Where the key of tickets is. Without it what is frozen cannot be found any more, and ends by itself."""

KEY_TRIES = 3


class RedisFrozenStore(FrozenStore):
    """Over `AsyncRedis.ask`, or what stands before it."""

    def __init__(self, ask: Ask, *, in_cluster: bool = False) -> None:
        self._ask = ask
        self._in_cluster = in_cluster

    async def key(self) -> bytes:
        # Before Redis 7 one command cannot do both, and a key may go between the two: deleted, or evicted.
        for _ in range(KEY_TRIES):
            made = secrets.token_bytes(KEY_BYTES)
            if await self._ask(("SET", KEY, made, "NX")):
                return made
            found: bytes | None = await self._ask(("GET", KEY))
            if found:
                return found
        raise NotReady("the key of tickets is gone whenever it is read")

    def put(self, ticket: Ticket, packed: bytes, *, now_ms: int, keep_ms: int) -> Awaitable[bool]:
        return self._ask(_put(ticket, packed, now_ms, keep_ms))

    async def is_full(self, share: float) -> bool:
        if self._in_cluster:  # each node has a room of its own, and says so when it is full
            return False
        told: bytes = await self._ask(("INFO", "memory"))
        memory = dict(line.split(b":", 1) for line in told.split() if b":" in line)
        most = int(memory.get(b"maxmemory", 0))
        return most > 0 and int(memory[b"used_memory"]) > share * most

    async def get(self, ticket: Ticket) -> bytes | None:
        found: bytes | None = await self._ask(("GET", _key(ticket)))
        return found


def _put(ticket: Ticket, packed: bytes, now_ms: int, keep_ms: int) -> Command:
    if ticket.owner:
        return put_command(ticket.owner, KIND, ticket.record, packed, now_ms=now_ms, keep_ms=keep_ms)
    return ("SET", _key(ticket), packed, "PX", keep_ms)


def _key(ticket: Ticket) -> str:
    return record_key(ticket.owner, KIND, ticket.record) if ticket.owner else f"visrec:ranker:frozen:{ticket.record}"
