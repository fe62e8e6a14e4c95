"""Things that several threads take in turn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

ThingT = TypeVar("ThingT")
ResultT = TypeVar("ResultT")


class Shared(Generic[ThingT]):
    """Each thing goes to one thread. When one of them fails, nobody gets any more."""

    def __init__(self, things: Iterable[ThingT]) -> None:
        self._things = iter(things)
        self._lock = threading.Lock()
        self._ended = False

    def __iter__(self) -> Iterator[ThingT]:
        while True:
            with self._lock:
                if self._ended:
                    return
                try:
                    thing = next(self._things)
                except StopIteration:
                    return
            yield thing

    def guarded(self, work: Callable[[], ResultT]) -> ResultT:
        """What `work` comes to; if it raises, or is broken off by a signal, the others come to an end, too."""
        try:
            return work()
        except BaseException:
            self._ended = True
            raise
