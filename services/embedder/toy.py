"""A small model for tests: it computes next to nothing and knows nothing."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np

from services.embedder.framing import Pixels
from services.embedder.head import Head, Linear, Own
from services.embedder.model import Card, Model, canary_picture
from services.embedder.network import Network
from services.embedder.seen import Seen
from services.spaces import Block, Float32, Space

SIDE: Final = 32
GRID: Final = 4
RAW: Final = 48


class ToyNetwork(Network):
    """A deterministic stand-in. Its features are the three colours of 4x4 tiles, and each region is active in its own
    tile's; its own block `colour` is the mean colour and how much that varies, both around mid-grey. Alike pictures get
    alike numbers, which is all that a test asks."""

    side = SIDE

    def look(self, pixels: Pixels, *, regions: bool = True) -> Seen:
        unit = pixels.astype(np.float32) / 255 - 0.5
        count, tile = len(unit), SIDE // GRID
        tiles = unit.reshape(count, GRID, tile, GRID, tile, 3).mean(axis=(2, 4)).reshape(count, GRID * GRID, 3)
        maps = np.zeros((count, RAW, GRID, GRID), dtype=np.float32)
        for region in range(GRID * GRID):
            at = slice(3 * region, 3 * region + 3)
            maps[:, at, region // GRID, region % GRID] = tiles[:, region] * (GRID * GRID)
        mean, spread = unit.mean(axis=(1, 2)), unit.std(axis=(1, 2))
        # The small constant keeps a plain grey picture from having no direction at all.
        colour = np.asarray(np.concatenate([mean, spread], axis=-1) + 1e-3, dtype=np.float32)
        return Seen(maps.mean(axis=(2, 3)), {"colour": colour}, maps if regions else None)


def toy_model() -> Model:
    """`content` is the grey of each tile, `colour` the network's own."""
    card = Card("toy", hashlib.sha256(b"toy 2").hexdigest(), "fp32", "Apache-2.0", SIDE, RAW)
    blocks = (Block("content", GRID * GRID), Block("colour", 6, 0.5))
    greys: Float32 = np.kron(np.eye(GRID * GRID), np.full((1, 3), 1 / 3)).astype(np.float32)
    content = Linear(greys, np.full(GRID * GRID, -1e-3, dtype=np.float32))
    head = Head(Space(f"toy@{card.digest[:16]}", blocks), (content, Own("colour")))
    canary = head.vectors(ToyNetwork().look(canary_picture(SIDE)[None]))[0]
    return Model(card, head, {"colour": 6}, canary)
