"""Groups of any size that are treated alike, or not: when the job says that they differ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from jobs.compare_variants import CONTROL, Compared, Report, compared
from jobs.scene_tables import experiment
from jobs.trial.checks import AgainstItself
from jobs.trial.comparing import Difference, Ratio
from jobs.trial.tally import BOUGHT, CHOSEN, FIGURES, Group

TRIALS = 40


def group(people: int, rate: float, random: np.random.Generator) -> Group:
    answers = 1 + random.poisson(3, people)
    came = random.binomial(answers, rate).tolist()
    return Group(answers.tolist(), {CHOSEN: came, FIGURES[1]: came, BOUGHT: [0] * people})


def verdicts(new: tuple[int, float], control: tuple[int, float]) -> list[float]:
    """Of many trials of people and rate of both, what was beyond chance: the difference, or 0."""
    random = np.random.default_rng(1)
    found = []
    for _ in range(TRIALS):
        groups = {CONTROL: group(*control, random), "new": group(*new, random)}
        apart = compared("new", groups["new"], groups, random).trusted(CHOSEN)
        found.append(apart.value if apart and apart.is_beyond_chance else 0.0)
    return found


@pytest.mark.parametrize(("people", "rate"), [(20, 0.02), (20, 0.05), (50, 0.02), (200, 0.01)])
def test_a_small_group_that_is_treated_alike_is_not_worse(people: int, rate: float) -> None:
    """By the interval alone one in ten would be: a group in which nobody chose anything has no variance."""
    assert verdicts((people, rate), (1_000, rate)) == [0.0] * TRIALS


def test_of_what_keeps_everybody_away_it_is_told() -> None:
    found = verdicts((300, 0.0), (300, 0.2))
    assert max(found) <= 0
    assert sum(value < 0 for value in found) >= 0.9 * TRIALS


def test_of_figures_of_which_too_little_came_there_is_no_interval() -> None:
    random = np.random.default_rng(2)
    groups = {CONTROL: group(500, 0.1, random), "new": group(500, 0.1, random)}
    found = compared("new", groups["new"], groups, random)
    assert set(found.differences) == set(found.checks) == {CHOSEN, FIGURES[1]}
    assert found.trusted(BOUGHT) is None


def variant(alarms: int) -> Compared:
    """Better by its interval."""
    ratios = dict.fromkeys(FIGURES, Ratio(0.1, 0.001))
    better: Mapping[str, Difference] = dict.fromkeys(FIGURES, Difference(0.1, 0.05, 0.15, 0.001))
    return Compared(f"new-{alarms}", 100, 500, ratios, better, dict.fromkeys(FIGURES, AgainstItself(alarms, 1_000)))


def told(*alarms: int) -> str:
    control = Compared(CONTROL, 100, 500, dict.fromkeys(FIGURES, Ratio(0.1, 0.001)), {}, {})
    report = Report("shop", "spring", (control, *map(variant, alarms)), (), 0, 0.5)
    return " ".join(piece for piece in experiment(report) if isinstance(piece, str))


def test_what_differs_from_itself_too_often_is_not_better() -> None:
    words = told(200)
    assert "which is too often" in words
    assert "Nothing can be concluded" in words
    assert "Better" not in words


def test_of_several_each_is_asked_by_itself() -> None:
    assert "Better than control, beyond chance: new-50." in told(200, 50)


def test_an_interval_that_is_too_wide_may_be_believed() -> None:
    words = told(10)
    assert "wider than it need be" in words
    assert "Better than control, beyond chance: new-10." in words
