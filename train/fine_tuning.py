"""The whole way: photos → the layers learned → a model written → judged as it is served → kept, or not."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from jobs.head.directions import Float16
from jobs.head.fitting import held_out
from jobs.head.groups import Flags
from jobs.head.judging import unit
from services.embedder.head import Linear
from services.embedder.manifest import Checkpoint, Manifest, find_manifest
from services.embedder.opening import Prepared, prepare, read_checkpoint, scale_of
from train.photos import Photos, WrongList
from train.served import Comparison, compare, exam, look
from train.tail import Tail
from train.trunk import Maps, Trunk
from train.tuning import Lesson, Mark, Recipe, features_of, tune
from train.writing import Learned, write, write_graphs

OnPhase = Callable[[str, int], Callable[[int], None]]
"""What begins, and how many steps it has; gives what is told of each."""

LEAST_ASKED, CHOSEN_BY = 30, 0.15
"""Photos to judge by, at least; share of the items to learn from that the best state is chosen by."""
SAMPLE = 256
"""Photos that the ranges of int8 are taken from."""


@dataclass(frozen=True)
class Plan:
    """`model`: to begin with. `out`: the manifest to write, as NAME.json. `graphs`: write ONNX files, too."""

    model: str
    out: Path
    stages: int = 1
    graphs: bool = False
    recipe: Recipe = field(default_factory=Recipe)


@dataclass(frozen=True)
class Outcome:
    """`learned_from`, `asked`: numbers of photos. `marks`: of each round. `written`: files, none if it did not pass."""

    learned_from: int
    asked: int
    marks: list[Mark]
    chosen: Mark
    comparison: Comparison
    space: str
    written: list[Path]


@dataclass(frozen=True, eq=False)
class FineTuning:
    """`asked`: (n,) photos that are judged by; nothing is learned from them."""

    photos: Photos
    asked: Flags
    plan: Plan

    def run(self, on_phase: OnPhase) -> Outcome:
        """Writes nothing that does not pass the gate, and all files at the end. Raises WrongList, VisrecError."""
        path = find_manifest(self.plan.model)
        old = prepare(path)
        manifest = Manifest.load(path)
        if not isinstance(manifest.weights, Checkpoint):
            raise WrongList(f"{manifest.name} is an ONNX file of its own: only a checkpoint's layers can be learned")
        self._check()
        weights = read_checkpoint(manifest.weights, path.parent)
        tail = Tail.of(weights, scale_of(manifest), self.plan.stages)
        trunk = Trunk(weights, scale_of(manifest), self.plan.stages)
        with trunk.maps(self.photos, on_phase("photos looked at", len(self.photos))) as maps:
            marks, chosen, learned = self._learn(tail, maps, old, on_phase)
        with tempfile.TemporaryDirectory(dir=self.plan.out.parent) as folder:
            draft = Path(folder) / self.plan.out.name
            made = write(manifest, weights, learned, draft, self.plan.out.stem)
            new = prepare(draft)
            comparison = self._compare(old, new, on_phase)
            written = self._keep(made, draft) if comparison.passes else []
        name = new.model.space.name
        return Outcome(len(learned.before), int(self.asked.sum()), marks, chosen, comparison, name, written)

    def _check(self) -> None:
        groups = self.photos.groups
        related = int((groups.of_row[self.asked] > 0).sum())
        if related < LEAST_ASKED:
            raise WrongList(
                f"{related} photos to judge by are in a group with others, at least {LEAST_ASKED} are needed"
            )
        if len(groups.among(~self.asked)) < 2:
            raise WrongList("there are fewer than two groups of two photos to learn from")

    def _learn(self, tail: Tail, maps: Maps, old: Prepared, on_phase: OnPhase) -> tuple[list[Mark], Mark, Learned]:
        before = features_of(tail, maps)
        lesson = self._lesson(maps, before.astype(np.float16), old)
        step = on_phase("rounds", self.plan.recipe.rounds + 1)
        marks: list[Mark] = []

        def told(mark: Mark) -> None:
            marks.append(mark)
            step(1)

        chosen = tune(tail, lesson, self.plan.recipe, told)
        mine = ~self.asked
        after = features_of(tail, maps)
        learned = Learned(self.plan.stages, tail.weights(), before[mine], after[mine], self._sample(old))
        return marks, chosen, learned

    def _lesson(self, maps: Maps, raw: Float16, old: Prepared) -> Lesson:
        content = next(rule for rule in old.model.head.rules if isinstance(rule, Linear))
        mine = ~self.asked
        chosen_by = mine & held_out(self.photos.items, CHOSEN_BY, "chosen by")
        paper = exam(self.photos, raw, chosen_by, mine)
        return Lesson(maps, unit(raw), content, self.photos.groups, mine & ~chosen_by, paper)

    def _sample(self, old: Prepared) -> np.ndarray:
        rows = np.flatnonzero(~self.asked)
        chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(np.intp))]
        return np.concatenate(list(self.photos.only(chosen).pixels(old.model.card.input_pixels)))

    def _compare(self, old: Prepared, new: Prepared, on_phase: OnPhase) -> Comparison:
        count = on_phase("compared as served", 2 * len(self.photos))
        return compare(look(old, self.photos, count), look(new, self.photos, count), self.photos, self.asked)

    def _keep(self, made: Manifest, draft: Path) -> list[Path]:
        """The manifest last: without it, nobody looks for the others."""
        graphs = write_graphs(made, draft) if self.plan.graphs else []
        files = (draft.with_suffix(".npz"), *graphs, draft)
        return [path.replace(self.plan.out.with_name(path.name)) for path in files]


def asked_by_chance(photos: Photos, share: float) -> Flags:
    """(n,) `share` of the items, by a hash of their names: the same ones in every run."""
    return held_out(photos.items, share, "judged")
