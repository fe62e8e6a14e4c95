"""Many byte strings side by side in one array: no object for each, and a file that can be mapped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

DIGEST_BYTES = 16

PIECE = 1024
"""Texts copied at a time: `numpy.repeat` keeps the interpreter to itself, for 30 ms a megabyte."""

Digests = NDArray[np.bytes_]
"""(n,) S16: BLAKE2b of texts, cut to 128 bits. Two texts of one digest count as the same text."""


@dataclass(frozen=True)
class Texts:
    """`data`: (bytes,) uint8, all of them one after the other; `starts`: (n + 1,) int64, where each begins, and the
    end."""

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[bytes]) -> Texts:
        """In the order given."""
        starts = np.zeros(len(texts) + 1, np.int64)
        np.cumsum([len(text) for text in texts], out=starts[1:])
        return cls(np.frombuffer(b"".join(texts), np.uint8), starts)

    def __len__(self) -> int:
        """How many."""
        return len(self.starts) - 1

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self.data.nbytes + self.starts.nbytes

    def __getitem__(self, place: int) -> bytes:
        """One of them."""
        return self.data[self.starts[place] : self.starts[place + 1]].tobytes()

    def strings(self, places: NDArray[np.integer]) -> list[str]:
        """Those at the places, in their order, as text: far less for each than one by one."""
        taken = self.take(places.astype(np.intp, copy=False))
        data, ends = taken.data.tobytes(), taken.starts.tolist()
        if not data.isascii():
            return [data[begin:end].decode() for begin, end in pairwise(ends)]
        text = data.decode()
        return [text[begin:end] for begin, end in pairwise(ends)]

    def take(self, places: NDArray[np.intp]) -> Texts:
        """Those at the places, in their order."""
        begins = self.starts[places]
        lengths = self.starts[places + 1] - begins
        starts = np.zeros(len(places) + 1, np.int64)
        np.cumsum(lengths, out=starts[1:])
        data = np.empty(starts[-1], np.uint8)
        for at in range(0, len(places), PIECE):
            here = slice(at, at + PIECE)
            data[starts[at] : starts[min(at + PIECE, len(places))]] = self._bytes(
                places[here], begins[here], lengths[here]
            )
        return Texts(data, starts)

    def _bytes(
        self, places: NDArray[np.intp], begins: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        first, last = int(places[0]), int(places[-1])
        if last - first + 1 == len(places) and (np.diff(places) == 1).all():
            whole: NDArray[np.uint8] = self.data[self.starts[first] : self.starts[last + 1]]
            return whole
        # Each byte's source: its place within its text, counted from where that begins.
        before = np.cumsum(lengths) - lengths
        scattered: NDArray[np.uint8] = self.data[np.arange(lengths.sum()) + np.repeat(begins - before, lengths)]
        return scattered

    @classmethod
    def joined(cls, several: Sequence[Texts]) -> Texts:
        """All of them, one after the other."""
        offsets = np.cumsum([0, *(len(texts.data) for texts in several)])
        starts = [texts.starts[:-1] + offset for texts, offset in zip(several, offsets, strict=False)]
        data = np.concatenate([texts.data for texts in several]) if several else np.empty(0, np.uint8)
        return cls(data, np.concatenate([*starts, offsets[-1:]]))


@dataclass(frozen=True)
class Lookup:
    """Finds texts: `digests` (n,) S16 ascending, and for each the place of its text, `places` (n,) int32."""

    digests: Digests
    places: NDArray[np.int32]

    @classmethod
    def over(cls, digests: Digests) -> Lookup:
        """`digests`: of texts in the order of their places. Of equal texts the last one is found."""
        order = np.argsort(digests, kind="stable").astype(np.int32)
        return cls(digests[order], order)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self.digests.nbytes + self.places.nbytes

    def find(self, text: str) -> int | None:
        """Its place."""
        digest = digest_of(text)
        at = int(np.searchsorted(self.digests, digest, "right")) - 1
        if at < 0 or self.digests[at : at + 1].tobytes() != digest:
            return None
        return int(self.places[at])

    def find_all(self, texts: Sequence[str]) -> list[int | None]:
        """The place of each, for many at once."""
        if not len(self.digests):
            return [None] * len(texts)
        digests = digests_of(texts)
        at = np.searchsorted(self.digests, digests, "right") - 1
        found = (at >= 0) & (self.digests[at] == digests)
        places = self.places[at].tolist()
        return [place if there else None for place, there in zip(places, found.tolist(), strict=True)]

    def in_order(self) -> Digests:
        """The digests in the order of their places."""
        ordered = np.empty_like(self.digests)
        ordered[self.places] = self.digests
        return ordered


def digest_of(text: str) -> bytes:
    """16 bytes."""
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()


def digests_of(texts: Iterable[str]) -> Digests:
    """(n,) of each."""
    return np.frombuffer(b"".join(map(digest_of, texts)), f"S{DIGEST_BYTES}")
