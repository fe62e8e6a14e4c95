"""A model: what is known of a network, the head that makes vectors of its space, and how its canary must come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from services.embedder.framing import Pixels
from services.embedder.head import Head
from services.embedder.seen import Seen
from services.errors import NotReady
from services.spaces import Float32, Space

Precision = Literal["int8", "fp32"]

CANARY_COSINE: Final = 0.99
"""Least cosine per block between a canary's vector and the known one. Kernels of other CPUs round otherwise, which
costs under 0.002; an int8 kernel that saturates costs far more."""


@dataclass(frozen=True)
class Card:
    """What is known of a model. `digest` is SHA-256 hex over all that makes its numbers, `licence` in SPDX terms;
    `precision` is `int8`, `fp32`, or `graph`: as its file has it."""

    name: str
    digest: str
    precision: str
    licence: str
    input_pixels: int
    raw_dimension: int


@dataclass(frozen=True, eq=False)
class Model:
    """`head` makes the vectors of the default space; `own_blocks` maps the blocks that need no head to their
    dimensions; `canary` (D,) is the vector that `canary_picture` must have, None if nobody knows."""

    card: Card
    head: Head
    own_blocks: Mapping[str, int]
    canary: Float32 | None

    @property
    def space(self) -> Space:
        """The default one."""
        return self.head.space

    def check(self, seen: Seen) -> None:
        """`seen` in the canary picture. Raises NotReady when its vector is not the known one: wrong numbers are worse
        than none."""
        if self.canary is None:
            raise NotReady(f"no canary was fitted for {self.card.precision}", reason="CANARY_MISSING")
        found, known = self.head.vectors(seen)[0], self.space.normalise(self.canary)
        for block, at in self.space.slices():
            cosine = float(found[at] @ known[at])
            if not cosine >= CANARY_COSINE:
                message = f"the canary's {block.name} is off: cosine {cosine:.4f}, at least {CANARY_COSINE} expected"
                raise NotReady(message, reason="CANARY_OFF")


def canary_picture(side: int) -> Pixels:
    """(side, side, 3) uint8: soft waves and a disc, computed alike everywhere. No photo, but enough to move every
    layer."""
    x, y = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side))
    disc = (np.hypot(x - 0.5, y - 0.45) < 0.28).astype(np.float64)
    waves = [0.5 + 0.3 * np.sin(2 * np.pi * (k * x + (3 - k) * y)) for k in (1, 2, 3)]
    tint = (0.85, 0.35, 0.15)
    channels = [(1 - disc) * wave + disc * part * (0.6 + 0.4 * y) for wave, part in zip(waves, tint, strict=True)]
    return np.asarray(np.rint(255 * np.stack(channels, axis=-1)), dtype=np.uint8)
