"""Made-up items: raw features as a network might give them, vectors as the shipped space would have them. Pure.

- Items are of 40 categories, and of patterns, 16 items each, all of one category. Where a category is lies in 16 hidden
  dimensions; patterns of a category differ in these and in 48 others, which tell nothing of categories; items of a
  pattern differ a little less. So what tells categories apart can be learned, and is not all that there is to see.
- Raw features are these 64 numbers, laid into 1,280 dimensions at random, with noise of 0.02 of the signal in each.
- The block `content` is what is left of them by a projection into its dimensions at random, with noise; every other
  block is a cluster by the pattern, with noise.

Item n is the same in every run of the same number of items.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.indexer.space import Float16, Float32, Space

SEED = 20_261_128
FEATURES = 1280
CATEGORIES, EACH = 40, 16
TELLING, HIDDEN = 16, 64
APART, SPREAD, WITHIN = 0.5, 1.0, 0.8
"""Standard deviations: of categories, of patterns within one, of items within a pattern."""
NOISE = 0.02
BLURRED = 0.05
"""Noise in each dimension of the block `content`, whose signal is about 1 over their square root."""
LOOKS = 50
"""Clusters of any other block."""
AT_ONCE = 500

Numbers = NDArray[np.intp]


class Some(NamedTuple):
    """Items from number `first` on: `raw` (n, FEATURES), `vectors` (n, D) with each block of unit norm."""

    first: int
    raw: Float16
    vectors: Float32


class Goods:
    """So many items, whose vectors are of `space`."""

    def __init__(self, items: int, space: Space) -> None:
        self.items, self.space = items, space
        random = np.random.default_rng(SEED)
        count = max(items // EACH, CATEGORIES)
        self._category_of_pattern = random.integers(CATEGORIES, size=count)
        self._pattern = random.integers(count, size=items)
        centres = np.zeros((CATEGORIES, HIDDEN), dtype=np.float32)
        centres[:, :TELLING] = APART * _normal(random, CATEGORIES, TELLING)
        self._places = centres[self._category_of_pattern] + SPREAD * _normal(random, count, HIDDEN)
        self._plane = _normal(random, HIDDEN, FEATURES) / np.float32(HIDDEN**0.5)
        self._blocks = [
            _normal(random, FEATURES, block.dimension) / np.float32(FEATURES**0.5)
            if block.name == "content"
            else _normal(random, LOOKS, block.dimension)
            for block in space.blocks
        ]

    @cached_property
    def categories(self) -> Numbers:
        """(items,) of each."""
        return self._category_of_pattern[self._pattern]

    @cached_property
    def looks(self) -> Float32:
        """(items,) of each, one of the numbers that tell nothing of categories: that of its pattern."""
        looks: Float32 = self._places[self._pattern, -1]
        return looks

    def __iter__(self) -> Iterator[Some]:
        """All of them, AT_ONCE at a time."""
        return (self._made(first, min(AT_ONCE, self.items - first)) for first in range(0, self.items, AT_ONCE))

    def _made(self, first: int, count: int) -> Some:
        random = np.random.default_rng([SEED, first])
        pattern = self._pattern[first : first + count]
        hidden = self._places[pattern] + WITHIN * _normal(random, count, HIDDEN)
        raw = (hidden @ self._plane + NOISE * _normal(random, count, FEATURES)).astype(np.float16)
        parts = [
            self._content(raw, made, random) if block.name == "content" else _looks(made, pattern, random)
            for block, made in zip(self.space.blocks, self._blocks, strict=True)
        ]
        return Some(first, raw, self.space.normalised(np.concatenate(parts, axis=1)))

    def _content(self, raw: Float16, plane: Float32, random: np.random.Generator) -> Float32:
        seen = raw.astype(np.float32) @ plane
        seen /= np.linalg.norm(seen, axis=1, keepdims=True)
        return seen + np.float32(BLURRED) * _normal(random, *seen.shape)


def name(number: int) -> str:
    """Of item `number`."""
    return f"item-{number}"


def _looks(centres: Float32, pattern: Numbers, random: np.random.Generator) -> Float32:
    made: Float32 = centres[pattern % len(centres)] + _normal(random, len(pattern), centres.shape[1])
    return made


def _normal(random: np.random.Generator, rows: int, columns: int) -> Float32:
    return random.standard_normal((rows, columns), dtype=np.float32)
