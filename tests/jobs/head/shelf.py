"""A made-up shelf: items of a few kinds, whose features differ more by what does not matter than by their kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.head.directions import Float16
from jobs.head.fitting import Lesson
from jobs.head.groups import Groups, Rows

FEATURES = 24


@dataclass(frozen=True, eq=False)
class Shelf:
    """`kinds`: (n,) of each item. `features`: (n, 24): the first three tell kinds, the next twelve are louder."""

    kinds: Rows
    features: Float16

    @classmethod
    def of(cls, items: int, kinds: int, seed: int) -> Shelf:
        """Kinds are about as frequent as each other."""
        chance = np.random.default_rng(seed)
        centres = chance.normal(0, 1.5, (kinds, 3))
        labels = np.arange(items) % kinds
        features = chance.normal(0, 0.3, (items, FEATURES))
        features[:, :3] += centres[labels]
        features[:, 3:15] += chance.normal(0, 1.5, (items, 12))
        return cls(labels, (features + 1).astype(np.float16))

    @property
    def names(self) -> list[str]:
        """By which items are held out."""
        return [f"item-{row}" for row in range(len(self.kinds))]

    def by_label(self) -> Lesson:
        """Each kind is a group."""
        groups = [np.flatnonzero(self.kinds == kind) for kind in range(self.kinds.max() + 1)]
        return self._lesson(Groups.of(groups, len(self.kinds)))

    def by_people(self, people: int, seed: int) -> Lesson:
        """Each person has two kinds, takes six of each, and one item of any."""
        chance = np.random.default_rng(seed)
        groups = []
        for _ in range(people):
            mine = chance.choice(self.kinds.max() + 1, 2, replace=False)
            taken = [chance.choice(np.flatnonzero(self.kinds == kind), 6, replace=False) for kind in mine]
            groups.append(np.concatenate([*taken, chance.choice(len(self.kinds), 1)]))
        return self._lesson(Groups.of(groups, len(self.kinds), 2))

    def _lesson(self, groups: Groups) -> Lesson:
        return Lesson(self.features, groups, np.arange(len(self.kinds)))
