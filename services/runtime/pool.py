"""Threads for the calls of a sync server, which know how many calls they hold, so that the queue can be bounded."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Pool(ThreadPoolExecutor):
    """`occupied` is the number of calls that wait for a thread or run on one."""

    def __init__(self, name: str, threads: int) -> None:
        super().__init__(threads, thread_name_prefix=name)
        self._count = threading.Lock()
        self.occupied = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As the base class does, counting the call until it has ended."""
        with self._count:
            self.occupied += 1
        future = super().submit(fn, *args, **kwargs)
        future.add_done_callback(self._ended)
        return future

    def _ended(self, _: Future[Any]) -> None:
        with self._count:
            self.occupied -= 1


class OnPool:
    """A handler with the attributes by which gRPC chooses its threads.

    `non_blocking` is gRPC's word for a stream that is sent through a callback and so holds no thread while it is open.
    """

    def __init__(self, behavior: Callable[..., Any], pool: ThreadPoolExecutor, *, non_blocking: bool = False) -> None:
        self._behavior = behavior
        self.experimental_thread_pool = pool
        self.experimental_non_blocking = non_blocking

    def __call__(self, *args: Any) -> Any:
        """Calls the handler."""
        return self._behavior(*args)
