"""Nobody judges what was learned from them, and nothing is better that is so by an assumption."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from jobs.learn_weights import LEAST
from jobs.weighing.crossing import Part, Verdicts, Way, crossed, dealt, verdicts
from jobs.weighing.learner import PRIOR
from jobs.weighing.lists import Lists
from tests.jobs.onlookers import PRESENT, World

FOLDS = 5
BEST = {"taste": 0.333, "collaborative": 0.657, "popularity": 0.01}
"""What people of a World want, so that there is nothing to find."""


def judged(lists: Lists, present: Mapping[str, float], eta: float | None = None) -> tuple[Sequence[Part], Verdicts]:
    parts = crossed(lists, present, Way(PRIOR, eta), dealt(lists.people, FOLDS, 1), lambda _: None)
    found = verdicts(parts, 1)
    assert found is not None
    return parts, found


def runs(world: World, people: int, many: int) -> list[Lists]:
    return [world.shown(people, seed, weights=BEST) for seed in range(many)]


def test_a_page_that_is_seen_at_once_makes_nothing_better_that_is_not() -> None:
    """Of some 200 outcomes eta is open. Whoever takes it to be 1 learns that what stood below is better, and agrees."""
    stated, found = [], []
    for lists in runs(World(eta=0.0, shy=-6.0), 40, 12):
        parts, by_range = judged(lists, BEST)
        assert all(part.looked.error is None for part in parts)
        found.append(by_range.is_better)
        stated.append(judged(lists, BEST, 1.0)[1])
    assert sum(each.found.is_better for each in stated) >= 3
    assert not any(each.is_better for each in stated)
    assert not any(found)


def tell(what: str, world: World, people: int, present: Mapping[str, float]) -> int:
    """How many of forty runs are better; prints it beside those that are so by eta = 1 alone, and what is true."""
    lists = [world.shown(people, seed, weights=present) for seed in range(40)]
    lists = [each for each in lists if each.with_choice >= LEAST]
    found = [judged(each, present)[1].is_better for each in lists]
    trusting = [each for each in lists if judged(each, present, 1.0)[1].found.is_better]
    now = world.worth(present, 99)
    gains = [world.worth(Way(PRIOR, 1.0).learned(each, present)[0].weights, 99) - now for each in trusting]
    outcomes = np.mean([each.chosen.sum() for each in lists])
    print(  # noqa: T201 - what the README tells
        f"\n{what}, eta {world.eta}, {outcomes:.0f} outcomes: {sum(found)} of {len(found)} are better; by eta = 1 "
        f"alone {len(gains)}, truly by {np.mean(gains or [0]):+.3f}"
    )
    return sum(found)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("eta", "people", "shy"), [(0.0, 40, -6.0), (0.3, 50, -6.0), (0.5, 60, -5.8), (1.0, 80, -5.5), (1.5, 110, -5.3)]
)
def test_nothing_is_better_where_there_is_nothing_to_find(eta: float, people: int, shy: float) -> None:
    assert tell("nothing to find", World(eta=eta, shy=shy), people, BEST) <= 2


@pytest.mark.soak
@pytest.mark.parametrize(("people", "least"), [(80, 0), (180, 10), (450, 38)])
def test_what_is_better_is_found_when_there_are_outcomes_enough(people: int, least: int) -> None:
    assert tell("something to find", World(eta=1.0, shy=-5.3), people, PRESENT) >= least


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_of_a_thousand_outcomes_what_is_better_is_found(eta: float) -> None:
    lists = World(eta=eta, shy=-6.0 if eta == 0 else -5.0).shown(200 if eta == 0 else 400, 3)
    parts, found = judged(lists, PRESENT)
    assert all(part.looked.error is not None for part in parts)
    assert found.is_better


@pytest.mark.parametrize("number", [0, 3])
def test_what_a_part_chose_changes_nothing_that_it_judges(number: int) -> None:
    lists = World(shy=-3.0).shown(200, 4)
    judges = dealt(lists.people, FOLDS, 1) == number
    theirs = judges[lists.person][lists.answer]
    other = Lists(**{**vars(lists), "chosen": lists.chosen ^ (theirs & (lists.ranks > 5))})
    before, after = (judged(each, PRESENT)[0] for each in (lists, other))
    for at, (one, two) in enumerate(zip(before, after, strict=True)):
        is_same = (one.learned, one.looked) == (two.learned, two.looked)
        assert is_same == (at == number)
    assert not np.array_equal(before[number].worths[0].wanted, after[number].worths[0].wanted)


def test_parts_are_even_and_the_same_again() -> None:
    found = dealt(103, FOLDS, 7)
    assert np.array_equal(found, dealt(103, FOLDS, 7))
    assert sorted(np.bincount(found)) == [20, 20, 21, 21, 21]


@pytest.mark.soak
def test_as_many_people_as_a_job_takes_fit_into_memory() -> None:
    """All with as many impressions as are kept of a person, and seven signals, as there are at most."""
    lists = World(shy=-5.0).shown(10_000, 1, answers=20)
    more = np.random.default_rng(2).random((len(lists.values), 4))
    signals = (*lists.signals, "photo", "seeds", "segment", "session")
    lists = replace(lists, signals=signals, values=np.hstack([lists.values, more]))
    tracemalloc.start()
    try:
        judged(lists, dict.fromkeys(signals, 1.0))
        Way(PRIOR).learned(lists, dict.fromkeys(signals, 1.0))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    print(f"\n{lists.people:,} people, {len(lists.values):,} places: {peak / 1e9:.1f} GB")  # noqa: T201 - for the README
    assert peak < 3e9
