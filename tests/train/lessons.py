"""A lesson of maps that are made up: groups differ by a few channels among much else."""

from __future__ import annotations

import numpy as np

from jobs.head.groups import Groups
from jobs.head.judging import Exam, unit
from services.embedder.architecture import LITE0
from services.embedder.head import Linear
from services.embedder.weights import Weights
from train.tail import Tail
from train.tuning import Lesson, features_of

PHOTOS, KINDS = 48, 4


def kinds() -> Groups:
    """Every fourth photo is of one kind."""
    return Groups.of((np.arange(kind, PHOTOS, KINDS) for kind in range(KINDS)), PHOTOS)


def made_up(weights: Weights, random: np.random.Generator, groups: Groups) -> Lesson:
    """The last twelve are asked."""
    of_kinds = random.normal(0, 0.25, (KINDS, 192))
    maps = random.normal(0, 1, (PHOTOS, 192, 3, 3)) + of_kinds[np.arange(PHOTOS) % KINDS][:, :, None, None]
    held = np.arange(PHOTOS) >= PHOTOS - 12
    raw = unit(features_of(Tail.of(weights, LITE0, 1), maps.astype("f2")).astype("f2"))
    content = Linear(None, raw.astype("f4").mean(axis=0))
    exam = Exam(groups, raw, np.arange(PHOTOS), np.flatnonzero(held), np.ones(PHOTOS, bool))
    return Lesson(maps.astype("f2"), raw, content, groups, ~held, exam)
