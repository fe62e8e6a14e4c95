"""Redis on an event loop: what `redis` is for threads, for commands of many callers at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from services.errors import InvalidInput, NotReady, Overloaded
from services.runtime.redis import redis_errors
from services.runtime.redis_line import MOST_WAITING, Command, Line
from services.runtime.settings import RuntimeSettings

__all__ = ["Ask", "AsyncRedis", "Command", "pairs"]

Ask = Callable[[Command], Awaitable[Any]]
"""What Redis answers to one command, which is on its way from the call on. Raises Overloaded when too many wait; what
is awaited raises NotReady when it does not answer."""


class AsyncRedis:
    """The Redis of `runtime`; connects when it is first used. No command waits much longer than `timeout_s`. Raises
    InvalidInput for a URL that is none."""

    def __init__(self, runtime: RuntimeSettings, timeout_s: float) -> None:
        options: dict[str, Any] = {
            "socket_timeout": timeout_s,
            "socket_connect_timeout": timeout_s,
            "protocol": 2,
            "client_name": "visrec",
            "retry": Retry(NoBackoff(), 0),
        }
        self._way: Line | _Cluster
        try:
            if runtime.redis_cluster:
                self._way = _Cluster(RedisCluster.from_url(runtime.redis_url, **options), timeout_s)
            else:
                pool = ConnectionPool.from_url(runtime.redis_url, **options)
                self._way = Line(lambda: _connected(pool), timeout_s)
        except ValueError as problem:
            raise InvalidInput("VISREC_REDIS_URL", str(problem)) from problem

    def ask(self, command: Command) -> Awaitable[Any]:
        """As `Ask`. A text is answered as bytes, a list or a map as a list, INFO as it is written."""
        return self._way.ask(command)

    async def close(self) -> None:
        """Ends its connections."""
        await self._way.close()


async def _connected(pool: Any) -> asyncio.StreamWriter:
    connection = pool.make_connection()
    await connection.connect()
    # redis-py gives no other way to what is below; and a connection that is forgotten would close it.
    writer: asyncio.StreamWriter = connection._writer  # noqa: SLF001
    connection._reader = connection._writer = None  # noqa: SLF001
    return writer


class _Cluster:
    """Whom to ask is redis-py's part; one command at a time costs it more than a `Line` does."""

    def __init__(self, client: RedisCluster, timeout_s: float) -> None:
        self._client: Any = client
        self._timeout_s = timeout_s
        self._running: set[asyncio.Task[Any]] = set()

    def ask(self, command: Command) -> asyncio.Task[Any]:
        if len(self._running) >= MOST_WAITING:
            raise Overloaded("too many commands wait for Redis")
        asking = asyncio.create_task(self._ask(command), context=Context())  # of no caller's deadline
        self._running.add(asking)
        asking.add_done_callback(self._ended)
        return asking

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(self, command: Command) -> Any:
        with redis_errors:
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._client.execute_command(*command)
            except TimeoutError as late:
                raise NotReady("Redis does not answer in time", reason="REDIS_NOT_READY") from late

    def _ended(self, asking: asyncio.Task[Any]) -> None:
        self._running.discard(asking)
        if not asking.cancelled():
            asking.exception()  # that nobody has asked for it is no fault of the program


def pairs(told: Sequence[Any] | dict[Any, Any]) -> dict[Any, Any]:
    """A map, which a cluster's client answers as one."""
    return dict(told) if isinstance(told, dict) else dict(zip(told[::2], told[1::2], strict=True))
