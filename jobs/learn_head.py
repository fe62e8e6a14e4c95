"""The job `head`: learns a head from a catalogue, judges it beside the present space, and puts it into place if it is
better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from jobs.head.fitting import STEPS, Learned, Lesson, held_out, learn
from jobs.head.gate import Verdict, judge
from jobs.head.judging import Exam
from jobs.head.placing import Placing, head_of
from jobs.head.reading import NothingLearned, Read, Reader
from jobs.head.sides import CONTENT, KIND, Side
from jobs.pages import Patience
from jobs.rebuild import RebuildJob
from visrec.connection import Connection
from visrec.v1 import common_pb2, embedder_pb2

LEAST_QUERIES = 30
"""Below that an interval says nothing."""
MOST_QUERIES = 1000
LEAST_GROUPS = 2

OnPhase = Callable[[str, float | None], Callable[[float], None]]
"""Is told what begins and of how much it is (None: unknown), and gives what is told of each piece."""


class Source(StrEnum):
    """What tells which items belong together."""

    LABELS = "labels"
    PEOPLE = "people"


@dataclass(frozen=True)
class Plan:
    """What to learn from. `label`: the field of labels; `share` of the items are held out to judge by."""

    source: Source = Source.LABELS
    label: str = "category"
    share: float = 0.1


@dataclass(frozen=True)
class Outcome:
    """`verdict`: by all blocks as they weigh by default. For information: `features`, by content and kind alone;
    `across`, the same, looking for items of other domains only (None: too few belong to any there). `space`: where the
    alias is now; empty: it was not moved."""

    items: int
    groups: int
    learned: Learned
    verdict: Verdict
    features: Verdict
    across: Verdict | None
    old_space: str
    space: str = ""


@dataclass(frozen=True)
class HeadJob:
    """For one catalogue. Stopped and run again, it does the same once more up to where it was, and goes on: the same
    items and events give the same head, and a head, a space and its filling that are there already stay."""

    connection: Connection
    catalogue: str
    patience: Patience
    plan: Plan

    def run(self, on_phase: OnPhase, *, put: bool = True) -> Outcome:
        """Puts nothing that does not pass the gate, and nothing at all unless `put`. A space that passes before it is
        filled, and not as it is served, is removed.

        Raises NothingLearned, pages.BrokenOff when a reading was, VisrecCallError.
        """
        placing = Placing(self.connection, self.catalogue, self.patience)
        model, present = placing.model(), placing.present()
        read = self._reader(on_phase("items read", None)).items(present.name, self.plan.label, model.raw_dimension)
        lesson = self._lesson(read, on_phase)
        held = held_out(read.names, self.plan.share, "judged")
        if (groups := len(lesson.groups.among(~held))) < LEAST_GROUPS:
            raise NothingLearned(
                f"{groups} groups of items can be learned from; telling them apart needs {LEAST_GROUPS}"
            )
        exam = lesson.exam(held, np.ones(len(held), dtype=np.bool_), MOST_QUERIES)
        step = on_phase("settings tried", STEPS)
        learned = learn(lesson, read.names, ~held, lambda: step(1))
        head = head_of(learned, present, model.spaces[0], "")
        old = Side.of(read.vectors, _blocks(present))
        exams = (exam, replace(exam, apart=read.numbered_domains))
        outcome = Outcome(
            len(read.ids),
            len(lesson.groups),
            learned,
            *_judged(exams, old, _made(head, learned, read, old)),
            present.name,
        )
        if not (put and outcome.verdict.passes):
            return outcome
        head.description = self._told(outcome)
        space = placing.give(head)
        placing.fill(space.name, on_phase("vectors made", 1.0))
        served = self._reader(on_phase("vectors read", None)).vectors(space.name, read.ids)
        verdict, features, across = _judged(exams, old, Side.of(served, _blocks(space)))
        outcome = replace(outcome, verdict=verdict, features=features, across=across)
        if not verdict.passes:
            placing.remove(space.name)
            return outcome
        people = on_phase("pages of tastes made anew", None)
        RebuildJob(self.connection, self.catalogue, self.patience, space.name).run(lambda _: people(1))
        placing.move(space.name)
        return replace(outcome, space=space.name)

    def _reader(self, on_read: Callable[[float], None]) -> Reader:
        return Reader(self.connection, self.catalogue, self.patience, on_read)

    def _lesson(self, read: Read, on_phase: OnPhase) -> Lesson:
        if self.plan.source is Source.LABELS:
            return read.by_label()
        return read.by_people(self._reader(on_phase("events read", None)).engaged())

    def _told(self, outcome: Outcome) -> str:
        """For whoever lists the heads: what it was learned from, and how far it can be trusted."""
        what = self.plan.label if self.plan.source is Source.LABELS else "what people engage with together"
        trust = [
            f"{found.new_precision:.3f} instead of {found.old_precision:.3f}{where}"
            for found, where in ((outcome.verdict, ""), (outcome.across, " in other domains"))
            if found
        ]
        return (
            f"learned from {what}: {outcome.items} items of {self.catalogue}, {outcome.groups} groups; "
            f"precision@10 of held-out items {', '.join(trust)}"
        )


def _judged(exams: tuple[Exam, Exam], old: Side, new: Side) -> tuple[Verdict, Verdict, Verdict | None]:
    """By all blocks; by those of features alone; by these across domains."""
    exam, across = exams
    before, after = (exam.marks(side.view(), like_raw=side.of_features()) for side in (old, new))
    if len(before.precision) < LEAST_QUERIES:
        raise NothingLearned(
            f"{len(before.precision)} held-out items have others that they belong to; to judge by them takes "
            f"at least {LEAST_QUERIES} (--held-out)"
        )
    features = judge(exam.marks(old.of_features()), exam.marks(new.of_features()))
    there, here = (across.marks(side.of_features()) for side in (old, new))
    asked = len(there.precision) >= LEAST_QUERIES
    return judge(before, after), features, judge(there, here) if asked else None


def _blocks(space: common_pb2.Space) -> list[tuple[str, int, float]]:
    return [(block.name, block.dimension, block.default_weight) for block in space.blocks]


def _made(head: embedder_pb2.Head, learned: Learned, read: Read, old: Side) -> Side:
    """What the head will make, before it is put: blocks of the model's own are those that the items have."""
    made = {CONTENT: learned.content(read.raw), KIND: learned.kind(read.raw)}
    weights = {each.block.name: each.block.default_weight for each in head.blocks}
    kept = {name: block for name, block in old.blocks.items() if name in weights and name not in made}
    return Side({**made, **kept}, weights)
