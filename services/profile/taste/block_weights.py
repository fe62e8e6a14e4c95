"""How much each block matters to somebody: who shops by colour likes things that are alike in colour. Pure.

Of each item that somebody likes, the half of the others that are most like it in a block are looked at (a half, for
they may like two colours): the mean of these likenesses, over all items, is how much they agree with themselves there.
It is held against INDIFFERENT, where the block should weigh as it does by default, and moves its odds:

    w_b  is proportional to  default_b * exp( STEEPNESS * n / (n + n_0) * (agreement_b - INDIFFERENT_b) )

with n items, so that few of them change little, and n_0 = `TasteRules.prior_blocks`; by a factor of MOST_ODDS at most.
A block of weight 0 keeps it.

Only blocks that INDIFFERENT names are judged. Chance pairs agree by 0.1 in colour whatever is sold (clothing, products
of a shop), since the block is centred; in content by 0.2 to 0.6, so high agreement there may be the catalogue's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from services.profile.taste.groups import Group
from services.profile.taste.liking import TasteRules
from services.spaces import Space

INDIFFERENT: Mapping[str, float] = {"colour": 0.47}
"""People who like kinds of things agree by 0.36 to 0.39 in colour, people of one or two colours by 0.69 and 0.59."""

STEEPNESS = 12.0
"""Of 6, 10 and 15, where people of kinds and people of colours both gain; see the README."""

MOST_ODDS = 8.0
"""So that a handful of items of one colour is no vow."""


def block_weights(items: Sequence[Group], space: Space, rules: TasteRules) -> Mapping[str, float]:
    """By the name of the block, adding up to 1; empty: as to everybody. `items`: one group each."""
    liked = [item for item in items if item.mass > 0]
    judged = [block for block in space.blocks if block.name in INDIFFERENT and block.default_weight > 0]
    if len(liked) < 2 or not judged or len(space.blocks) < 2:
        return {}
    vectors = np.stack([item.mean for item in liked])
    masses = np.array([item.mass for item in liked])
    sure = len(liked) / (len(liked) + rules.prior_blocks)
    weights = {}
    for block, at in space.slices():
        told = agreement(vectors[:, at], masses) - INDIFFERENT[block.name] if block in judged else 0.0
        odds = math.exp(STEEPNESS * sure * told)
        weights[block.name] = block.default_weight * min(max(odds, 1 / MOST_ODDS), MOST_ODDS)
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def agreement(vectors: NDArray[np.float64], masses: NDArray[np.float64]) -> float:
    """(n, d) of unit norm, n >= 2, with (n,) masses > 0 -> the mean likeness of each to the nearer half of the others,
    half being of their mass."""
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -np.inf)
    nearest = np.argsort(-alike, axis=1, kind="stable")[:, :-1]  # itself comes last
    others = masses[nearest]
    half = others.sum(axis=1, keepdims=True) / 2
    counted = np.clip(half - (np.cumsum(others, axis=1) - others), 0, others)
    means = (np.take_along_axis(alike, nearest, axis=1) * counted).sum(axis=1) / half[:, 0]
    return float(masses @ means / masses.sum())
