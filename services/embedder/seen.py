"""What a model sees in pictures, before any head makes a vector of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.spaces import Float32


@dataclass(frozen=True, eq=False)
class Seen:
    """Of n pictures, all float32.

    `features` (n, F): the pooled features of the network, before any head. `own`: the blocks that need no head, by
    name, (n, dimension) each, centred and not normalised. `maps` (n, F, rows, columns): the features of each region,
    whose mean `features` are; None where the network has no regions.
    """

    features: Float32
    own: Mapping[str, Float32]
    maps: Float32 | None = None

    def __len__(self) -> int:
        return len(self.features)

    def rows(self, rows: slice) -> Seen:
        """Some of the pictures, without a copy."""
        own = {name: block[rows] for name, block in self.own.items()}
        return Seen(self.features[rows], own, None if self.maps is None else self.maps[rows])

    def mean(self) -> Seen:
        """One picture from its several views; its regions are lost."""
        own = {name: block.mean(axis=0, keepdims=True) for name, block in self.own.items()}
        return Seen(self.features.mean(axis=0, keepdims=True), own)

    @classmethod
    def together(cls, each: Sequence[Seen]) -> Seen:
        """One batch of several, without their regions; one alone stays as it is."""
        if len(each) == 1:
            return each[0]
        own = {name: np.concatenate([seen.own[name] for seen in each]) for name in each[0].own}
        return cls(np.concatenate([seen.features for seen in each]), own)
