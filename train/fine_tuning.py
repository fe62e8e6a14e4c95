"""The whole way: photos → the layers learned → a model written → judged as it is served → kept, or not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from jobs.head.directions import Float16, Float32
from jobs.head.fitting import held_out
from jobs.head.groups import Flags
from jobs.head.judging import unit
from services.embedder.framing import Pixels
from services.embedder.head import Linear
from services.embedder.manifest import Checkpoint, Manifest, find_manifest
from services.embedder.opening import Prepared, prepare, read_checkpoint, scale_of
from services.embedder.weights import Weights
from train.choosing import STEPS, Trial, best, folds_of, trials
from train.keeping import keep
from train.photos import Photos, WrongList
from train.served import Comparison, compare, exam, look
from train.tail import Tail
from train.terminal import OnPhase
from train.trunk import Maps, Trunk
from train.tuning import Lesson, Mark, Recipe, features_of, tune
from train.writing import Learned, weights_of, write, write_graphs

LEAST_ASKED, CHOSEN_BY = 30, 0.15
"""Things to judge by, at least; share of the items to learn from that the best state is chosen by."""
SAMPLE = 256
"""Photos that the ranges of int8 are taken from."""


@dataclass(frozen=True)
class Plan:
    """`model`: to begin with. `out`: the manifest to write, as NAME.json. `graphs`: write ONNX files, too.
    `choose`: the recipe's settings anew, see choosing."""

    model: str
    out: Path
    stages: int = 1
    graphs: bool = False
    choose: bool = False
    recipe: Recipe = field(default_factory=Recipe)


@dataclass(frozen=True)
class Draft:
    """What was learned, written but not judged. `marks`: of each round; `chosen`: of the one that was taken. `trials`:
    of the settings, if they were to be chosen."""

    path: Path
    made: Manifest
    prepared: Prepared
    learned_from: int
    marks: list[Mark]
    chosen: Mark
    trials: Sequence[Trial] = ()

    @property
    def files(self) -> list[Path]:
        """The manifest last: without it, nobody looks for the others."""
        return [self.path.with_name(weights_of(self.made)), self.path]


@dataclass(frozen=True)
class Outcome:
    """`asked`: number of photos to judge by. `written`: files, the manifest last; none if it did not pass."""

    draft: Draft
    asked: int
    comparison: Comparison
    written: list[Path]

    @property
    def space(self) -> str:
        """What its vectors are in."""
        return self.draft.prepared.model.space.name


@dataclass(frozen=True, eq=False)
class _Begun:
    """What there is before anything is learned; `tail` is what changes. `before`: (n, F) features."""

    manifest: Manifest
    shipped: Prepared
    weights: Weights
    tail: Tail
    lesson: Lesson
    before: Float32


