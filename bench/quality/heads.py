"""What a learned head is worth: clothing's `query` photos, that nothing is fitted to, against the gallery.

Fitted on the labels of the whole gallery; of each half of it, and searched in the other; and on what simulated shoppers
do, who know the labels that they want, while the head is told nothing but which items each of them chose. By the blocks
that are made of features alone, as the gate compares fidelity. The vectors are those that the embedder makes of kept
features (ProjectFeatures) once it is given the head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from rich.console import Console

from bench.quality.figure import Figure, Section
from bench.quality.question import Question
from bench.quality.vectors import Vectors
from jobs.head.directions import Float16
from jobs.head.fitting import STEPS, Learned, Lesson, held_out, learn
from jobs.head.gate import Verdict, judge
from jobs.head.groups import Flags, Groups
from jobs.head.judging import Exam, Marks, unit
from jobs.head.placing import head_of
from jobs.head.sides import Side
from tests.profile.shoppers import shoppers
from visrec.connection import Connection
from visrec.v1 import common_pb2, embedder_pb2

SEED, PEOPLE = 1, 1200
AT_ONCE = 500

LEAST_OF_LABELS, LEAST_FIDELITY, LEAST_OF_HALF = 0.81, 0.70, 0.72


@dataclass(frozen=True)
class Hall:
    """Queries and gallery, one after the other."""

    question: Question
    vectors: Vectors

    @cached_property
    def names(self) -> list[str]:
        """Of all pictures."""
        return [each.name for each in (*self.question.queries, *self.question.gallery)]

    @cached_property
    def raw(self) -> Float16:
        """(n, F) features."""
        return np.array([np.frombuffer(self.vectors.raw[name], "<f2") for name in self.names])

    @cached_property
    def gallery(self) -> Flags:
        """(n,) what can be found."""
        return np.arange(len(self.names)) >= len(self.question.queries)

    @cached_property
    def labels(self) -> list[str]:
        """Of all pictures."""
        return [each.labels[self.question.label] for each in (*self.question.queries, *self.question.gallery)]

    @cached_property
    def by_label(self) -> Groups:
        """Pictures of a label."""
        labels = np.array(self.labels)
        return Groups.of((np.flatnonzero(labels == label) for label in np.unique(labels)), len(labels))

    @cached_property
    def by_people(self) -> Groups:
        """What each shopper did something to, in the gallery."""
        first = len(self.question.queries)
        people = shoppers(self.labels[first:], PEOPLE, SEED)
        return Groups.of(([first + row for row in person.rows] for person in people), len(self.names), 2)

    def exam(self, shelf: Flags) -> Exam:
        """Every query against what is on the shelf, by their true labels."""
        everything = np.arange(len(self.names))
        return Exam(self.by_label, unit(self.raw), everything, everything[~self.gallery], shelf)

    def learned(self, groups: Groups, allowed: Flags, console: Console, title: str) -> Learned:
        """From those rows alone."""
        console.print(f"Learning a head from {title}: {STEPS} steps …")
        return learn(Lesson(self.raw, groups, np.arange(len(self.names))), self.names, allowed, lambda: None)

    def side(self, space: common_pb2.Space, connection: Connection) -> Side:
        """As the embedder makes them of what was kept."""
        found = [vector for part in _parts(self.names) for vector in self._projected(part, space, connection)]
        blocks = [(block.name, block.dimension, block.default_weight) for block in space.blocks]
        return Side.of(np.array(found, dtype=np.float16), blocks)

    def _projected(
        self, names: Sequence[str], space: common_pb2.Space, connection: Connection
    ) -> list[np.typing.NDArray[np.float32]]:
        kept = [
            embedder_pb2.KeptFeatures(raw_features=self.vectors.raw[name], vector=self.vectors.by_name[name].message())
            for name in names
        ]
        request = embedder_pb2.ProjectFeaturesRequest(space=space.name, photos=kept)
        answer = connection.call(connection.embedder.ProjectFeatures, request)
        return [np.frombuffer(each.vector.data, "<f4") for each in answer.results]


def measure(connection: Connection, question: Question, vectors: Vectors, console: Console) -> Section:
    """Raises VisrecCallError."""
    hall = Hall(question, vectors)
    shipped = hall.side(vectors.space, connection)

    def tried(groups: Groups, allowed: Flags, shelf: Flags, title: str) -> Verdict:
        learned = hall.learned(groups, allowed, console, title)
        head = head_of(learned, vectors.space, vectors.space, f"for make eval, from {title}")
        space = connection.call(connection.embedder.PutHead, embedder_pb2.PutHeadRequest(head=head)).space
        exam = hall.exam(shelf)
        return judge(_marks(exam, shipped), _marks(exam, hall.side(space, connection)))

    half = hall.gallery & held_out(hall.names, 0.5, "half")
    of_labels = tried(hall.by_label, hall.gallery, hall.gallery, "labels")
    of_halves = [
        tried(hall.by_label, one, other, "labels of one half")
        for one, other in ((half, hall.gallery & ~half), (hall.gallery & ~half, half))
    ]
    of_people = tried(hall.by_people, hall.gallery, hall.gallery, "what shoppers choose")
    figures = [
        *_figures("labels", of_labels, LEAST_OF_LABELS, LEAST_FIDELITY),
        *_figures("half → half", of_halves[0], LEAST_OF_HALF),
        *_figures("half ← half", of_halves[1], LEAST_OF_HALF),
        *_figures("shoppers", of_people),
    ]
    return Section(f"learned heads, {question.name}: precision@10, content and kind", figures)


def _marks(exam: Exam, side: Side) -> Marks:
    return exam.marks(side.of_features())


def _figures(what: str, found: Verdict, least: float | None = None, faithful: float | None = None) -> list[Figure]:
    """The gain with its 95 % interval must be above nothing."""
    asked = found.queries
    return [
        Figure(what, "shipped", found.old_precision, asked),
        Figure(what, "learned", found.new_precision, asked, least),
        Figure(what, "gain", found.low, asked, 0.0),
        Figure(what, "to", found.high, asked),
        Figure(what, "fidelity", found.new_fidelity, asked, faithful),
    ]


def _parts(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE)]
