"""Models and heads beside each other, asked with clothing's `query` photos against its gallery.

Everything is judged by labels and by one measure, that of `jobs head`, also what was learned from people. Precision
of a head is that by content and kind. Fidelity is to what the shipped network sees, always.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import get_args

from bench.quality.figure import Figure
from jobs.head.directions import Float16
from jobs.head.fitting import STEPS, Learned, learn
from jobs.head.fitting import Lesson as HeadLesson
from jobs.head.gate import LEAST_FIDELITY, Verdict, judge
from jobs.head.groups import Groups
from jobs.head.judging import Exam, Marks
from services.embedder.manifest import find_manifest
from services.embedder.model import Precision
from services.embedder.opening import prepare
from train.photos import Photos
from train.served import Looks, compare, exam, look
from train.terminal import OnPhase

BEYOND = 0.001
"""The least gain that is one: the lower end of its interval is above nothing."""


@dataclass(frozen=True, eq=False)
class Hall:
    """`photos`: queries and gallery with their labels; what is `marked` is asked."""

    photos: Photos
    on_phase: OnPhase

    def both(self, model: str | Path, title: str) -> dict[Precision, Looks]:
        """A model as the embedder serves it, in each precision: a name or a manifest."""
        path = find_manifest(model) if isinstance(model, str) else model
        precisions: tuple[Precision, ...] = get_args(Precision)
        count = self.on_phase(f"{title}, {' and '.join(precisions)}", len(precisions) * len(self.photos))
        return {each: look(prepare(path, each), self.photos, count) for each in precisions}

    def exam(self, shipped: Looks) -> Exam:
        """By labels."""
        return exam(self.photos, shipped.raw, self.photos.marked, ~self.photos.marked)

    def head(self, raw: Float16, groups: Groups, title: str) -> Learned:
        """Learned from the gallery as `jobs head` learns it: the same photos are held out inside."""
        step = self.on_phase(title, STEPS)
        names = [f"{self.photos.folder.name}/{item}" for item in self.photos.items]
        lesson = HeadLesson(raw, groups, self.photos.variants)
        return learn(lesson, names, self.photos.learnable(self.photos.marked), lambda: step(1))

    def groups_of(self, chosen: Photos) -> Groups:
        """Those of another list, by the rows that these photos have here."""
        rows = {name: row for row, name in enumerate(self.photos.names)}
        members = ([rows[chosen.names[row]] for row in group] for group in chosen.members)
        return Groups.of(members, len(self.photos), chosen.least)


@dataclass(frozen=True, eq=False)
class Case:
    """One thing to learn from: `shipped` and `tuned` features of the hall's photos, in int8, and a head from each."""

    name: str
    hall: Hall
    shipped: Looks
    tuned: Looks
    groups: Groups

    def tuning(self, how: str = "int8") -> Iterator[Figure]:
        """By content, and by all blocks as they weigh by default."""
        found = compare(self.shipped, self.tuned, self.hall.photos, self.hall.photos.marked)
        yield from figures(f"{self.name}, {how}", found.features, gate=True)
        yield from figures(f"{self.name}, all blocks, {how}", found.whole, gate=True)

    def heads(self) -> Iterator[Figure]:
        """The head alone, and the one that is learned on what the tuned network sees; and what the second has before
        the first."""
        alone, both = self._marks(self.shipped, "head"), self._marks(self.tuned, "head on the tuned network")
        yield from figures(f"{self.name}: head", judge(self._first, alone))
        yield from figures(f"{self.name}: both", judge(self._first, both))
        yield from figures(f"{self.name}: both, not head", judge(alone, both))

    @cached_property
    def _exam(self) -> Exam:
        return self.hall.exam(self.shipped)

    @property
    def _first(self) -> Marks:
        return self._exam.marks(self.shipped.side.of_features())

    def _marks(self, looks: Looks, title: str) -> Marks:
        learned = self.hall.head(looks.raw, self.groups, f"{self.name}: {title}")
        return self._exam.marks(learned.view(looks.raw))


def figures(what: str, found: Verdict, *, gate: bool = False) -> Sequence[Figure]:
    """With `gate` the gain has to be one beyond its 95 % interval, and fidelity what the gate wants."""
    asked = found.queries
    return [
        Figure(what, "before", found.old_precision, asked),
        Figure(what, "after", found.new_precision, asked),
        Figure(what, "gain", found.low, asked, BEYOND if gate else None),
        Figure(what, "to", found.high, asked),
        Figure(what, "fidelity", found.new_fidelity, asked, LEAST_FIDELITY if gate else None),
    ]