@dataclass(frozen=True, eq=False)
class FineTuning:
    """`asked`: (n,) photos that are judged by; nothing is learned from their items."""

    photos: Photos
    asked: Flags
    plan: Plan

    @cached_property
    def learnable(self) -> Flags:
        """(n,) all that is learned from, in whatever way: layers, their best state, settings, ranges, means."""
        return self.photos.learnable(self.asked)

    def run(self, on_phase: OnPhase) -> Outcome:
        """Writes nothing that does not pass the gate, and all files at the end. Raises WrongList, VisrecError, and
        OSError where there is no room."""
        self._check()
        # Not beside what is to be written: nobody looks for a model there when this is killed.
        with tempfile.TemporaryDirectory(prefix="visrec-train-") as folder:
            draft = self.draft(Path(folder), on_phase)
            comparison = self.judged(draft, on_phase)
            written = self._keep(draft, on_phase) if comparison.passes else []
        return Outcome(draft, int(self.asked.sum()), comparison, written)

    def draft(self, folder: Path, on_phase: OnPhase) -> Draft:
        """What is learned, written into `folder`, good or not. Raises WrongList, VisrecError."""
        with self._opened(on_phase) as (begun, maps):
            tried = self._trials(begun, on_phase) if self.plan.choose else []
            marks, chosen = self._tuned(begun, self._recipe(tried), on_phase)
            after = features_of(begun.tail, maps)
        mine, shipped = self.learnable, begun.shipped
        pixels = self._sample(shipped.model.card.input_pixels)
        learned = Learned(self.plan.stages, begun.tail.weights(), begun.before[mine], after[mine], pixels)
        to = folder / self.plan.out.name
        made = write(begun.manifest, begun.weights, learned, to, self.plan.out.stem)
        return Draft(to, made, prepare(to), int(mine.sum()), marks, chosen, tried)

    def trials(self, on_phase: OnPhase) -> list[Trial]:
        """Settings tried, and nothing else. Raises WrongList, VisrecError."""
        with self._opened(on_phase) as (begun, _):
            return self._trials(begun, on_phase)

    def judged(self, draft: Draft, on_phase: OnPhase) -> Comparison:
        """By the photos that are asked, as the embedder serves both. Raises WrongList, VisrecError."""
        shipped = prepare(find_manifest(self.plan.model))
        count = on_phase("compared as served", 2 * len(self.photos))
        before, after = (look(each, self.photos, count) for each in (shipped, draft.prepared))
        return compare(before, after, self.photos, self.asked)

    def _check(self) -> None:
        related = self.asked & (self.photos.groups.of_row > 0)
        things = len(np.unique(self.photos.variants[related]))
        if things < LEAST_ASKED:
            raise WrongList(
                f"{things} things to judge by are in a group with others, at least {LEAST_ASKED} are needed"
            )

    @contextmanager
    def _opened(self, on_phase: OnPhase) -> Iterator[tuple[_Begun, Maps]]:
        if len(self.photos.groups.among(self.learnable)) < 2:
            raise WrongList("there are fewer than two groups of two photos to learn from")
        path = find_manifest(self.plan.model)
        manifest, shipped = Manifest.load(path), prepare(path)
        if not isinstance(manifest.weights, Checkpoint):
            raise WrongList(f"{manifest.name} is an ONNX file of its own: only a checkpoint's layers can be learned")
        weights, scale = read_checkpoint(manifest.weights, path.parent), scale_of(manifest)
        tail, trunk = Tail.of(weights, scale, self.plan.stages), Trunk(weights, scale, self.plan.stages)
        with trunk.maps(self.photos, on_phase("photos looked at", len(self.photos))) as maps:
            before = features_of(tail, maps)
            lesson = self._lesson(maps, before.astype(np.float16), shipped)
            yield _Begun(manifest, shipped, weights, tail, lesson, before), maps

    def _lesson(self, maps: Maps, raw: Float16, shipped: Prepared) -> Lesson:
        content = next(rule for rule in shipped.model.head.rules if isinstance(rule, Linear))
        mine = self.learnable
        chosen_by = mine & held_out(self.photos.items, CHOSEN_BY, "chosen by")
        paper = exam(self.photos, raw, chosen_by, mine)
        return Lesson(maps, unit(raw), content, self.photos.groups, mine & ~chosen_by, paper)

    def _trials(self, begun: _Begun, on_phase: OnPhase) -> list[Trial]:
        folds = list(folds_of(begun.lesson, self.photos, self.learnable))
        step = on_phase("settings tried, a round of a fold each", STEPS)
        return list(trials(begun.tail, begun.lesson, folds, self.plan.recipe, lambda: step(1)))

    def _recipe(self, tried: Sequence[Trial]) -> Recipe:
        """As long as is planned, for which a trial has no time."""
        plan = self.plan.recipe
        return replace(best(tried).recipe, rounds=plan.rounds, patience=plan.patience) if tried else plan

    def _tuned(self, begun: _Begun, recipe: Recipe, on_phase: OnPhase) -> tuple[list[Mark], Mark]:
        marks: list[Mark] = []
        step = on_phase(f"learning, at most {recipe.rounds} rounds", recipe.rounds * begun.lesson.photos)
        return marks, tune(begun.tail, begun.lesson, recipe, marks.append, step)

    def _sample(self, side: int) -> Pixels:
        rows = np.flatnonzero(self.learnable)
        chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(np.intp))]
        return np.concatenate(list(self.photos.only(chosen).pixels(side)))

    def _keep(self, draft: Draft, on_phase: OnPhase) -> list[Path]:
        graphs = write_graphs(draft.made, draft.path) if self.plan.graphs else []
        files = [*graphs, *draft.files]
        return keep(files, self.plan.out.parent, on_phase("files written", len(files)))


def asked_by_chance(photos: Photos, share: float) -> Flags:
    """(n,) `share` of the items, by a hash of their names: the same ones in every run."""
    return held_out(photos.items, share, "judged")
