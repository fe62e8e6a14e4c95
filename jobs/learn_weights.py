"""The job `weights`: learns the weights of a scene from what people were shown and chose, judges them by other people,
and puts them if they are better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.discretion import LEAST_PEOPLE, told
from jobs.feedback.joining import OUTCOMES
from jobs.feedback.reading import Feedback
from jobs.learn_head import OnPhase
from jobs.scene_keeper import SceneKeeper, TooLittle, with_experiment, with_weights
from jobs.weighing.examination import Examination, estimated
from jobs.weighing.judging import Verdict, Worths, judged, worths
from jobs.weighing.learner import PRIOR, learned, shares
from jobs.weighing.lists import Gathering, Lists
from visrec.v1 import ranker_pb2

LEAST = 100
"""Answers of which something came. Below that an interval says nothing."""
DIGITS = 4
"""Of a weight that is put."""


@dataclass(frozen=True)
class Plan:
    """`outcomes`: which count. `folds`: see `judging`. `prior`: see `learner`. `eta`: how much less
    is looked at further down, see `examination`; None: found in the data. `experiment`, `share`: put what was learned
    as a variant that a share of the people have; empty: put it for everybody."""

    outcomes: frozenset[str] = frozenset(OUTCOMES)
    folds: int = 5
    prior: float = PRIOR
    eta: float | None = None
    seed: int = 1
    experiment: str = ""
    share: float = 0.5


@dataclass(frozen=True)
class Outcome:
    """`present`, `learned`: shares of the signals that weigh anything. `silent`: of which nothing could be learned.
    `version`: of the weights that were put; empty: none."""

    catalogue: str
    scene: str
    present: Mapping[str, float]
    learned: Mapping[str, float]
    silent: tuple[str, ...]
    examination: Examination
    verdict: Verdict
    people: int
    answers: int
    chosen: int
    version: str = ""


@dataclass(frozen=True)
class WeightsJob:
    """Weights of one scene, from one catalogue's people."""

    feedback: Feedback
    keeper: SceneKeeper
    plan: Plan

    def run(self, begin: OnPhase, *, put: bool = True) -> Outcome:
        """`begin` is told of each phase. Raises TooLittle, visrec.scenes.NoScene and VisrecCallError."""
        scene, version = self.keeper.read()
        if scene.HasField("experiment") and put:
            raise TooLittle(
                f"{scene.name} has the experiment {scene.experiment.name}, whose control would change under it; "
                f"`visrec experiment stop {scene.name}` ends it, and --dry-run leaves it alone"
            )
        weighing = {signal: weight for signal, weight in sorted(scene.signal_weights.items()) if weight > 0}
        lists = Gathering(tuple(weighing), scene.name, self.plan.outcomes).add_all(
            self.feedback.people(begin("events read", None))
        )
        found = self._found(lists, weighing, scene.name, begin)
        if not (put and found.verdict.is_better):
            return found
        rounded = {signal: round(weight, DIGITS) for signal, weight in found.learned.items()}
        return Outcome(**{**vars(found), "version": self.keeper.put(self._changed(scene, rounded), version)})

    def _found(self, lists: Lists, weighing: Mapping[str, float], scene: str, begin: OnPhase) -> Outcome:
        _require(lists, scene)
        step = begin("learning", self.plan.folds + 2)
        looked = estimated(lists) if self.plan.eta is None else Examination(self.plan.eta)
        step(1)
        parts = []
        fold = np.random.default_rng(self.plan.seed).permutation(lists.people) % self.plan.folds
        for number in range(self.plan.folds):
            parts.append(self._judged(lists, fold == number, weighing, looked))
            step(1)
        verdict = judged(parts, self.plan.seed)
        assert verdict is not None  # something came of something
        new = learned(lists, weighing, looked, self.plan.prior)
        step(1)
        return Outcome(
            self.feedback.catalogue,
            scene,
            shares(weighing),
            new.weights,
            new.silent,
            looked,
            verdict,
            lists.people,
            len(lists.person),
            int(lists.chosen.sum()),
        )

    def _judged(
        self, lists: Lists, judges: NDArray[np.bool_], weighing: Mapping[str, float], looked: Examination
    ) -> Worths:
        """`judges`: (people,) bool; of the others is learned."""
        new = learned(lists.of(~judges), weighing, looked, self.plan.prior)
        return worths(lists.of(judges), weighing, new.weights, looked)

    def _changed(self, scene: ranker_pb2.Scene, weights: Mapping[str, float]) -> ranker_pb2.Scene:
        if self.plan.experiment:
            return with_experiment(scene, self.plan.experiment, self.plan.share, weights)
        return with_weights(scene, weights)


def _require(lists: Lists, scene: str) -> None:
    if lists.people < LEAST_PEOPLE:
        raise TooLittle(
            f"{told(lists.people)} people who consent were shown anything by {scene}: ask Recommend with "
            "record_impressions, or record impressions with shown_signals and showing"
        )
    if lists.with_choice < LEAST:
        raise TooLittle(
            f"{told(lists.people)} people were shown {len(lists.person):,} answers by {scene}, and of "
            f"{lists.with_choice:,} something came, but not of all of it; {LEAST} are needed"
        )
