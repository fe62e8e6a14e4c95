"""A person in the space of collaborative factors: what people who did alike do. Pure.

A job learns the factors of items and people together and puts the people's (PutUserVectors). Who came since is folded
in from what they did: with the items' factors fixed, a person's are a regularised least-squares problem of their own
(Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008, equation 4):

    x = (Y' C Y + lambda I)^-1  Y' C p

with a row of Y for each item, confidence C = alpha * |r| and preference p = 1 for r > 0, else 0. There, the rows are
all items of the catalogue, those never touched with confidence 1; here they are those of the person's own events, for
the sum over the others is not known outside of the job. What is lost is the pull of what they left alone; nothing is,
where the job has whitened the factors, so that this sum is a multiple of I (jobs/collaborative/factors.py).

Rows have unit norm, which would take away how much their items are liked by all. A space whose only block is SLACKED
keeps it: the last number of a row is slack, which makes all equally long, and a person has 0 there.

Which of the two holds: a vector that was put knows of what the person did until then and of everybody else, so it wins
until STALE_AFTER events have come since; then the fold, while there are factors of at least MIN_ITEMS of their items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.spaces import Float16, Space, canonical

ALPHA = 1.0
"""Confidence for each click that was spent on an item."""
REGULARISATION = 4.0
"""lambda, as much as so many clicks. Validated on MovieLens-100k, where 1 and 8 are as good within 0.005 of nDCG@10."""
SLACKED = "factors_slack"
STALE_AFTER = 50
MIN_ITEMS = 3


@dataclass(frozen=True)
class PutVector:
    """From the job. `vector`: (F,) canonical float16 of `space`; `writes`: how many events the person had then."""

    space: str
    vector: Float16
    writes: int


@dataclass(frozen=True)
class Collaborative:
    """Where somebody is: `vector`, (F,) canonical float16 of `space`."""

    space: str
    vector: Float16


def standing(put: PutVector | None) -> Collaborative | None:
    """Where a job put somebody, if it did."""
    return Collaborative(put.space, put.vector) if put else None


def fold_in(rated: Sequence[tuple[float, Float16]], space: Space) -> Collaborative | None:
    """`rated`: for each item the sum of its weights, in clicks, negative for what is disliked, and its (F,) factors.

    None with too few items, and for somebody who likes nothing.
    """
    if len(rated) < MIN_ITEMS:
        return None
    weights = np.array([weight for weight, _ in rated], dtype=np.float64)
    items = np.stack([factors for _, factors in rated]).astype(np.float64)
    if [block.name for block in space.blocks] == [SLACKED]:
        items[:, -1] = 0.0  # so that the person has 0 there, too
    confidence = ALPHA * np.abs(weights)
    gram = (items * confidence[:, None]).T @ items + REGULARISATION * np.eye(space.dimension)
    solved = np.linalg.solve(gram, items.T @ (confidence * (weights > 0)))
    vector = space.normalise(solved.astype(np.float32))
    return Collaborative(space.name, canonical(vector)) if vector.any() else None


def is_fresh(put: PutVector, writes: int) -> bool:
    """Whether a vector that was put still wins over a fold, after `writes` events of the person in all."""
    return writes - put.writes < STALE_AFTER
