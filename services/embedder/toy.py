"""A small model for tests: it computes next to nothing and knows nothing."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np

from services.embedder.head import Head, Linear, Own
from services.embedder.model import Card, Model, Pixels, canary_picture
from services.embedder.seen import Seen
from services.spaces import Block, Float32, Space

SIDE: Final = 32
GRID: Final = 4
RAW: Final = 48
"""Features: red, green and blue of each of the eight by eight pixels large tiles' quarters."""


class ToyModel(Model):
    """A deterministic stand-in without a network. Its features are the greys of 4x4 tiles, each in three shades;
    `content` is what is left of them below a fixed head, `colour` the mean colour and how much that varies, both around
    mid-grey. Alike pictures get alike vectors, which is all that a test asks."""

    def __init__(self) -> None:
        self.card = Card("toy", hashlib.sha256(b"toy 2").hexdigest(), "fp32", "Apache-2.0", SIDE, RAW)
        blocks = (Block("content", 16), Block("colour", 6, 0.5))
        # The small constant keeps a plain grey picture from having no direction at all.
        content = Linear(_tile_of_features(), np.full(16, -1e-3, dtype=np.float32))
        self.head = Head(Space(f"toy@{self.card.digest[:16]}", blocks), (content, Own("colour")))

    def own_blocks(self) -> dict[str, int]:
        return {"colour": 6}

    def look(self, pixels: Pixels) -> Seen:
        unit = pixels.astype(np.float32) / 255 - 0.5
        count, tile = len(unit), SIDE // GRID
        tiles = unit.reshape(count, GRID, tile, GRID, tile, 3).mean(axis=(2, 4)).reshape(count, GRID * GRID, 3)
        maps = np.zeros((count, RAW, GRID, GRID), dtype=np.float32)
        for region in range(GRID * GRID):
            # Each region sees its own tile; the mean over the regions is what the features are.
            at = slice(3 * region, 3 * region + 3)
            maps[:, at, region // GRID, region % GRID] = tiles[:, region] * (GRID * GRID)
        mean, spread = unit.mean(axis=(1, 2)), unit.std(axis=(1, 2))
        colour = np.asarray(np.concatenate([mean, spread], axis=-1) + 1e-3, dtype=np.float32)
        return Seen(maps.mean(axis=(2, 3)), {"colour": colour}, maps)

    def known_canary(self) -> Float32:
        vector: Float32 = self.embed(canary_picture(self.card.input_pixels)[None])[0]
        return vector


def _tile_of_features() -> Float32:
    """(16, 48): the grey of each tile from its three colours."""
    return np.kron(np.eye(GRID * GRID), np.full((1, 3), 1 / 3)).astype(np.float32)
