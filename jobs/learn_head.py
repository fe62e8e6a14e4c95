"""The job `head`: learns a head from a catalogue, judges it beside the present space, and puts it into place if it is
better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np

from jobs.head.fitting import STEPS, Learned, Lesson, held_out, learn
from jobs.head.gate import Verdict, judge
from jobs.head.groups import Flags
from jobs.head.judging import Exam, Marks
from jobs.head.placing import VISUAL, Placing, head_of
from jobs.head.reading import NothingLearned, Read, Reader
from jobs.head.sides import CONTENT, KIND, Side
from jobs.pages import Patience
from jobs.rebuild import RebuildJob
from visrec.connection import Connection
from visrec.v1 import common_pb2, embedder_pb2

LEAST_THINGS = 30
"""Below that an interval says nothing: variants of one thing are asked nearly the same."""
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
    """What to learn from. `label`: the field of labels; `share` of the items are held out to judge by; `most_people`:
    of so many at most is read what they did."""

    source: Source = Source.LABELS
    label: str = "category"
    share: float = 0.1
    most_people: int = 100_000


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
        filled, and not as it is served, is removed; so is one that cannot be judged as it is served.

        Raises NothingLearned, also where the alias has moved since it began; pages.BrokenOff when a reading was;
        VisrecCallError.
        """
        placing = self._placing
        model, present = placing.model(), placing.present()
        read = self._reader(on_phase("items read", None)).items(present.name, self.plan.label, model.raw_dimension)
        lesson = self._lesson(read, on_phase)
        held = held_out(read.names, self.plan.share, "judged")
        if (groups := len(lesson.groups.among(~held))) < LEAST_GROUPS:
            raise NothingLearned(
                f"{groups} groups of items can be learned from; telling them apart needs {LEAST_GROUPS}"
            )
        exam = lesson.final(held, MOST_QUERIES)
        step = on_phase("settings tried", STEPS)
        learned = learn(lesson, read.names, ~held, lambda: step(1))
        head = head_of(learned, present, model.spaces[0], "")
        old = Side.of(read.vectors, _blocks(present))
        domains = read.numbered_domains
        beside = _Beside(exam, replace(exam, apart=domains) if len(np.unique(domains)) > 1 else None, old)
        found = beside.judged(_made(head, learned, read, old))
        outcome = Outcome(len(read.ids), len(lesson.groups), learned, *found, present.name)
        if not (put and outcome.verdict.passes):
            return outcome
        head.description = self._told(outcome)
        space = placing.give(head)
        try:
            placing.fill(space.name, on_phase("vectors made", 1.0))
            kept, served = self._reader(on_phase("vectors read", None)).vectors(space.name, read.ids)
            verdict, features, across = beside.only(kept).judged(Side.of(served, _blocks(space)))
            outcome = replace(outcome, verdict=verdict, features=features, across=across)
            if outcome.verdict.passes:
                return self._moved(space.name, outcome, on_phase)
        except NothingLearned:
            placing.remove(space.name)
            raise
        placing.remove(space.name)
        return outcome

    def _moved(self, space: str, outcome: Outcome, on_phase: OnPhase) -> Outcome:
        people = on_phase("pages of tastes made anew", None)
        RebuildJob(self.connection, self.catalogue, self.patience, space).run(lambda _: people(1))
        if (now := self._placing.present().name) not in (outcome.old_space, space):
            raise NothingLearned(
                f"somebody was quicker: {VISUAL} of {self.catalogue} is {now} by now, and what was learned is better "
                f"than {outcome.old_space}; run this again"
            )
        return replace(outcome, space=space, old_space=self._placing.move(space))

    @property
    def _placing(self) -> Placing:
        return Placing(self.connection, self.catalogue, self.patience)

    def _reader(self, on_read: Callable[[float], None]) -> Reader:
        return Reader(self.connection, self.catalogue, self.patience, on_read)

    def _lesson(self, read: Read, on_phase: OnPhase) -> Lesson:
        if self.plan.source is Source.LABELS:
            return read.by_label()
        engaged = self._reader(on_phase("events read", None)).engaged(read.ids, self.plan.most_people)
        return read.by_people(engaged)

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


@dataclass(frozen=True, eq=False)
class _Beside:
    """What a new side is judged by: the `old` one's marks in two exams. `across` looks in other domains only;
    None: there are none."""

    exam: Exam
    across: Exam | None
    old: Side

    def only(self, kept: Flags) -> _Beside:
        """By the rows that are `kept`, (n,)."""
        if kept.all():
            return self
        return _Beside(self.exam.only(kept), self.across.only(kept) if self.across else None, self.old.only(kept))

    def judged(self, new: Side) -> tuple[Verdict, Verdict, Verdict | None]:
        """By all blocks; by those of features alone; by these across domains. Raises NothingLearned."""
        whole, features, across = self._before
        if whole.asked_things < LEAST_THINGS:
            raise NothingLearned(
                f"{whole.asked_things} held-out items, variants of one counted once, have others that they belong to; "
                f"to judge by them takes at least {LEAST_THINGS} (--held-out)"
            )
        after = self._marks(new)
        crossing = judge(across, after[2]) if across and after[2] and across.asked_things >= LEAST_THINGS else None
        return judge(whole, after[0]), judge(features, after[1]), crossing

    @cached_property
    def _before(self) -> tuple[Marks, Marks, Marks | None]:
        return self._marks(self.old)

    def _marks(self, side: Side) -> tuple[Marks, Marks, Marks | None]:
        of_features = side.of_features()
        across = self.across.marks(of_features) if self.across else None
        return self.exam.marks(side.view(), like_raw=of_features), self.exam.marks(of_features), across


def _blocks(space: common_pb2.Space) -> list[tuple[str, int, float]]:
    return [(block.name, block.dimension, block.default_weight) for block in space.blocks]


def _made(head: embedder_pb2.Head, learned: Learned, read: Read, old: Side) -> Side:
    """What the head will make, before it is put: blocks of the model's own are those that the items have."""
    made = {CONTENT: learned.content(read.raw), KIND: learned.kind(read.raw)}
    weights = {each.block.name: each.block.default_weight for each in head.blocks}
    kept = {name: block for name, block in old.blocks.items() if name in weights and name not in made}
    return Side({**made, **kept}, weights)
