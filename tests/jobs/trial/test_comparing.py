"""Two groups of people: whether they differ, and how often chance says so."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.feedback.joining import Act, AnswerShown, Shown, joined
from jobs.feedback.reading import Person
from jobs.trial.checks import AgainstItself, against_itself, sample_ratio
from jobs.trial.comparing import Float64, difference, ratio
from jobs.trial.tally import BOUGHT, CHOSEN, PLACES, tallied
from services.ranker.scenes.experiment import draw

PEOPLE = 10_000


def crowd(people: int, seed: int, lift: float = 1.0) -> tuple[Float64, Float64]:
    """Outcomes and answers: some come often, some hardly, and each has a liking of their own, so that the answers of a
    person are much alike."""
    random = np.random.default_rng(seed)
    answers = 1 + random.poisson(random.gamma(1.0, 4.0, people))
    liking = random.beta(1.0, 6.0, people) * lift
    return random.binomial(answers, np.minimum(liking, 1.0)).astype(np.float64), answers.astype(np.float64)


ALIKE = pytest.mark.parametrize(
    ("people", "draws"), [(2_000, 200), pytest.param(PEOPLE, 1_000, marks=pytest.mark.soak)]
)
"""Groups that are treated alike. The large ones are what the README tells: pytest -m soak tests/jobs/trial -s."""


@ALIKE
def test_two_groups_that_are_treated_alike_differ_in_one_of_twenty_experiments(people: int, draws: int) -> None:
    """Drawn as the ranker draws them, by another experiment each time."""
    outcomes, answers = crowd(people, 1)
    alarms = 0
    for number in range(draws):
        same = np.array([draw(f"a-a-{number}", f"person-{p}") < 0.5 for p in range(people)])
        one, other = (ratio(outcomes[those], answers[those]) for those in (same, ~same))
        alarms += difference(one, other).is_beyond_chance
    tell("drawn by the ranker's hash", alarms, draws)
    assert AgainstItself(alarms, draws).is_nominal


@ALIKE
@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_check_of_a_job_says_the_same(people: int, draws: int, share: float) -> None:
    outcomes, answers = crowd(people, 2)
    (found,) = against_itself(outcomes[:, None], answers, share, np.random.default_rng(3), draws)
    tell(f"redrawn by the job's check, a share of {share}", found.alarms, draws)
    assert found.is_nominal


def test_the_check_says_the_same_of_the_same_people_in_any_order() -> None:
    """A job reads them under pseudonyms of its own, so in another order each time."""
    outcomes, answers = crowd(200, 6)
    order = np.random.default_rng(7).permutation(len(answers))
    one, other = (
        against_itself(outcomes[those][:, None], answers[those], 0.5, np.random.default_rng(8), 200)
        for those in (np.arange(len(answers)), order)
    )
    assert one == other


@ALIKE
def test_answers_taken_for_independent_would_cry_wolf(people: int, draws: int) -> None:
    """As if each answer were somebody's only one: what the clusters are for."""
    outcomes, answers = crowd(people, 4)
    random, alarms = np.random.default_rng(5), 0
    for _ in range(draws):
        half = random.random(people) < 0.5
        rates = [(outcomes[those].sum() / answers[those].sum(), answers[those].sum()) for those in (half, ~half)]
        error = math.sqrt(sum(rate * (1 - rate) / n for rate, n in rates))
        alarms += abs(rates[0][0] - rates[1][0]) > 1.96 * error
    tell("answers taken for independent", alarms, draws)
    assert AgainstItself(alarms, draws).is_too_often


def tell(what: str, alarms: int, draws: int) -> None:
    print(f"\n{what}: {alarms} of {draws} differ")  # noqa: T201 - what the README tells


def test_what_is_better_is_found() -> None:
    control, better = ratio(*crowd(PEOPLE, 6)), ratio(*crowd(PEOPLE, 7, lift=1.15))
    found = difference(better, control)
    assert found.low > 0
    assert found.p < 0.01
    assert difference(better, control, variants=4).low < found.low


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), min_size=2, max_size=30), st.integers(2, 5))
def test_more_of_the_same_people_is_the_same_ratio_and_a_narrower_interval(
    people: list[tuple[int, int]], times: int
) -> None:
    outcomes, answers = (np.array(column, dtype=np.float64) for column in zip(*people, strict=True))
    once, often = ratio(outcomes, answers), ratio(np.tile(outcomes, times), np.tile(answers, times))
    assert often.value == pytest.approx(once.value)
    assert often.variance <= once.variance / times * (1 + 1e-9)


def test_of_nobody_and_of_people_who_are_all_the_same_nothing_is_said_of_chance() -> None:
    one = ratio(np.array([1.0]), np.array([2.0]))
    many = ratio(np.ones(5), np.ones(5))
    for other in (one, many):
        found = difference(many, other)
        assert not found.is_beyond_chance
        assert found.p == 1


@pytest.mark.parametrize(
    ("counts", "shares", "p"),
    [
        # By scipy.stats.chisquare.
        ((5000, 5000), (0.5, 0.5), 1.0),
        ((5100, 4900), (0.5, 0.5), 0.04550026),
        ((520, 480, 1000), (0.25, 0.25, 0.5), 0.4493290),
        ((300, 300, 200, 200), (0.25, 0.25, 0.25, 0.25), 1.0655090e-08),
        ((30, 20, 25, 25, 40, 10), (1 / 6,) * 6, 0.001249731),
        ((210, 190, 205, 195, 200), (0.2,) * 5, 0.8697998),
    ],
)
def test_the_sample_ratio(counts: tuple[int, ...], shares: tuple[float, ...], p: float) -> None:
    assert sample_ratio(counts, shares) == pytest.approx(p, rel=1e-5)


def answer(experiment: str, variant: str, *clicked: str, scene: str = "s") -> AnswerShown:
    showings = [
        Shown(item, 0, f"{experiment}{variant}", rank, scene, experiment, variant) for rank, item in enumerate("abc", 1)
    ]
    kinds = {"a": "purchase"}
    (found,) = joined(showings, [Act(item, 1, kinds.get(item, "click")) for item in clicked], 1)
    return found


def test_people_are_counted_once_in_the_variant_they_had() -> None:
    people = [
        Person("one", [answer("spring", "new", "a", "b"), answer("spring", "new")]),
        Person("two", [answer("spring", "control"), answer("autumn", "new", "a")]),
        Person("both", [answer("spring", "new"), answer("spring", "control", "a")]),
        Person("none", [answer("", "", "a")]),
    ]
    found = tallied(people, "s", "spring")
    assert found.changed == 1
    assert {name: group.people for name, group in found.groups.items()} == {"new": 1, "control": 1}
    new = found.groups["new"]
    assert new.answers == [2]
    assert new.outcomes == {CHOSEN: [1], PLACES: [2], BOUGHT: [1]}
    assert found.groups["control"].outcomes == {CHOSEN: [0], PLACES: [0], BOUGHT: [0]}


def test_an_experiment_of_another_scene_under_the_same_name_is_another_one() -> None:
    theirs = [answer("spring", "new", "a"), answer("spring", "control", "b", scene="elsewhere")]
    found = tallied([Person("one", theirs)], "s", "spring")
    assert found.changed == 0
    assert found.groups["new"].answers == [1]
    assert list(found.groups) == ["new"]
