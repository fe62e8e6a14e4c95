"""What was seen in the latest pictures, by their content: the same photo again costs a digest instead of a network."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from typing import Final

import numpy as np

from services.embedder.seen import Seen
from services.embedder.sight import Picture

_OVERHEAD_BYTES: Final = 512
"""Of an entry beside its numbers: key, objects, places in the tables."""


class SeenCache:
    """Holds at most `max_bytes`, the least recently used goes first; 0 holds nothing. For one thread.

    Keys are digests under a secret of this process, values are numbers from which no photo can be had back. Nobody is
    told whether an answer came from here.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._secret = secrets.token_bytes(32)
        self._bytes = 0
        self._entries: OrderedDict[bytes, Seen] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def key(self, picture: Picture) -> bytes | None:
        """Of the file and of what is looked at. None when nothing is held."""
        if not self._max_bytes:
            return None
        digest = hashlib.blake2b(picture.data, key=self._secret, digest_size=16)
        digest.update(repr((picture.crop, picture.views)).encode())
        return digest.digest()

    def get(self, key: bytes | None) -> Seen | None:
        """One picture, without its regions, or None."""
        seen = self._entries.get(key) if key else None
        if key and seen:
            self._entries.move_to_end(key)
        return seen

    def put(self, key: bytes | None, seen: Seen) -> None:
        """Keeps a copy of one picture, without its regions: they are fifty times as large."""
        if key is None or key in self._entries:
            return
        kept = Seen(np.array(seen.features), {name: np.array(block) for name, block in seen.own.items()})
        size = _size(kept)
        if size > self._max_bytes:
            return
        self._entries[key] = kept
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._bytes -= _size(self._entries.popitem(last=False)[1])


def _size(seen: Seen) -> int:
    return _OVERHEAD_BYTES + seen.features.nbytes + sum(block.nbytes for block in seen.own.values())
