"""The job `experiment`: what came of the answers of each variant beside the control, and whether to believe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jobs.discretion import LEAST_PEOPLE, told
from jobs.feedback.reading import Feedback
from jobs.learn_head import OnPhase
from jobs.scene_keeper import SceneKeeper, TooLittle
from jobs.trial.checks import AgainstItself, against_itself, sample_ratio
from jobs.trial.comparing import Difference, Ratio, difference, ratio
from jobs.trial.tally import FIGURES, Group, Tally, tallied
from visrec.v1 import ranker_pb2

CONTROL = "control"


@dataclass(frozen=True)
class Compared:
    """One variant. `ratios`: by figure. `differences` from the control, `checks` of their intervals: by those figures
    of which enough came in both groups; of the control there are none."""

    name: str
    people: int
    answers: int
    ratios: Mapping[str, Ratio]
    differences: Mapping[str, Difference]
    checks: Mapping[str, AgainstItself]

    def trusted(self, figure: str) -> Difference | None:
        """The difference, if its interval means anything."""
        is_known = figure in self.differences and not self.checks[figure].is_too_often
        return self.differences[figure] if is_known else None


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

    @property
    def others(self) -> tuple[Compared, ...]:
        """All but the control."""
        return tuple(each for each in self.variants if each.name != CONTROL)


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
        tally = tallied(self.feedback.people(begin("events read", None)), scene.name, name)
        scarce = tuple(sorted(each for each, group in tally.groups.items() if group.people < LEAST_PEOPLE))
        large = {each: group for each, group in sorted(tally.groups.items()) if group.people >= LEAST_PEOPLE}
        if CONTROL not in large or len(large) < 2:
            sizes = ", ".join(f"{each} {told(group.people)}" for each, group in sorted(tally.groups.items())) or "none"
            raise TooLittle(
                f"two groups of {LEAST_PEOPLE} people with answers are needed, {CONTROL} one of them; of {name} there "
                f"are: {sizes}. Answers are counted that are recorded (record_impressions), of people who consent, and "
                "old enough to tell what came of them (--newest)"
            )
        random = np.random.default_rng(self.seed)
        return Report(
            scene.name,
            name,
            tuple(compared(each, group, large, random) for each, group in large.items()),
            scarce,
            tally.changed,
            None if shares is None else _sample_ratio(tally, shares),
        )


def _shares(experiment: ranker_pb2.Experiment) -> dict[str, float]:
    shares = {variant.name: variant.share for variant in experiment.variants}
    return {CONTROL: max(0.0, 1.0 - sum(shares.values())), **shares}


def _sample_ratio(tally: Tally, shares: Mapping[str, float]) -> float:
    drawn = {name: share for name, share in shares.items() if share > 0}
    counts = [tally.groups[name].people if name in tally.groups else 0 for name in drawn]
    return sample_ratio(counts, list(drawn.values()))


def compared(name: str, group: Group, large: Mapping[str, Group], random: np.random.Generator) -> Compared:
    """One variant beside the control, of all that are `large` enough to be told."""
    ratios = {figure: ratio(*group.of(figure)) for figure in FIGURES}
    control = large[CONTROL]
    told_of = [figure for figure in FIGURES if name != CONTROL and _is_enough(group, control, figure)]
    differences = {figure: difference(ratios[figure], ratio(*control.of(figure)), len(large) - 1) for figure in told_of}
    checks = _against_itself(group, control, told_of, random)
    return Compared(name, group.people, sum(group.answers), ratios, differences, checks)


def _is_enough(group: Group, control: Group, figure: str) -> bool:
    """Whether something would have come of enough people of both groups, were they alike. An interval of a few says
    nothing: a group without an outcome has no variance at all. Were they counted as they came, a variant that keeps
    everybody away could never be told to be worse."""
    came = sum(np.count_nonzero(each.outcomes[figure]) for each in (group, control))
    smaller = min(group.people, control.people) / (group.people + control.people)
    return came * smaller >= LEAST_PEOPLE


def _against_itself(
    group: Group, control: Group, figures: Sequence[str], random: np.random.Generator
) -> Mapping[str, AgainstItself]:
    """People of both, put into groups as large as these."""
    if not figures:
        return {}
    answers = np.array(group.answers + control.answers, dtype=np.float64)
    outcomes = np.array([group.outcomes[figure] + control.outcomes[figure] for figure in figures], dtype=np.float64).T
    found = against_itself(outcomes, answers, group.people / len(answers), random)
    return dict(zip(figures, found, strict=True))
