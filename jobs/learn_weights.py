"""The job `weights`: learns the weights of a scene from what people were shown and chose, judges them by other people,
and puts them if they are better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.discretion import LEAST_PEOPLE, told
from jobs.feedback.joining import OUTCOMES
from jobs.feedback.reading import Feedback
from jobs.learn_head import OnPhase
from jobs.scene_keeper import SceneKeeper, TooLittle, with_experiment, with_weights
from jobs.weighing.crossing import Part, Verdicts, Way, crossed, dealt, verdicts
from jobs.weighing.examination import Examination
from jobs.weighing.learner import PRIOR, Learned, shares
from jobs.weighing.lists import Gathering, Lists
from visrec.v1 import ranker_pb2

LEAST = 100
"""Answers of which something came. Below that an interval says nothing."""
DIGITS = 4
"""Of a weight that is put."""


@dataclass(frozen=True)
class Plan:
    """`outcomes`: which count. `folds`: parts of the people, see `crossing`. `prior`: see `learner`. `eta`: how much
    less is looked at further down, see `examination`; None: found in the data. `experiment`, `share`: put what was
    learned as a variant that a share of the people have; empty: put it for everybody. `most_people`: more are a sample.
    `dry_run`: nothing is put."""

    outcomes: frozenset[str] = frozenset(OUTCOMES)
    folds: int = 5
    prior: float = PRIOR
    eta: float | None = None
    seed: int = 1
    experiment: str = ""
    share: float = 0.1
    most_people: int = 10_000
    dry_run: bool = False


@dataclass(frozen=True)
class Outcome:
    """`scene`, `version`: as they were read. `present`: shares of the signals that weigh anything. `parts`: of the
    people, and what each judged. `people`: learned from, of `met`."""

    catalogue: str
    scene: ranker_pb2.Scene
    version: str
    present: Mapping[str, float]
    learned: Learned
    examination: Examination
    parts: Sequence[Part]
    verdicts: Verdicts
    people: int
    met: int
    answers: int
    chosen: int

    def may_be_put(self, plan: Plan) -> bool:
        """For everybody: better beyond chance, however much is looked at further down. An experiment may begin with
        what seems better, since it asks people, and sees what was not shown before."""
        found = self.verdicts.found
        return found.other > found.present if plan.experiment else self.verdicts.is_better


@dataclass(frozen=True)
class WeightsJob:
    """Weights of one scene, from one catalogue's people."""

    feedback: Feedback
    keeper: SceneKeeper
    plan: Plan

    def run(self, begin: OnPhase) -> Outcome:
        """Learns and judges. `begin` is told of each phase. Raises TooLittle, visrec.scenes.NoScene and
        VisrecCallError."""
        scene, version = self.keeper.read()
        if scene.HasField("experiment") and not self.plan.dry_run:
            raise TooLittle(
                f"{scene.name} has the experiment {scene.experiment.name}, whose control would change under it; "
                f"`visrec experiment stop {scene.name}` ends it, and --dry-run leaves it alone"
            )
        present = {signal: weight for signal, weight in sorted(scene.signal_weights.items()) if weight > 0}
        gathering = Gathering(tuple(present), scene.name, self.plan.outcomes, self.plan.most_people, self.plan.seed)
        lists = gathering.add_all(self.feedback.people(begin("events read", None)))
        if self.plan.experiment in gathering.experiments:
            raise TooLittle(
                f"there are answers of an experiment {self.plan.experiment} of {scene.name} already, which would be "
                "counted with those of the new one: take another name"
            )
        _require(lists, scene.name)
        parts, new, looked = self._learned(lists, present, begin)
        found = verdicts(parts, self.plan.seed)
        assert found is not None  # something came of something
        return Outcome(
            self.feedback.catalogue,
            scene,
            version,
            shares(present),
            new,
            looked,
            parts,
            found,
            lists.people,
            gathering.met,
            len(lists.person),
            int(lists.chosen.sum()),
        )

    def put(self, outcome: Outcome) -> str:
        """The version after it. Raises VisrecCallError, with reason WEIGHTS_CHANGED when somebody was quicker."""
        weights = {signal: round(weight, DIGITS) for signal, weight in outcome.learned.weights.items()}
        if self.plan.experiment:
            changed = with_experiment(outcome.scene, self.plan.experiment, self.plan.share, weights)
        else:
            changed = with_weights(outcome.scene, weights)
        return self.keeper.put(changed, outcome.version)

    def _learned(
        self, lists: Lists, present: Mapping[str, float], begin: OnPhase
    ) -> tuple[list[Part], Learned, Examination]:
        plan = self.plan
        way, part_of = Way(plan.prior, plan.eta), dealt(lists.people, plan.folds, plan.seed)
        step = begin("learning", plan.folds + 1)
        parts = crossed(lists, present, way, part_of, step)
        new, looked = way.learned(lists, present)
        step(1)
        return parts, new, looked


def _require(lists: Lists, scene: str) -> None:
    if lists.people < LEAST_PEOPLE:
        raise TooLittle(
            f"{told(lists.people)} people who consent were shown anything by {scene} that is old enough to tell what "
            "came of it: ask Recommend with record_impressions, or record impressions with shown_signals and showing, "
            "of all places from the first; --newest says from when on they count"
        )
    if lists.with_choice < LEAST:
        raise TooLittle(
            f"{told(lists.people)} people were shown {len(lists.person):,} answers by {scene}, and of "
            f"{lists.with_choice:,} something came, but not of all of it; {LEAST} are needed"
        )
