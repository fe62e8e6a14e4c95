"""A vector space as a caller has to know it: blocks side by side, each of unit norm, and the weights of a question."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visrec.v1 import common_pb2

Float16 = NDArray[np.float16]
Float32 = NDArray[np.float32]


class Block(NamedTuple):
    """A part of every vector; `weight` is its default one."""

    name: str
    dimension: int
    weight: float


@dataclass(frozen=True)
class Space:
    """`made_of` says what the numbers are, in any words: the digest in the space's name is over it."""

    made_of: str
    blocks: tuple[Block, ...]

    @classmethod
    def of(cls, message: common_pb2.Space) -> Space:
        """As a service described it."""
        blocks = (Block(each.name, each.dimension, each.default_weight) for each in message.blocks)
        return cls(message.name, tuple(blocks))

    @cached_property
    def name(self) -> str:
        """As the contract wants it, `family@digest`."""
        if "@" in self.made_of:
            return self.made_of
        return f"bench@{hashlib.sha256(repr((self.made_of, self.blocks)).encode()).hexdigest()[:12]}"

    @property
    def dimension(self) -> int:
        """Of a whole vector."""
        return sum(block.dimension for block in self.blocks)

    @property
    def slug(self) -> str:
        """The name, fit for a file."""
        return self.name.replace("@", "-")

    def message(self) -> common_pb2.Space:
        """For CreateCatalogue."""
        blocks = (common_pb2.Block(name=n, dimension=dimension, default_weight=w) for n, dimension, w in self.blocks)
        return common_pb2.Space(name=self.name, blocks=blocks)

    def normalised(self, vectors: Float32) -> Float32:
        """(n, D) -> (n, D), each block of unit norm."""
        parts = np.split(vectors, self._starts[1:], axis=-1)
        units = [part / np.maximum(np.linalg.norm(part, axis=-1, keepdims=True), 1e-12) for part in parts]
        return np.concatenate(units, axis=-1, dtype=np.float32)

    def weighed(self, vector: Float32, weights: Mapping[str, float]) -> Float32:
        """(D,) -> (D,), whose inner product with an item is the item's score; no weights: the default ones."""
        chosen = np.array([weights.get(b.name, 0.0) if weights else b.weight for b in self.blocks])
        shares = chosen / np.abs(chosen).sum()
        scales = np.repeat(shares, [block.dimension for block in self.blocks]).astype(np.float32)
        weighed: Float32 = vector * scales
        return weighed

    @cached_property
    def _starts(self) -> list[int]:
        ends = np.cumsum([block.dimension for block in self.blocks])
        return [0, *ends[:-1].tolist()]
