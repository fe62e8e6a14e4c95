"""People as a job sees them: features, facts and what they like, under a pseudonym of this export."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from jobs.kmeans import Float32


@dataclass(frozen=True)
class Liked:
    """One of a person's interests: `vector`, (D,) float32 of the catalogue's `space`, and its share."""

    space: str
    vector: Float32
    weight: float


@dataclass(frozen=True)
class Somebody:
    """`features`: (F,) float32 of unit norm, or zero: nothing is known of them. `words`: what they like, as words."""

    pseudonym: str
    space: str
    features: Float32
    facts: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    interests: tuple[Liked, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether there is anything to compare them by."""
        return bool(np.any(self.features))


def sample(people: Iterable[Somebody], most: int) -> tuple[list[Somebody], int]:
    """At most `most` of those who are known, and how many there were in all.

    Whom it takes is decided by a hash of their pseudonym, not by when they come. What comes out is in an order of its
    own (that of their features), so that the same people give the same segments however they are paged.
    """
    total = 0
    chosen: list[tuple[int, int, Somebody]] = []
    for somebody in people:
        if not somebody.is_known:
            continue
        total += 1
        rank = int.from_bytes(hashlib.blake2b(somebody.pseudonym.encode(), digest_size=8).digest(), "big")
        entry = (-rank, total, somebody)
        if len(chosen) < most:
            heapq.heappush(chosen, entry)
        else:
            heapq.heappushpop(chosen, entry)
    return sorted((entry[2] for entry in chosen), key=_order), total


def _order(somebody: Somebody) -> tuple[bytes, tuple[str, ...], tuple[str, ...], tuple[bytes, ...]]:
    vectors = tuple(liked.vector.tobytes() for liked in somebody.interests)
    return somebody.features.tobytes(), somebody.facts, somebody.items, vectors
