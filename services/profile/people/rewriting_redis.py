"""Asks Redis to write its append-only file anew, so that what was erased is gone from the disk, too.

A rewriting costs a fork of the server, so there is one a minute at most: whoever asks in between gets the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from redis.cluster import RedisCluster
from redis.exceptions import RedisClusterException, RedisError, ResponseError

from services.errors import VisrecError
from services.runtime.redis import Client

EVERY_S = 60.0


class Rewriting:
    """`clock`: monotonic seconds; `later`: runs something after so many seconds and gives back what stops it. Safe to
    use from any number of threads."""

    def __init__(
        self,
        client: Client,
        clock: Callable[[], float],
        later: Callable[[float, Callable[[], None]], Callable[[], None]] | None = None,
    ) -> None:
        self._client: Any = client
        self._clock = clock
        self._later = later or _on_a_timer
        self._lock = threading.Lock()
        self._next_s = clock()
        self._stop: Callable[[], None] | None = None
        self._closed = False

    def ask(self) -> bool:
        """Whether it is being written anew, or will be within a minute; False when the server does not let us."""
        with self._lock:
            wait_s = self._next_s - self._clock()
            if wait_s <= 0:
                return self._rewrite()
            if self._stop is None and not self._closed:
                self._stop = self._later(wait_s, self._due)
            return True

    def close(self) -> None:
        """Asks for what is due at once, and for nothing more."""
        with self._lock:
            self._closed = True
            if self._stop is not None:
                self._stop()
                self._stop = None
                self._rewrite()

    def _due(self) -> None:
        with self._lock:
            self._stop = None
            # It was promised: a server that is away now is asked again.
            if not self._closed and not self._rewrite() and self._stop is None:
                self._stop = self._later(EVERY_S, self._due)

    def _rewrite(self) -> bool:
        try:
            self._client.execute_command("BGREWRITEAOF", **self._everywhere())
        except ResponseError as problem:
            if "in progress" not in str(problem):
                return False
            # It may have begun before the erasure.
            if self._stop is None and not self._closed:
                self._stop = self._later(EVERY_S, self._due)
        except (RedisError, RedisClusterException, VisrecError):
            return False
        self._next_s = self._clock() + EVERY_S
        return True

    def _everywhere(self) -> dict[str, Any]:
        # Not by its flag for all masters: redis-py knows no keys of this command, and asks for some.
        is_cluster = isinstance(self._client, RedisCluster)
        return {"target_nodes": self._client.get_primaries()} if is_cluster else {}


def _on_a_timer(seconds: float, work: Callable[[], None]) -> Callable[[], None]:
    timer = threading.Timer(seconds, work)
    timer.daemon = True
    timer.start()
    return timer.cancel
