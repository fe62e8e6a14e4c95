"""What is asked of the vectors: do the nearest pictures share the label?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.quality.picture import Picture
from bench.quality.vectors import Rows, Vectors

K = 10

Pairs = NDArray[np.bool_]
"""(queries, gallery)"""


@dataclass(frozen=True)
class Question:
    """Each query against the gallery: which of the nearest have its `label`? Its own group is not in the gallery."""

    name: str
    label: str
    queries: Sequence[Picture]
    gallery: Sequence[Picture]

    @classmethod
    def among(cls, name: str, label: str, pictures: Sequence[Picture]) -> Question:
        """Each picture that has the label against the others that have one."""
        labelled = [picture for picture in pictures if label in picture.labels]
        return cls(name, label, labelled, labelled)

    def precision(self, vectors: Vectors, block: str) -> float:
        """precision@10 by that block alone, exactly."""
        scores = vectors.block(block, self.queries) @ vectors.block(block, self.gallery).T
        labels = [np.array([each.labels[self.label] for each in side]) for side in (self.queries, self.gallery)]
        groups = [np.array([each.group for each in side]) for side in (self.queries, self.gallery)]
        return precision(scores, np.equal.outer(*labels), np.equal.outer(*groups))


def precision(scores: Rows, right: Pairs, barred: Pairs) -> float:
    """The share of right ones among the ten with the highest scores that are not barred, averaged over the queries.
    Where fewer than ten are left, the rest counts as wrong."""
    nearest = np.argsort(np.where(barred, np.inf, -scores), axis=1, kind="stable")[:, :K]
    return float(np.take_along_axis(right & ~barred, nearest, axis=1).sum() / (K * len(scores)))
