"""Diversity: which of the candidates stand where, when not only their scores count.

Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998), greedy, with d = 1 - lambda of the paper:

    next = argmax over x not yet chosen of  (1 - d) * relevance(x) - d * max over chosen y of cosine(x, y)

and at every step only those that are no near duplicate of a chosen one and whose category and group still have room.
Each step depends on those before it only, so the top N is a prefix of the top N+1. With d = 0 the order is that of the
scores, without those that may not be there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ranker.others.ports import Traits
from services.spaces import MIN_NORM, Float16, Space

Float32 = NDArray[np.float32]

POOL = 200
"""Of the best by score, so many are looked at for places; the same for every N. MMR would hardly reach further down."""


@dataclass(frozen=True)
class Variety:
    """What is asked for. `diversity`: d, 0 to 1. `duplicate_cosine`, `max_per_category`, `max_per_group`: 0 for
    none."""

    diversity: float = 0.0
    duplicate_cosine: float = 0.0
    max_per_category: int = 0
    max_per_group: int = 0

    @property
    def any(self) -> bool:
        """Whether anything is asked for: without, the order is that of the scores."""
        return bool(self.by_vectors or self.capped)

    @property
    def by_vectors(self) -> bool:
        """Whether the vectors of the candidates are needed."""
        return bool(self.diversity or self.duplicate_cosine)

    @property
    def capped(self) -> bool:
        """Whether their categories and groups are."""
        return bool(self.max_per_category or self.max_per_group)


NO_VARIETY = Variety()


def directions(vectors: Float16, space: Space) -> Float32:
    """(n, D) canonical vectors to unit ones, whose inner products are cosines with the blocks weighed by the space's
    default weights. A vector of nothing stays zero, like nobody."""
    scaled = space.weigh(vectors.astype(np.float32), np.sqrt(space.default_weights))
    norms = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))[:, None]
    return np.asarray(scaled / np.where(norms < MIN_NORM, np.float32(1), norms), dtype=np.float32)


def chosen(
    order: Sequence[int],
    relevance: NDArray[np.float64],
    variety: Variety,
    most: int,
    *,
    directions_of: Callable[[Sequence[int]], Float32] | None = None,
    traits: Sequence[Traits] | None = None,
) -> list[int]:
    """Up to `most` of the candidates, in their places.

    order          rows, best first, equal ones in their final order
    relevance      (n,) by row, on the scale of a cosine
    directions_of  rows to their unit vectors, (rows, D); needed when `variety.by_vectors`
    traits         by row; needed when `variety.capped`
    """
    room = _Room(variety, traits)
    if not variety.by_vectors or directions_of is None:
        return room.first(order, most)
    if not variety.diversity:
        return _without_duplicates(order, variety.duplicate_cosine, most, room, directions_of)
    pool = list(order[:POOL])
    units = directions_of(pool)
    return _marginal(pool, relevance[pool], units @ units.T, variety, most=most, room=room)


class _Room:
    """How much room the categories and groups of those chosen so far leave."""

    def __init__(self, variety: Variety, traits: Sequence[Traits] | None) -> None:
        self._bounds = (variety.max_per_category, variety.max_per_group)
        self._traits = traits if variety.capped else None
        self._taken: tuple[Counter[str], Counter[str]] = (Counter(), Counter())

    def take(self, row: int) -> bool:
        """Whether there is room for it, which then it has taken."""
        if self._traits is None:
            return True
        each = self._traits[row]
        kinds = (each.category, each.group_id)
        for kind, bound, taken in zip(kinds, self._bounds, self._taken, strict=True):
            if kind and bound and taken[kind] >= bound:
                return False
        for kind, taken in zip(kinds, self._taken, strict=True):
            taken[kind] += 1
        return True

    def first(self, order: Sequence[int], most: int) -> list[int]:
        """The first `most` that there is room for."""
        if self._traits is None:
            return list(order[:most])
        places: list[int] = []
        for row in order:
            if len(places) == most:
                break
            if self.take(row):
                places.append(row)
        return places


def _without_duplicates(
    order: Sequence[int], bound: float, most: int, room: _Room, directions_of: Callable[[Sequence[int]], Float32]
) -> list[int]:
    units = directions_of(order)
    kept = np.empty((most, units.shape[1]), np.float32)
    places: list[int] = []
    for at, row in enumerate(order):
        if len(places) == most:
            break
        if places and float((kept[: len(places)] @ units[at]).max()) > bound:
            continue
        if room.take(row):
            kept[len(places)] = units[at]
            places.append(row)
    return places


def _marginal(
    pool: Sequence[int],
    relevance: NDArray[np.float64],
    likeness: Float32,
    variety: Variety,
    *,
    most: int,
    room: _Room,
) -> list[int]:
    wanted = (1.0 - variety.diversity) * relevance
    bound = variety.duplicate_cosine or np.inf
    nearest = np.full(len(pool), -np.inf)
    worth = wanted.copy()
    places: list[int] = []
    while pool and len(places) < most:
        at = int(worth.argmax())  # of equals the first, which is the better one
        if worth[at] == -np.inf:
            break
        worth[at] = wanted[at] = -np.inf
        if not room.take(pool[at]):
            continue
        places.append(pool[at])
        np.maximum(nearest, likeness[at], out=nearest)
        np.subtract(wanted, variety.diversity * nearest, out=worth)
        worth[nearest > bound] = -np.inf
    return places
