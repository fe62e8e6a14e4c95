"""A head: what a model sees -> a vector of a space, block by block.

Linear on purpose. The features are the mean of their regions, and a mean may be taken before or after a linear map, so
a block's part of a score splits exactly over the regions of the picture. Heads are never quantised for that reason.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.embedder.seen import Seen
from services.errors import InvalidInput
from services.spaces import MIN_NORM, Float32, Space


@dataclass(frozen=True, eq=False)
class Linear:
    """block = matrix . features - mean. `matrix` (d, F), None for the features as they are; `mean` (d,); float32."""

    matrix: Float32 | None
    mean: Float32

    def __call__(self, features: Float32) -> Float32:
        """(n, F) -> (n, d)."""
        return (features if self.matrix is None else features @ self.matrix.T) - self.mean


@dataclass(frozen=True)
class Own:
    """The model's own block of that name."""

    name: str


Rule = Linear | Own


@dataclass(frozen=True, eq=False)
class Evidence:
    """Splits the part of one block over the regions of a picture: for a block x of an item,
    part = sum over regions of <region, x> + <offset, x>. `regions` (rows, columns, d), `offset` (d,), float32."""

    block: str
    regions: Float32
    offset: Float32


@dataclass(frozen=True, eq=False)
class Head:
    """Makes vectors of `space`: one of `rules` for each of its blocks, in order."""

    space: Space
    rules: tuple[Rule, ...]

    @property
    def has_regions(self) -> bool:
        """There is a block that is linear in the features."""
        return any(isinstance(rule, Linear) for rule in self.rules)

    def vectors(self, seen: Seen) -> Float32:
        """(n, D) float32, each block of unit norm."""
        blocks = {
            block.name: rule(seen.features) if isinstance(rule, Linear) else seen.own[rule.name]
            for block, rule in zip(self.space.blocks, self.rules, strict=True)
        }
        return self.space.combine(blocks)

    def evidence(self, seen: Seen) -> Evidence:
        """Of the one picture in `seen`, for the first block that is linear in the features.

        With features f = mean of the regions r, and c = M f - m: c / |c| = sum of M r / (regions |c|) - m / |c|.
        Raises InvalidInput when there is no such block, or no regions.
        """
        linear = ((b.name, r) for b, r in zip(self.space.blocks, self.rules, strict=True) if isinstance(r, Linear))
        name, rule = next(linear, (None, None))
        if rule is None or name is None:
            raise InvalidInput("include_evidence", f"no block of {self.space.name} is made from regions")
        if seen.maps is None:
            raise InvalidInput("include_evidence", "this model has no map of regions", reason="NO_REGIONS")
        norm = float(np.linalg.norm(rule(seen.features)))
        scale = 1 / norm if norm >= MIN_NORM else 0.0
        regions = np.moveaxis(seen.maps[0], 0, -1)
        if rule.matrix is not None:
            regions = regions @ rule.matrix.T
        rows, columns, _ = regions.shape
        share = np.float32(scale / (rows * columns))
        return Evidence(name, np.ascontiguousarray(regions * share), -rule.mean * np.float32(scale))
