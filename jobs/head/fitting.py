"""From items and their groups to a head: `content`, what items differ by, beside `kind`, what tells groups apart. Pure.

The block `kind` is small and has a weight of its own, so every query chooses how much kinds count. How much it is
regularised, its dimension and its default weight are chosen on items that the choice was not fitted to: the most
precise of those that are faithful, on parts of the items in turn; then all of them are fitted with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from jobs.head.directions import Float16, Map, Moments, Scatter
from jobs.head.groups import Flags, Groups, Rows
from jobs.head.judging import Exam, View, unit

CONTENT = 256
"""Dimensions of the content block, at most."""
SHRINKS = (0.1, 0.3, 0.5, 0.7)
SIZES = (4, 8, 16, 32, 64)
WEIGHTS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
FAITHFUL = 0.72
"""Fidelity that a choice must have where any has: above what the gate wants, which other items decide."""
MOST_QUERIES, MOST_ROWS = 500, 12_000
"""What choices are compared on, where there are more."""


@dataclass(frozen=True)
class Setting:
    """How the block of kinds is made: see directions.Scatter.telling; its default weight beside content's."""

    shrink: float
    size: int
    weight: float


@dataclass(frozen=True, eq=False)
class Learned:
    """Both maps, and the weight of `kind` where `content` has 1."""

    content: Map
    kind: Map
    setting: Setting

    def view(self, features: Float16) -> View:
        """Of (n, F) features, by these two blocks alone."""
        return View((self.content(features), self.kind(features)), (1.0, self.setting.weight))


@dataclass(frozen=True, eq=False)
class Lesson:
    """What is learned from: (n, F) raw `features`, `groups` of their rows, and `variants`, see judging.Exam."""

    features: Float16
    groups: Groups
    variants: Rows

    def exam(self, queries: Flags, rows: Flags, most: int) -> Exam:
        """Among `rows` alone, numbered by their place among them; asks `most` of those that are `queries`."""
        asked = np.flatnonzero(queries[rows])
        chosen = asked[np.unique(np.linspace(0, len(asked) - 1, min(most, len(asked))).astype(np.intp))]
        shelf = np.ones(int(rows.sum()), dtype=np.bool_)
        return Exam(self.groups.renumbered(rows), unit(self.features[rows]), self.variants[rows], chosen, shelf)

    def final(self, held: Flags, most: int) -> Exam:
        """Asks `most` of those that are `held` out, which look for the others and not for each other: where they do,
        their marks are not independent, and what chance explains is more than it seems."""
        return replace(self.exam(held, np.ones(len(held), dtype=np.bool_), most), shelf=~held)


def held_out(names: Sequence[str], share: float, salt: str) -> Flags:
    """(names,) which are held out: `share` of all, by a hash of their names. The same ones whatever else there is."""
    bound = share * 2**64
    digests = (hashlib.blake2b(f"{salt}\n{name}".encode(), digest_size=8).digest() for name in names)
    return np.array([int.from_bytes(digest, "big") < bound for digest in digests], dtype=np.bool_)


def learn(lesson: Lesson, names: Sequence[str], allowed: Flags, on_step: Callable[[], None]) -> Learned:
    """Fitted to the rows that are `allowed` and to no others. `names`: (n,) by which rows are held out inside. Needs a
    group of two allowed rows. `on_step` is called STEPS times."""
    fit = _Fit.of(lesson, allowed)
    on_step()
    setting = _chosen(fit, names, on_step)
    return Learned(fit.content, fit.scatter.telling(setting.shrink, setting.size), setting)


STEPS = 2 * len(SHRINKS) + 1


@dataclass(frozen=True, eq=False)
class _Fit:
    """Of the rows that are `allowed`, and what of them is in `groups`. `moments`, `grouped`: each row once, and as
    often as groups have it."""

    lesson: Lesson
    allowed: Flags
    groups: Groups
    moments: Moments
    grouped: Moments

    @classmethod
    def of(cls, lesson: Lesson, allowed: Flags) -> _Fit:
        groups = lesson.groups.among(allowed)
        moments = Moments.of(lesson.features, allowed.astype(np.float64))
        # With labels most items are in one group: then hardly any row is looked at twice.
        grouped = moments.changed(lesson.features, groups.of_row.astype(np.float64) - allowed)
        return cls(lesson, allowed, groups, moments, grouped)

    def without(self, rows: Flags) -> _Fit:
        """Of all others that are allowed."""
        allowed = self.allowed & ~rows
        groups = self.lesson.groups.among(allowed)
        moments = self.moments.changed(self.lesson.features, allowed.astype(np.float64) - self.allowed)
        more = groups.of_row.astype(np.float64) - self.groups.of_row
        return _Fit(self.lesson, allowed, groups, moments, self.grouped.changed(self.lesson.features, more))

    @property
    def content(self) -> Map:
        """What they differ by."""
        return self.moments.principal(CONTENT)

    @cached_property
    def scatter(self) -> Scatter:
        """Of the groups, at least one."""
        return Scatter.of(self.lesson.features, self.groups, self.grouped)


def _chosen(fit: _Fit, names: Sequence[str], on_step: Callable[[], None]) -> Setting:
    marks: dict[Setting, list[tuple[float, float]]] = {}
    looked_at = fit.allowed & held_out(names, MOST_ROWS / max(int(fit.allowed.sum()), 1), "looked at")
    half = held_out(names, 0.5, "which half")
    for part in (half, ~half):
        queries = looked_at & part & held_out(names, 0.4, "inside")
        exam = fit.lesson.exam(queries, looked_at, MOST_QUERIES)
        for setting, found in _tried(fit.without(queries), looked_at, exam, on_step):
            marks.setdefault(setting, []).append(found)
    return best({setting: np.mean(found, axis=0).tolist() for setting, found in marks.items()})


def best(marks: Mapping[Setting, Sequence[float]]) -> Setting:
    """Of the settings with a mean precision and fidelity: the most precise of the faithful ones, else the most faithful
    one; with nothing to go by, one in the middle."""
    faithful = {setting: each[0] for setting, each in marks.items() if each[1] >= FAITHFUL}
    wanted = faithful or {setting: each[1] for setting, each in marks.items()}
    return max(wanted, key=wanted.__getitem__, default=Setting(SHRINKS[1], SIZES[1], WEIGHTS[2]))


def _tried(
    fit: _Fit, looked_at: Flags, exam: Exam, on_step: Callable[[], None]
) -> Iterator[tuple[Setting, tuple[float, float]]]:
    if not len(fit.groups):
        return
    features = fit.lesson.features[looked_at]
    content = list(exam.scores(View((fit.content(features),), (1.0,))))
    most = min(len(fit.groups) - 1, features.shape[1])
    sizes = sorted({max(min(size, most), 1) for size in SIZES})
    for shrink in SHRINKS:
        widest = fit.scatter.telling(shrink, sizes[-1])
        for size in sizes:
            kind = list(exam.scores(View((widest.first(size)(features),), (1.0,))))
            for weight in WEIGHTS:
                scores = (one + np.float32(weight) * other for one, other in zip(content, kind, strict=True))
                marks = exam.marked(scores)
                if len(marks.precision):
                    yield Setting(shrink, size, weight), (float(marks.precision.mean()), float(marks.fidelity.mean()))
        on_step()
