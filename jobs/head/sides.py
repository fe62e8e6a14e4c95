"""The two spaces that are compared: as a search weighs their blocks by default, and what of it is made of features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jobs.head.directions import Float16
from jobs.head.groups import Flags
from jobs.head.judging import View

CONTENT, KIND = "content", "kind"
OF_FEATURES = (CONTENT, KIND)
"""Blocks that are made of raw features; the others, such as `colour`, know what these do not."""


@dataclass(frozen=True, eq=False)
class Side:
    """`blocks`: by name, (n, d) float16 of unit norm; `weights`: the default ones."""

    blocks: Mapping[str, Float16]
    weights: Mapping[str, float]

    @classmethod
    def of(cls, vectors: Float16, blocks: Sequence[tuple[str, int, float]]) -> Side:
        """(n, D) vectors of a space of these blocks: name, dimension, default weight."""
        ends = np.cumsum([dimension for _, dimension, _ in blocks])
        parts = np.split(vectors, ends[:-1], axis=1)
        return cls(
            {name: part for (name, _, _), part in zip(blocks, parts, strict=True)},
            {name: weight for name, _, weight in blocks},
        )

    def only(self, kept: Flags) -> Side:
        """The rows that are `kept`, (n,)."""
        return Side({name: block[kept] for name, block in self.blocks.items()}, self.weights)

    def view(self) -> View:
        """As a search sees it that names no weights."""
        return self._of(list(self.blocks))

    def of_features(self) -> View:
        """By what is made of features alone; by everything where nothing is named so."""
        return self._of([name for name in self.blocks if name in OF_FEATURES] or list(self.blocks))

    def _of(self, names: Sequence[str]) -> View:
        return View(tuple(self.blocks[name] for name in names), tuple(self.weights[name] for name in names))
