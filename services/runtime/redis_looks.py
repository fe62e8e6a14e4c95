"""Reading from Redis with nothing in between: for the looks that nearly every call makes.

redis-py borrows a connection from its pool for each command, looks whether it still stands, and packs the command anew.
For a look of 10 microseconds that is 30 more. Here each thread has a connection of its own, a broken one is noticed
when it is used, and of a command only the key is put in.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Protocol

from redis.cluster import RedisCluster
from redis.exceptions import ResponseError

from services.runtime.redis import Client, packed

_KEY = b"\r\n$1\r\n\0\r\n"
"""Stands for the key in a command that is packed without one."""


class Look:
    """A command that reads, and what comes after its key."""

    def __init__(self, name: str, *rest: str | int) -> None:
        self.name = name
        self.rest = rest
        whole = packed((name, b"\0", *rest), lambda number: str(number).encode())
        before, _, after = whole.partition(_KEY)
        self._before, self._after = before + b"\r\n", b"\r\n" + after

    def at(self, key: str) -> bytes:
        """The whole command, as it is sent."""
        name = key.encode()
        return b"%b$%d\r\n%b%b" % (self._before, len(name), name, self._after)


class Line(Protocol):
    """Asks on behalf of any number of threads."""

    def ask(self, looks: Sequence[tuple[Look, str]]) -> list[Any]:
        """What each look finds at its key, in one round trip to each server. Raises redis.RedisError, and when one of
        the looks is refused."""


def open_line(client: Client) -> Line:
    """To where the client leads. In a cluster the client finds the way for each command."""
    return _Cluster(client) if isinstance(client, RedisCluster) else _Threads(client)


class _Threads(Line):
    def __init__(self, client: Any) -> None:
        self._pool = client.connection_pool
        self._own = threading.local()

    def ask(self, looks: Sequence[tuple[Look, str]]) -> list[Any]:
        connection = getattr(self._own, "connection", None)
        if connection is None:
            # The pool knows it, to close it with the others, and does not lend it to anybody.
            connection = self._own.connection = self._pool.make_connection()
            connection.wait_in_kernel()
        request = b"".join([look.at(key) for look, key in looks])
        answers = connection.retry.call_with_retry(
            lambda: _exchanged(connection, request, len(looks)), lambda _: connection.disconnect()
        )
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return list(answers)


def _exchanged(connection: Any, request: bytes, count: int) -> list[Any]:
    whole = False
    try:
        connection.send_packed_command([request])
        answers: list[Any] = connection.read_responses(count)
        whole = True
    finally:
        if not whole:  # what is still to come would be taken for the answers to the next request
            connection.disconnect()
    return answers


class _Cluster(Line):
    def __init__(self, client: Any) -> None:
        self._client = client

    def ask(self, looks: Sequence[tuple[Look, str]]) -> list[Any]:
        with self._client.pipeline() as pipeline:
            for look, key in looks:
                pipeline.execute_command(look.name, key, *look.rest)
            return list(pipeline.execute())
