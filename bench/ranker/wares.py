"""What is recommended: made-up items in the space of the embedder, of as many kinds as the synthetic ones have."""

from __future__ import annotations

from bench.failure import BenchFailed
from bench.indexer.space import Space
from bench.indexer.synthetic import BLOCKS, Synthetic
from visrec.v1 import common_pb2


class Wares(Synthetic):
    """Synthetic vectors, told to be of the embedder's `space`, so that photos can be compared with them."""

    name = "wares"

    def __init__(self, space: common_pb2.Space) -> None:
        """Raises BenchFailed for a space of other blocks."""
        super().__init__()
        self.space = Space.of(space)
        if [(block.name, block.dimension) for block in self.space.blocks] != [each[:2] for each in BLOCKS]:
            raise BenchFailed(f"the space {self.space.name} has other blocks than the synthetic vectors")
