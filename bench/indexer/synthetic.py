"""Made-up vectors that are like those of photos: in clusters, of few intrinsic dimensions, in three blocks that know
little of each other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.indexer.data import CHUNK_ROWS, Chunk
from bench.indexer.space import Block, Float32, Space

SEED = 20_261_123
LIMIT = 4_000_000
SPREAD = 0.6
"""Standard deviation within a cluster, where the clusters themselves have 1."""
NOISE = 0.02
"""Of each of a block's dimensions, beside a signal of about 1 over their square root: no vector is quite in the
subspace of the others."""
TIED = 0.3
"""Share of the items whose colour and style go with the cluster of their content; those of the others are any."""


class Shape(NamedTuple):
    """How one block is made: its clusters, and the dimensions that it really has."""

    clusters: int
    intrinsic: int


BLOCKS = (Block("content", 256, 1.0), Block("colour", 64, 0.3), Block("style", 64, 0.0))
SHAPES = (Shape(200, 24), Shape(40, 10), Shape(30, 12))
QUERIES = 2**31
"""Number of the chunk that the queries are."""

Numbers = NDArray[np.intp]


class Synthetic:
    """As many as wanted."""

    name = "synthetic"
    limit = LIMIT

    def __init__(self) -> None:
        self.space = Space(f"synthetic {SEED} {SPREAD} {NOISE} {TIED} {SHAPES}", BLOCKS)
        random = np.random.default_rng(SEED)
        self._centres = [_normal(random, shape.clusters, shape.intrinsic) for shape in SHAPES]
        self._planes = [_normal(random, s.intrinsic, b.dimension) for s, b in zip(SHAPES, BLOCKS, strict=True)]
        self._tied = [random.integers(shape.clusters, size=SHAPES[0].clusters) for shape in SHAPES]
        popularity = 1 / np.arange(1, SHAPES[0].clusters + 1) ** 0.5
        self._popularity = popularity / popularity.sum()

    def chunk(self, number: int) -> Chunk:
        return self._made(number, CHUNK_ROWS)

    def queries(self, count: int) -> Float32:
        return self._made(QUERIES, count).vectors

    def _made(self, number: int, count: int) -> Chunk:
        random = np.random.default_rng([SEED, number])
        content = random.choice(SHAPES[0].clusters, size=count, p=self._popularity)
        blocks = [self._block(random, block, self._clusters(random, block, content)) for block in range(len(BLOCKS))]
        return Chunk(self.space.normalised(np.concatenate(blocks, axis=1)), content.astype(np.uint16))

    def _clusters(self, random: np.random.Generator, block: int, content: Numbers) -> Numbers:
        if block == 0:
            return content
        free = random.integers(SHAPES[block].clusters, size=len(content))
        return np.where(random.random(len(content)) < TIED, self._tied[block][content], free)

    def _block(self, random: np.random.Generator, block: int, clusters: Numbers) -> Float32:
        inner = self._centres[block][clusters]
        inner = inner + SPREAD * _normal(random, *inner.shape)
        signal = inner @ self._planes[block]
        # Of unit norm about, so that NOISE means the same in each block.
        signal /= np.sqrt(SHAPES[block].intrinsic * signal.shape[1] * (1 + SPREAD**2))
        noisy: Float32 = signal + NOISE * _normal(random, *signal.shape)
        return noisy


def _normal(random: np.random.Generator, rows: int, columns: int) -> Float32:
    return random.standard_normal((rows, columns), dtype=np.float32)
