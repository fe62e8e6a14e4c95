"""Simulated shoppers over labelled photos, to measure what tastes are worth: `make eval` sends them to the services.

What is assumed, and what it makes easy or hard:

- A taste is a label: a kind of product, or a colour. Whoever has it wants everything that carries the label, alike, and
  nothing else. Real people want less than a kind and more than a label; both cost every method alike.
- Shoppers have one to four tastes, drawn evenly and as strong as each other by chance: each comes with `acts` acts on
  items of its own, in no order, spread evenly over `days` days. So there are no sessions to learn from, except in
  `movers`.
- What they do with an item of theirs is drawn from ACTS; what they do with a stray one, any item at all, is to view it.
  Nothing tells strays from interest but that. Nobody dislikes anything.
- Wanted is what carries a label of theirs and what they have not touched: what is recalled is held out. A stray item
  that happens to be of their taste is touched, too.

Everything follows from the seed. Rows are row numbers of the photos. numpy only: it knows nothing of services.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

K = 10
"""Of recall@10."""

LEAST_PHOTOS = 12
"""Of a label, to be a taste: some are acted on, and more than a few must be left to find."""

ACTS = {"click": 0.4, "like": 0.3, "save": 0.15, "purchase": 0.15}
"""What people do with what they like, and how often."""

HOURS = 24.0
SEEDS_OF_TUNING = range(100, 200)
"""Settings were chosen by shoppers of these seeds. What is reported is of others."""


@dataclass(frozen=True)
class Habits:
    """`tastes`: how many each has, in turn. `acts`: fewest and most of each taste. `strays`: views of anything."""

    tastes: tuple[int, ...] = (1, 2, 3, 4)
    acts: tuple[int, int] = (4, 8)
    strays: int = 2
    days: float = 30.0


@dataclass(frozen=True)
class Act:
    """What was done to which photo, so many hours ago."""

    row: int
    type: str
    hours_ago: float


@dataclass(frozen=True)
class Shopper:
    """`acts`: oldest first. `wanted`: (photos,) bool, what is to be recalled."""

    tastes: tuple[str, ...]
    acts: tuple[Act, ...]
    wanted: NDArray[np.bool_]

    @property
    def rows(self) -> list[int]:
        """What they have touched and are not shown again."""
        return sorted({act.row for act in self.acts})

    def recall(self, scores: NDArray[np.floating]) -> float:
        """recall@10 of what is wanted, of at most ten; (photos,) scores, the touched ones left out."""
        left = np.array(scores, dtype=np.float64)
        left[self.rows] = -np.inf
        first = np.argsort(-left, kind="stable")[:K]
        return float(self.wanted[first].sum() / min(K, self.wanted.sum()))


def shoppers(labels: Sequence[str], count: int, seed: int, habits: Habits | None = None) -> Iterator[Shopper]:
    """`count` shoppers. `labels`: of each photo, empty for one that is of no taste."""
    habits, chance, by_label = habits or Habits(), np.random.default_rng(seed), _by_label(labels)
    for number in range(count):
        tastes = chance.choice(sorted(by_label), habits.tastes[number % len(habits.tastes)], replace=False).tolist()
        acts = [act for taste in tastes for act in _acts(by_label[taste], habits, chance)]
        acts += [
            Act(int(row), "view", chance.uniform(0, habits.days * HOURS))
            for row in chance.choice(len(labels), habits.strays, replace=False)
        ]
        yield _shopper(labels, tastes, acts)


def movers(
    labels: Sequence[str], count: int, seed: int, before: int = 30, since: int = 10
) -> Iterator[tuple[Shopper, Shopper]]:
    """Pairs: somebody who after `before` acts of two tastes, in two months, has acted `since` times in one evening on a
    third; and somebody who has done the latter alone. Both want the third."""
    chance, by_label = np.random.default_rng(seed), _by_label(labels)
    for _ in range(count):
        *old, new = chance.choice(sorted(by_label), 3, replace=False).tolist()
        per_taste = (before // 2, before // 2)
        earlier = [act for taste in old for act in _acts(by_label[taste], Habits(acts=per_taste, days=60), chance)]
        evening = _acts(by_label[new], Habits(acts=(since, since), days=3 / HOURS), chance)
        aged = [replace(act, hours_ago=act.hours_ago + HOURS) for act in earlier]
        whole = _shopper(labels, [new], [*aged, *evening])
        yield whole, replace(_shopper(labels, [new], evening), wanted=whole.wanted)


def _by_label(labels: Sequence[str]) -> dict[str, NDArray[np.intp]]:
    names, counts = np.unique([label for label in labels if label], return_counts=True)
    rows = np.array(labels)
    return {
        str(name): np.flatnonzero(rows == name)
        for name, photos in zip(names, counts, strict=True)
        if photos >= LEAST_PHOTOS
    }


def _acts(rows: NDArray[np.intp], habits: Habits, chance: np.random.Generator) -> list[Act]:
    """On different items of one taste; of a small one at most half of them, so that as many are left to find."""
    count = min(int(chance.integers(habits.acts[0], habits.acts[1] + 1)), len(rows) // 2)
    chosen = chance.choice(rows, count, replace=False)
    types = chance.choice(list(ACTS), count, p=list(ACTS.values()))
    hours = chance.uniform(0, habits.days * HOURS, count)
    return [Act(int(row), str(type_), float(ago)) for row, type_, ago in zip(chosen, types, hours, strict=True)]


def _shopper(labels: Sequence[str], tastes: Sequence[str], acts: Sequence[Act]) -> Shopper:
    wanted = np.isin(np.array(labels), tastes)
    wanted[[act.row for act in acts]] = False
    return Shopper(tuple(tastes), tuple(sorted(acts, key=lambda act: -act.hours_ago)), wanted)
