"""How much each block matters to a person: who agrees with themselves in a block more than people do gives it more."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.profile.taste.block_weights import INDIFFERENT, MOST_ODDS, STEEPNESS, agreement, block_weights
from services.profile.taste.groups import Group
from services.profile.taste.liking import TasteRules
from services.spaces import Block, Space

SPACE = Space("toy@2222222222222222", (Block("content", 16), Block("colour", 16, 0.3), Block("style", 4, 0.0)))
RULES = TasteRules()
BY_DEFAULT = 0.3 / 1.3


def item(content: int, colour: int, mass: float = 2.0) -> Group:
    vector = np.zeros(36)
    vector[[content, 16 + colour, 32]] = 1
    return Group(mass, 1.0, mass * vector, ())


def weights(items: Iterable[Group]) -> dict[str, float]:
    return dict(block_weights(list(items), SPACE, RULES))


def test_who_likes_one_colour_or_two_gives_it_more_weight() -> None:
    for colours in (1, 2):
        found = weights(item(n, n % colours) for n in range(8))
        assert found["colour"] > 0.4
        assert sum(found.values()) == pytest.approx(1)


def test_who_likes_any_colour_gives_it_less() -> None:
    assert 0 < weights(item(0, n) for n in range(8))["colour"] < 0.15


def test_few_items_change_little() -> None:
    steps = [weights(item(n, 0) for n in range(count))["colour"] for count in (2, 3, 6)]
    assert steps == sorted(steps)
    assert steps[0] > BY_DEFAULT


def test_what_is_disliked_and_a_single_item_say_nothing() -> None:
    assert weights([]) == {}
    assert weights([item(0, 0), item(1, 0, mass=-3.0)]) == {}


def test_a_block_that_does_not_count_still_does_not() -> None:
    assert weights(item(n, 0) for n in range(8))["style"] == 0


def test_a_space_without_colour_has_no_preferences() -> None:
    plain = Space("toy@3333333333333333", (Block("content", 36),))
    assert block_weights([item(0, 0), item(1, 0)], plain, RULES) == {}


def test_a_stray_view_hardly_counts() -> None:
    liked = [item(n, 0, mass=3.0) for n in range(6)]
    assert weights([*liked, item(9, 9, mass=0.5)])["colour"] == pytest.approx(weights(liked)["colour"], abs=0.1)


@given(st.integers(0, 1000), st.integers(2, 12))
def test_agreement_is_the_mean_likeness_to_the_nearer_half(seed: int, count: int) -> None:
    """By its definition, for items of equal mass."""
    vectors = np.random.default_rng(seed).normal(size=(count, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    means = []
    for row in range(count):
        alike = sorted((vectors[row] @ vectors[other] for other in range(count) if other != row), reverse=True)
        half = (count - 1) / 2
        whole, rest = int(half), half - int(half)
        means.append((sum(alike[:whole]) + (rest * alike[whole] if rest else 0)) / half)
    assert agreement(vectors, np.full(count, 2.0)) == pytest.approx(np.mean(means))


def test_odds_follow_the_formula_and_end_at_eight() -> None:
    of_two, of_eight = (weights(item(n, 0) for n in range(count))["colour"] for count in (2, 8))
    odds = np.exp(STEEPNESS * 2 / (2 + RULES.prior_blocks) * (1 - INDIFFERENT["colour"]))
    assert of_two == pytest.approx(0.3 * odds / (1 + 0.3 * odds))
    assert of_eight == pytest.approx(0.3 * MOST_ODDS / (1 + 0.3 * MOST_ODDS))
