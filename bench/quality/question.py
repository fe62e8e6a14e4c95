"""What is asked of the vectors: do the nearest pictures share the label?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

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
        return precision(*self._asked(vectors, block))

    def recall(self, vectors: Vectors, block: str) -> float:
        """recall@10, likewise."""
        return recall(*self._asked(vectors, block))

    def mean_average_precision(self, vectors: Vectors, block: str) -> float:
        """mAP, over the whole gallery."""
        return mean_average_precision(*self._asked(vectors, block))

    def _asked(self, vectors: Vectors, block: str) -> tuple[Rows, Pairs, Pairs]:
        """Scores, which are right, and which are barred."""
        scores = vectors.block(block, self.queries) @ vectors.block(block, self.gallery).T
        labels = [np.array([each.labels[self.label] for each in side]) for side in (self.queries, self.gallery)]
        groups = [np.array([each.group for each in side]) for side in (self.queries, self.gallery)]
        return scores, np.equal.outer(*labels), np.equal.outer(*groups)


def precision(scores: Rows, right: Pairs, barred: Pairs) -> float:
    """The share of right ones among the ten with the highest scores that are not barred, averaged over the queries.
    Where fewer than ten are left, the rest counts as wrong."""
    return float(_hits(scores, right, barred).sum() / (K * len(scores)))


def recall(scores: Rows, right: Pairs, barred: Pairs) -> float:
    """The share of all right ones that is among the ten, averaged over those queries that have a right one."""
    there = (right & ~barred).sum(axis=1)
    asked = there > 0
    return float(np.mean(_hits(scores, right, barred).sum(axis=1)[asked] / there[asked]))


def mean_average_precision(scores: Rows, right: Pairs, barred: Pairs) -> float:
    """Average precision of the whole ranking, averaged over those queries that have a right one."""
    rows = zip(scores, right, ~barred, strict=True)
    found = [average_precision_score(of[left], score[left]) for score, of, left in rows if of[left].any()]
    return float(np.mean(found))


def _hits(scores: Rows, right: Pairs, barred: Pairs) -> Pairs:
    """(queries, up to K) which of the nearest are right."""
    nearest = np.argsort(np.where(barred, np.inf, -scores), axis=1, kind="stable")[:, :K]
    return np.asarray(np.take_along_axis(right & ~barred, nearest, axis=1))
