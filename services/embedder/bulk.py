"""A stream of requests answered in order, several at a time, no more than a window of them in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from services.errors import VisrecError

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


async def in_order(
    requests: AsyncIterable[Asked], answer: Callable[[Asked], Coroutine[Any, Any, Answer]], window: int
) -> AsyncGenerator[Answer]:
    """The answers to the requests, in their order, each as soon as those before it are out.

    At most `window` (>= 1) requests are held at a time, from being read to their answer being taken, so a slow reader
    slows the writer down. An error of `answer` or of `requests` ends the stream; ending it cancels what is under way.
    """
    room = asyncio.Semaphore(window)
    begun: asyncio.Queue[asyncio.Task[Answer] | None] = asyncio.Queue()

    async def read() -> None:
        iterator = aiter(requests)
        try:
            while True:
                await room.acquire()
                begun.put_nowait(asyncio.create_task(answer(await anext(iterator))))
        except StopAsyncIteration:
            return
        finally:
            begun.put_nowait(None)

    reader = asyncio.create_task(read())
    task: asyncio.Task[Answer] | None = None
    try:
        while task := await begun.get():
            yield await task
            room.release()
        await reader
    finally:
        await _cancel([reader, *([task] if task else []), *_left(begun)])


def _left(begun: asyncio.Queue[asyncio.Task[Answer] | None]) -> list[asyncio.Task[Answer]]:
    return [task for _ in range(begun.qsize()) if (task := begun.get_nowait()) is not None]


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def settled(work: Awaitable[Answer]) -> Answer | VisrecError:
    """The result, or the error of the family instead of raising it: one bad element fails alone."""
    try:
        return await work
    except VisrecError as error:
        return error
