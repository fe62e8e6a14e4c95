"""The job `experiment`: what came of the answers of each variant beside the control, and whether to believe it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from jobs.discretion import LEAST_PEOPLE, told
from jobs.feedback.reading import Feedback
from jobs.learn_head import OnPhase
from jobs.scene_keeper import SceneKeeper, TooLittle
from jobs.trial.checks import AgainstItself, against_itself, sample_ratio
from jobs.trial.comparing import Difference, Ratio, difference, ratio
from jobs.trial.tally import CHOSEN, FIGURES, Group, Tally, tallied
from visrec.v1 import ranker_pb2

CONTROL = "control"


@dataclass(frozen=True)
class Compared:
    """One variant. `ratios`, `differences` from the control: by figure; of the control there are no differences."""

    name: str
    people: int
    answers: int
    ratios: Mapping[str, Ratio]
    differences: Mapping[str, Difference]


@dataclass(frozen=True)
class Report:
    """`sample_ratio`: its p; None: the experiment is not there any more, so nobody knows the shares. `scarce`: variants
    of too few people, which are not told."""

    scene: str
    experiment: str
    variants: tuple[Compared, ...]
    scarce: tuple[str, ...]
    changed: int
    sample_ratio: float | None
    against_itself: AgainstItself


@dataclass(frozen=True)
class CompareJob:
    """`experiment`: its name; empty: the one that the scene has now."""

    feedback: Feedback
    keeper: SceneKeeper
    experiment: str = ""
    seed: int = 1

    def run(self, begin: OnPhase) -> Report:
        """Raises TooLittle, visrec.scenes.NoScene and VisrecCallError."""
        scene, _ = self.keeper.read()
        name = self.experiment or scene.experiment.name
        if not name:
            raise TooLittle(f"{scene.name} has no experiment; name one that was there before by --name")
        shares = _shares(scene.experiment) if scene.experiment.name == name else None
        tally = tallied(self.feedback.people(begin("events read", None)), name)
        scarce = tuple(sorted(each for each, group in tally.groups.items() if group.people < LEAST_PEOPLE))
        large = {each: group for each, group in sorted(tally.groups.items()) if group.people >= LEAST_PEOPLE}
        if CONTROL not in large or len(large) < 2:
            sizes = ", ".join(f"{each} {told(group.people)}" for each, group in sorted(tally.groups.items())) or "none"
            raise TooLittle(
                f"two groups of {LEAST_PEOPLE} people with answers are needed, {CONTROL} one of them; of {name} there "
                f"are: {sizes}. Answers are counted that are recorded (record_impressions), of people who consent"
            )
        return Report(
            scene.name,
            name,
            tuple(_compared(each, group, large) for each, group in large.items()),
            scarce,
            tally.changed,
            None if shares is None else _sample_ratio(tally, shares),
            self._against_itself(large),
        )

    def _against_itself(self, large: Mapping[str, Group]) -> AgainstItself:
        outcomes, answers = (
            np.concatenate(some) for some in zip(*(each.of(CHOSEN) for each in large.values()), strict=True)
        )
        share = 1 - large[CONTROL].people / len(answers)
        return against_itself(outcomes, answers, share, np.random.default_rng(self.seed))


def _shares(experiment: ranker_pb2.Experiment) -> dict[str, float]:
    shares = {variant.name: variant.share for variant in experiment.variants}
    return {CONTROL: max(0.0, 1.0 - sum(shares.values())), **shares}


def _sample_ratio(tally: Tally, shares: Mapping[str, float]) -> float:
    drawn = {name: share for name, share in shares.items() if share > 0}
    counts = [tally.groups[name].people if name in tally.groups else 0 for name in drawn]
    return sample_ratio(counts, list(drawn.values()))


def _compared(name: str, group: Group, large: Mapping[str, Group]) -> Compared:
    ratios = {figure: ratio(*group.of(figure)) for figure in FIGURES}
    control = large[CONTROL]
    differences = {
        figure: difference(ratios[figure], ratio(*control.of(figure)), len(large) - 1)
        for figure in FIGURES
        if name != CONTROL
    }
    return Compared(name, group.people, sum(group.answers), ratios, differences)
