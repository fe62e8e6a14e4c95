"""Frozen results in Redis: a person's among what is held of them (`runtime.held_redis`), others by themselves."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable
from typing import Any

from services.ranker.frozen_store import FrozenStore
from services.ranker.tickets import KEY_BYTES, Ticket
from services.runtime.held_redis import put_command, record_key
from services.runtime.redis_async import AtOnce, Command, Together

KIND = "recommendation"
"""Of what is held under a person."""

KEY = "visrec:ranker:ticket-key"
"""Where the key of tickets is. Without it what is frozen cannot be found any more, and ends by itself."""


class RedisFrozenStore(FrozenStore):
    """Over `AsyncRedis.at_once`, or what stands before it. Results that are frozen at the same time go together."""

    def __init__(self, at_once: AtOnce, *, in_cluster: bool = False) -> None:
        self._together = Together(at_once)
        self._in_cluster = in_cluster

    async def key(self) -> bytes:
        await self._together.ask(("SET", KEY, secrets.token_bytes(KEY_BYTES), "NX"))
        key: bytes = await self._together.ask(("GET", KEY))
        return key

    def put(self, ticket: Ticket, packed: bytes, *, now_ms: int, keep_ms: int) -> Awaitable[bool]:
        return self._together.ask(_put(ticket, packed, now_ms, keep_ms))

    async def is_full(self, share: float) -> bool:
        if self._in_cluster:  # each node has a room of its own, and says so when it is full
            return False
        memory: Any = await self._together.ask(("INFO", "memory"))
        return bool(memory["maxmemory"]) and int(memory["used_memory"]) > share * int(memory["maxmemory"])

    async def get(self, ticket: Ticket) -> bytes | None:
        found: bytes | None = await self._together.ask(("GET", _key(ticket)))
        return found


def _put(ticket: Ticket, packed: bytes, now_ms: int, keep_ms: int) -> Command:
    if ticket.owner:
        return put_command(ticket.owner, KIND, ticket.record, packed, now_ms=now_ms, keep_ms=keep_ms)
    return ("SET", _key(ticket), packed, "PX", keep_ms)


def _key(ticket: Ticket) -> str:
    return record_key(ticket.owner, KIND, ticket.record) if ticket.owner else f"visrec:ranker:frozen:{ticket.record}"
