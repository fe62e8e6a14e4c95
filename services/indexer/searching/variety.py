"""Choosing among ranked items so that they are not all alike: at most so many of a group and of a category, and of near
duplicates only the best.

Items are offered best first, and each is taken unless what was taken before forbids it. So the first n taken are the
same however many are wanted.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from services.indexer.index.port import View
from services.indexer.searching.request import Caps
from services.spaces import Float32, Space


class Chosen:
    """What has been taken so far. `vectors` (photos, D): those that `at` of `admit` counts in; None unless the caps
    collapse."""

    def __init__(self, caps: Caps, view: View, vectors: Float32 | None) -> None:
        self._caps = caps
        self._view = view
        self._groups: Counter[str] = Counter()
        self._categories: Counter[str] = Counter()
        self._directions = None if vectors is None else directions(view.space, vectors)
        self._taken = np.empty((16, view.space.dimension), np.float32)
        self._count = 0

    def admit(self, first: int, at: int) -> bool:
        """Takes the item with this first row, whose photo `at` counts, unless it is one too many."""
        caps, view = self._caps, self._view
        # Items without a group or a category have nothing in common.
        group = view.word(first, "group_id") if caps.per_group else ""
        if group and self._groups[group] >= caps.per_group:
            return False
        category = view.word(first, "category") if caps.per_category else ""
        if category and self._categories[category] >= caps.per_category:
            return False
        if self._directions is not None and not self._apart(self._directions[at]):
            return False
        self._groups[group] += 1
        self._categories[category] += 1
        return True

    def _apart(self, direction: Float32) -> bool:
        """Whether no item taken is nearer than allowed; then this one is among them."""
        if self._count and float((self._taken[: self._count] @ direction).max()) > self._caps.collapse_above:
            return False
        if self._count == len(self._taken):
            self._taken = np.concatenate([self._taken, np.empty_like(self._taken)])
        self._taken[self._count] = direction
        self._count += 1
        return True


def directions(space: Space, vectors: Float32) -> Float32:
    """(n, D) canonical vectors -> (n, D), whose inner products are cosines under the default weights of the blocks.
    What has nothing to say in any block that weighs becomes zero, and so is near to nothing."""
    scaled = vectors * np.sqrt(space.weigh(np.ones(space.dimension, np.float32), space.default_weights))
    norms = np.sqrt(np.einsum("nd,nd->n", scaled, scaled))
    return np.asarray(scaled / np.where(norms > 0, norms, 1)[:, None], np.float32)
