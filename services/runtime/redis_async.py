"""Redis on an event loop: what `redis` is for threads, for commands that several callers send together.

A client of redis-py takes 0.1 ms and more for one command on an event loop, most of it for taking a connection, waiting
and waking up. So what comes while others are on their way goes together, as one pipeline on one connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextvars import Context
from typing import Any

from redis import exceptions
from redis.asyncio import (
    Connection,
    ConnectionPool,
    Redis,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from services.errors import NotReady, Overloaded, VisrecError
from services.runtime.redis import packed, redis_errors
from services.runtime.settings import RuntimeSettings

Command = Sequence[str | bytes | int]

MOST_AT_ONCE = 64
MOST_WAITING = 1024

AtOnce = Callable[[Sequence[Command]], Coroutine[Any, Any, Sequence[Any]]]
"""Sends commands together; answers, or what Redis refused one with, in their order. Raises NotReady."""


class _Packing(AbstractConnection):
    def pack_commands(self, commands: Iterable[Any]) -> list[bytes]:
        """In one piece, and in half the time that redis-py takes for it."""
        return [b"".join(packed(command, self.encoder.encode) for command in commands)]


class _Tcp(_Packing, Connection):
    pass


class _Tls(_Packing, SSLConnection):
    pass


class _Unix(_Packing, UnixDomainSocketConnection):
    pass


_CLASSES: dict[Any, Any] = {Connection: _Tcp, SSLConnection: _Tls, UnixDomainSocketConnection: _Unix}


def _pool(url: str, **options: Any) -> ConnectionPool:
    """`connection_class` is what redis-py reads from the scheme of the URL."""
    read = ConnectionPool.from_url(url, **options)
    kind = _CLASSES.get(read.connection_class, read.connection_class)
    return ConnectionPool(connection_class=kind, **read.connection_kwargs)


class AsyncRedis:
    """The Redis of `runtime`; connects when it is first used. No command waits longer than `timeout_s`."""

    def __init__(self, runtime: RuntimeSettings, timeout_s: float) -> None:
        options: dict[str, Any] = {
            "socket_timeout": timeout_s,
            "socket_connect_timeout": timeout_s,
            "protocol": 2,
            "client_name": "visrec",
            # A connection that broke while nobody used it is made anew, once.
            "retry": Retry(NoBackoff(), 1),
        }
        self._client: Any = (
            RedisCluster.from_url(runtime.redis_url, **options)
            if runtime.redis_cluster
            else Redis.from_pool(_pool(runtime.redis_url, **options))
        )
        self._timeout_s = timeout_s

    async def at_once(self, commands: Sequence[Command]) -> Sequence[Any]:
        """As `AtOnce`: they are independent of each other, and need not be in one slot of a cluster."""
        with redis_errors:
            try:
                async with asyncio.timeout(self._timeout_s):
                    pipeline = self._client.pipeline(transaction=False)
                    for command in commands:
                        pipeline.execute_command(*command)
                    answers: Sequence[Any] = await pipeline.execute(raise_on_error=False)
            except TimeoutError as late:
                raise NotReady("Redis does not answer in time", reason="REDIS_NOT_READY") from late
        if any(isinstance(answer, exceptions.ResponseError) and "READONLY" in str(answer) for answer in answers):
            # After a failover the address leads to another server than these connections do.
            await self._disconnect()
        return answers

    async def close(self) -> None:
        """Ends its connections."""
        await self._client.aclose()

    async def _disconnect(self) -> None:
        pool = getattr(self._client, "connection_pool", None)
        if pool is not None:  # the client of a cluster finds the new master by itself
            await pool.disconnect()


class Together:
    """Sends what several callers ask at the same time in one step. One batch is on its way at a time; meanwhile the
    next one gathers. Not for several threads.

    most_waiting  commands that may wait; of more, Overloaded
    """

    def __init__(self, at_once: AtOnce, most_waiting: int = MOST_WAITING) -> None:
        self._at_once = at_once
        self._most_waiting = most_waiting
        self._waiting: list[tuple[Command, asyncio.Future[Any]]] = []
        self._sending: asyncio.Task[None] | None = None

    def ask(self, command: Command) -> asyncio.Future[Any]:
        """What Redis answers to one command: on its way from now on, whether or not it is awaited. Raises Overloaded;
        what is awaited raises NotReady."""
        if len(self._waiting) >= self._most_waiting:
            raise Overloaded("too many commands wait for Redis")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, answer))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send(), context=Context())  # no caller's deadline
        return answer

    async def _send(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                await self._send_batch(batch)
        finally:
            self._sending = None

    async def _send_batch(self, batch: Sequence[tuple[Command, asyncio.Future[Any]]]) -> None:
        try:
            answers = await self._at_once([command for command, _ in batch])
        except VisrecError as problem:
            answers = [problem] * len(batch)
        except BaseException:
            for _, future in batch:
                future.cancel()
            raise
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():  # nobody waits for it any more
                continue
            if isinstance(answer, Exception):
                future.set_exception(_told(answer))
                future.exception()  # that nobody has asked for it is no fault of the program
            else:
                future.set_result(answer)


def _told(problem: Exception) -> Exception:
    """A refusal of Redis as one of our errors."""
    try:
        with redis_errors:
            raise problem
    except Exception as told:  # noqa: BLE001 - whatever it is, it is for whoever awaits
        return told
