"""Calls from Python, in a process of its own.

`python -m bench.embedder.calls TASK`, one JSON object, prints the answers as a JSON list of [end in seconds since the
epoch, milliseconds], or ends with an error at the first call that fails.

A task has `protocol`, `address`, `path` and `bodies`, files to send in turn, and then either `rate` and `seconds`, or
`callers` and one of `seconds` and `each`, how often every body is sent. Calls at a rate are sent when they are due
whatever is still out, and count from then: so a server that stalls is not asked less (what Gil Tene calls coordinated
omission).
"""

from __future__ import annotations

import asyncio
import json
import re
import selectors
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import grpc

from bench.embedder.endpoints import HTTP_HEADERS, TIMEOUT_S

CONNECTIONS = 8
"""Of gRPC, which carries many calls over one; with HTTP/1.1 there are as many as calls at a time."""


KEPT_S = 1.0
"""For so long a connection of HTTP/1.1 waits for the next call. A server closes it when it was idle for some time,
which is five seconds with uvicorn."""


class Connection(NamedTuple):
    """One that nobody uses since then, by time.monotonic."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    since_s: float


class Client(ABC):
    """Sends one body at a time, or several."""

    @abstractmethod
    async def call(self, body: bytes) -> None:
        """Raises when the answer is not OK."""


class Grpc(Client):
    """Unary calls, their messages as bytes."""

    def __init__(self, address: str, path: str) -> None:
        options = [("grpc.use_local_subchannel_pool", 1)]
        channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(CONNECTIONS)]
        self._calls: list[grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]] = [
            channel.unary_unary(path) for channel in channels
        ]
        self._next = count()

    async def call(self, body: bytes) -> None:
        await self._calls[next(self._next) % CONNECTIONS](body, timeout=TIMEOUT_S)


class Http1(Client):
    """POST over connections that are kept."""

    def __init__(self, address: str, path: str) -> None:
        self._host, _, self._port = address.partition(":")
        headers = "".join(f"{name}: {value}\r\n" for name, value in HTTP_HEADERS.items())
        self._head = f"POST {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Content-Length: "
        self._idle: list[Connection] = []

    async def call(self, body: bytes) -> None:
        reader, writer = await self._connection()
        writer.write(f"{self._head}{len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)\r\n", head)
        if b" 200 " not in head.partition(b"\r\n")[0] or not length:
            raise RuntimeError(f"answered with {head[:200]!r}")
        await reader.readexactly(int(length[1]))
        self._idle.append(Connection(reader, writer, time.monotonic()))

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The one that was used last, or a new one."""
        if self._idle and time.monotonic() - self._idle[-1].since_s < KEPT_S:
            return self._idle.pop()[:2]
        for connection in self._idle:
            connection.writer.close()
        self._idle.clear()
        return await asyncio.open_connection(self._host, int(self._port))


class Stopwatch:
    """Times calls."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.found: list[tuple[float, float]] = []

    async def call(self, body: bytes, since_s: float | None = None) -> None:
        """One call, which counts from `since_s` by time.perf_counter; from now when that is None."""
        since_s = time.perf_counter() if since_s is None else since_s
        await self._client.call(body)
        self.found.append((time.time(), (time.perf_counter() - since_s) * 1e3))


async def repeat(stopwatch: Stopwatch, bodies: Sequence[bytes], callers: int, *, seconds: float, each: int) -> None:
    """`callers` that make one call at a time, for `seconds`, or until every body was sent `each` times."""
    end, numbers = time.perf_counter() + seconds, iter(range(each * len(bodies))) if each else count()

    async def caller() -> None:
        while time.perf_counter() < end and (number := next(numbers, None)) is not None:
            await stopwatch.call(bodies[number % len(bodies)])

    await asyncio.gather(*(caller() for _ in range(callers)))


async def keep_rate(stopwatch: Stopwatch, bodies: Sequence[bytes], rate: float, seconds: float) -> None:
    """As many calls a second, evenly."""
    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            due = begin + number / rate
            await asyncio.sleep(due - time.perf_counter())
            group.create_task(stopwatch.call(bodies[number % len(bodies)], due))


async def carry_out(task: dict[str, Any], bodies: Sequence[bytes]) -> list[tuple[float, float]]:
    """The answers, after a call that opens a connection."""
    client = {"grpc": Grpc, "http1": Http1}[task["protocol"]](task["address"], task["path"])
    await client.call(bodies[0])
    stopwatch = Stopwatch(client)
    if "rate" in task:
        await keep_rate(stopwatch, bodies, task["rate"], task["seconds"])
    else:
        seconds, each = task.get("seconds", float("inf")), int(task.get("each", 0))
        await repeat(stopwatch, bodies, int(task["callers"]), seconds=seconds, each=each)
    return stopwatch.found


if __name__ == "__main__":
    # select() sleeps to the microsecond; epoll, asyncio's choice, rounds up to the next millisecond.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        given = json.loads(sys.argv[1])
        json.dump(runner.run(carry_out(given, [Path(path).read_bytes() for path in given["bodies"]])), sys.stdout)
