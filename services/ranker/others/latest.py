"""What was used last, within a bound of how many and one of how much."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Latest(Generic[Key, Value]):
    """At most `most` values of at most `most_bytes` together; what was not used for longest goes first. The one
    put last stays, however large it is: whoever puts it bounds that."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return self._size

    def get(self, key: Key) -> Value | None:
        """The value, which is used by that; None: there is none."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        self._kept.move_to_end(key)
        return kept[0]

    def put(self, key: Key, value: Value, size: int) -> None:
        """Keeps a value of about so many bytes instead of the one that was there."""
        self.remove(key)
        self._kept[key] = value, size
        self._size += size
        while len(self._kept) > 1 and (len(self._kept) > self._most or self._size > self._most_bytes):
            _, (_, gone) = self._kept.popitem(last=False)
            self._size -= gone

    def remove(self, key: Key) -> None:
        """Forgets it, if it is there."""
        _, gone = self._kept.pop(key, (None, 0))
        self._size -= gone
