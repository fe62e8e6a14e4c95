"""From the lists to the tables: learned as the command does it, and asked (needs torch)."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.quality.figure import Figure, Section
from train.bench.lists import Kind, Lists
from train.bench.measuring import Case, Hall, figures
from train.choosing import Trial
from train.fine_tuning import FineTuning, Plan, asked_by_chance
from train.photos import Photos
from train.terminal import OnPhase

HELD_OUT = 0.2
"""The command's default."""


@dataclass(frozen=True)
class Run:
    """`plan`: what is learned is written nowhere but in a folder that is gone afterwards."""

    lists: Lists
    plan: Plan
    on_phase: OnPhase

    def trials(self, kind: Kind) -> list[Trial]:
        """Of settings, by folds of the gallery: no query photo is looked at but to be left out."""
        photos = self._photos(kind)
        return FineTuning(photos, photos.marked, self.plan).trials(self.on_phase)

    def sections(self, kinds: Sequence[Kind]) -> list[Section]:
        """Raises WrongList, VisrecError."""
        hall = Hall(self.lists.labelled(), self.on_phase)
        shipped = hall.both(self.plan.model, "shipped")
        tuning: list[Figure] = []
        heads: list[Figure] = []
        for kind in kinds:
            with tempfile.TemporaryDirectory() as folder:
                path, own = self._drafted(kind, Path(folder))
                tuned = hall.both(path, f"tuned by {kind}")
            groups = hall.groups_of(self._photos(kind))
            case = Case(kind, hall, shipped["int8"], tuned["int8"], groups)
            tuning += [*case.tuning("int8"), *Case(kind, hall, shipped["fp32"], tuned["fp32"], groups).tuning("fp32")]
            tuning += own
            heads += case.heads()
        asked = int(hall.photos.marked.sum())
        return [
            Section(f"fine-tuning, {asked} query photos: precision@10 by content", tuning),
            Section("heads, the same photos: precision@10 by content and kind, int8", heads),
        ]

    def _photos(self, kind: Kind) -> Photos:
        return self.lists.labelled() if kind == "labels" else self.lists.chosen()

    def _drafted(self, kind: Kind, folder: Path) -> tuple[Path, Sequence[Figure]]:
        """The manifest of what is learned, good or not; from people, what the command's own gate says to it, too."""
        photos = self._photos(kind)
        asked = asked_by_chance(photos, HELD_OUT) if kind == "people" else photos.marked
        job = FineTuning(photos, asked, replace(self.plan, out=folder / f"{kind}.json"))
        draft = job.draft(folder, self.on_phase)
        if kind == "labels":
            return draft.path, []
        return draft.path, figures("people, asked by people", job.judged(draft, self.on_phase).whole)
