"""How often a catalogue may be asked: a bucket of tokens for each, so that one that is busy leaves room for others.

Every replica has buckets of its own. How many items a catalogue may have is kept in the record, see
`Definition.room`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from services.errors import Overloaded
from services.indexer.serving.shelf import Shelf


@dataclass
class _Bucket:
    tokens: float
    at: float


class Rates:
    """`per_s`: requests a second, and as many at once after a pause; 0: any number. `clock`: monotonic seconds."""

    def __init__(self, per_s: float, clock: Callable[[], float]) -> None:
        self._per_s = per_s
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: WeakKeyDictionary[Shelf, _Bucket] = WeakKeyDictionary()

    def take(self, shelf: Shelf) -> None:
        """Counts one request of a catalogue. Raises Overloaded, saying when to come again, when there were too many."""
        if not self._per_s:
            return
        with self._lock:
            now, most = self._clock(), max(1.0, self._per_s)
            bucket = self._buckets.setdefault(shelf, _Bucket(most, now))
            bucket.tokens = min(most, bucket.tokens + (now - bucket.at) * self._per_s)
            bucket.at = now
            if bucket.tokens < 1:
                wait_ms = int((1 - bucket.tokens) / self._per_s * 1000) + 1
                message = f"catalogue {shelf.definition.name!r} is asked more than {self._per_s:g} times a second"
                raise Overloaded(message, retry_after_ms=wait_ms, reason="RATE_QUOTA")
            bucket.tokens -= 1
