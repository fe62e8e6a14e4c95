"""The loop: batches of groups, the two losses, and which state of the layers is kept.

A part of the photos is neither learned from nor judged by: after each round, the layers are marked on it as the gate
will mark them on others. Of the faithful states the most precise one is kept, and it ends when none is better for a
while.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from jobs.head.directions import Float16, Float32
from jobs.head.fitting import FAITHFUL
from jobs.head.groups import Flags, Groups, Rows
from jobs.head.judging import Exam, View
from services.embedder.head import Linear
from train.loss import contrast, forgotten
from train.tail import Tail
from train.trunk import Maps

AT_ONCE = 64


@dataclass(frozen=True)
class Recipe:
    """`rounds` at most, over as many photos each as there are to learn from; `patience`: rounds without a better state
    after which it ends. A batch has `groups` groups of `members` photos each. `rate`: of Adam (Kingma and Ba, ICLR
    2015). `kept`: weight of what must not be forgotten. `temperature`: of the contrast. What is set here was chosen by
    `choosing`, see README.md."""

    rounds: int = 20
    patience: int = 6
    groups: int = 8
    members: int = 8
    rate: float = 4e-4
    kept: float = 3.0
    temperature: float = 0.1
    seed: int = 1


@dataclass(frozen=True)
class Mark:
    """Of one state of the layers, on the photos that it is chosen by."""

    round: int
    precision: float
    fidelity: float


@dataclass(frozen=True, eq=False)
class Lesson:
    """`maps`: what the trunk saw, (n, …); `raw`: (n, F) features before, of unit norm; `content`: how a vector is made
    of features; `groups` of photos; `allowed`: (n,) those to learn from; `exam`: to choose by."""

    maps: Maps
    raw: Float16
    content: Linear
    groups: Groups
    allowed: Flags
    exam: Exam

    @property
    def photos(self) -> int:
        """That are in a group with others to learn from."""
        return int((self.groups.among(self.allowed).of_row > 0).sum())


def tune(
    tail: Tail,
    lesson: Lesson,
    recipe: Recipe,
    on_round: Callable[[Mark], None],
    on_photos: Callable[[int], None] = lambda _: None,
) -> Mark:
    """Leaves `tail` in the best of its states, the first included, and returns the mark of that. `on_round` is told
    each, that of the network as it was first; `on_photos`, how many more were learned from."""
    chance = np.random.default_rng(recipe.seed)
    before, maker = torch.tensor(lesson.raw, dtype=torch.float32), _Maker.of(lesson.content)
    optimiser = torch.optim.Adam(list(tail.learned.values()), lr=recipe.rate)
    best, state = marked(tail, lesson, 0), tail.values()
    on_round(best)
    for number in range(1, recipe.rounds + 1):
        for rows, related in batches(lesson.groups.among(lesson.allowed), recipe, chance):
            vectors = maker(tail(_tensor(lesson.maps[rows])))
            pairs = torch.from_numpy(related)
            loss = contrast(vectors, pairs, recipe.temperature) + recipe.kept * forgotten(vectors, before[rows], pairs)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            on_photos(len(rows))
        mark = marked(tail, lesson, number)
        on_round(mark)
        if better(mark, best):
            best, state = mark, tail.values()
        if number - best.round >= recipe.patience:
            break
    tail.set(state)
    return best


def better(mark: Mark, than: Mark) -> bool:
    """More precise and faithful; where both are not, nothing is better than what is nearer to the network as it was."""
    return mark.fidelity >= FAITHFUL and mark.precision > than.precision


def batches(groups: Groups, recipe: Recipe, chance: np.random.Generator) -> Iterator[tuple[Rows, Flags]]:
    """(b,) rows without repetition and (b, b) which are related: about as many rows altogether as there are in groups.
    Every group is as likely as any other, however large."""
    if not len(groups):
        return
    size = min(recipe.groups, len(groups)) * recipe.members
    for _ in range(-(-int((groups.of_row > 0).sum()) // size)):
        chosen = chance.choice(len(groups), size=min(recipe.groups, len(groups)), replace=False)
        drawn = [_drawn(groups, one, recipe.members, chance) for one in chosen]
        rows = np.unique(np.concatenate(drawn))
        yield rows, groups.related(rows)[:, rows]


def _drawn(groups: Groups, one: int, members: int, chance: np.random.Generator) -> Rows:
    start, size = groups.starts[one], groups.sizes[one]
    rows: Rows = groups.rows[start + chance.choice(size, size=min(members, size), replace=False)]
    return rows


def features_of(tail: Tail, maps: Maps, rows: Rows | None = None) -> Float32:
    """(n, F) of the maps of those `rows`, (n,); None: of all."""
    rows = np.arange(len(maps)) if rows is None else rows
    with torch.no_grad():
        parts = [tail(_tensor(maps[rows[start : start + AT_ONCE]])).numpy() for start in range(0, len(rows), AT_ONCE)]
    return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class _Maker:
    """Features -> vectors of unit norm, as the embedder makes the block `content`."""

    matrix: Tensor
    mean: Tensor

    @classmethod
    def of(cls, content: Linear) -> _Maker:
        matrix = np.eye(len(content.mean), dtype=np.float32) if content.matrix is None else content.matrix
        return cls(torch.tensor(matrix), torch.tensor(content.mean))

    def __call__(self, features: Tensor) -> Tensor:
        return functional.normalize(features @ self.matrix.T - self.mean, dim=1)


def marked(tail: Tail, lesson: Lesson, number: int) -> Mark:
    """The state after that round; zeros where nobody can be asked."""
    rows = np.union1d(lesson.exam.queries, np.flatnonzero(lesson.exam.shelf))
    with torch.no_grad():
        seen = _Maker.of(lesson.content)(torch.from_numpy(features_of(tail, lesson.maps, rows))).numpy()
    vectors = np.zeros((len(lesson.maps), seen.shape[1]), dtype=np.float16)
    vectors[rows] = seen
    marks = lesson.exam.marks(View((vectors,), (1.0,)))
    if not len(marks.precision):
        return Mark(number, 0.0, 0.0)
    return Mark(number, float(marks.precision.mean()), float(marks.fidelity.mean()))


def _tensor(maps: Maps) -> Tensor:
    """Channels last: a step takes a quarter less."""
    return torch.tensor(np.asarray(maps, dtype=np.float32)).contiguous(memory_format=torch.channels_last)
