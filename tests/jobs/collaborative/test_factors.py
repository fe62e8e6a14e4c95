"""From acts to rows of items and places of people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.collaborative.acts import Acts, Gathering, Named
from jobs.collaborative.factors import FOLD_REGULARISATION, Recipe, fold, learned, placed, whitened, with_slack
from services.profile.collaborative import placing
from services.profile.collaborative.factors import RECENT
from services.spaces import Block, Space, canonical

RECIPE = Recipe(factors=8, regularisation=1.0)
SPACE = Space("factors@0123456789abcdef", (Block(placing.SLACKED, 9),))


def two_kinds(seed: int = 1) -> Named:
    """People of two kinds, each of whom likes ten of the twenty items of theirs; `left` likes nothing but dislikes."""
    chance = np.random.default_rng(seed)
    found = Gathering()
    for person in range(40):
        for turn, item in enumerate(chance.permutation(20)[:10]):
            found.add(f"person-{person:02}", f"item-{2 * item + person % 2:02}", 2.0, float(turn))
    found.add("left", "item-00", -3.0, 0.0)
    return found.named()


def test_people_are_near_what_their_kind_likes() -> None:
    named = two_kinds()
    rows = learned(named.acts, RECIPE)
    said = placed(named.acts, rows, RECIPE) @ rows.T

    even = np.array([int(name.removeprefix("item-")) % 2 == 0 for name in named.items])
    for person, name in enumerate(named.people):
        if name != "left":
            own = even if int(name.removeprefix("person-")) % 2 == 0 else ~even
            assert said[person, own].mean() > said[person, ~own].mean() + 0.1


def test_rows_and_places_have_unit_norm_and_who_likes_nothing_is_nowhere() -> None:
    named = two_kinds()
    rows = learned(named.acts, RECIPE)
    places = placed(named.acts, rows, RECIPE)

    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-6)
    assert not places[named.people.index("left")].any()
    assert not places[:, -1].any()
    others = np.delete(places, named.people.index("left"), axis=0)
    np.testing.assert_allclose(np.linalg.norm(others, axis=1), 1.0, atol=1e-5)


def test_the_same_acts_give_the_same_rows_in_whatever_order_they_were_read() -> None:
    named = two_kinds()
    again = Gathering()
    acts = named.acts
    for at in np.random.default_rng(2).permutation(len(acts.people)):
        again.add(
            named.people[acts.people[at]], named.items[acts.items[at]], float(acts.clicks[at]), float(acts.times[at])
        )
    other = again.named()

    assert (other.people, other.items) == (named.people, named.items)
    np.testing.assert_array_equal(learned(other.acts, RECIPE), learned(acts, RECIPE))


def test_an_item_that_nobody_likes_has_slack_alone() -> None:
    named = two_kinds()
    acts = replace(named.acts, clicks=np.where(named.acts.items == 3, -1.0, named.acts.clicks).astype(np.float32))

    assert learned(acts, RECIPE)[3].tolist() == [*[0.0] * 8, 1.0]


@given(seed=st.integers(0, 1000))
def test_slack_keeps_the_order_of_products(seed: int) -> None:
    """Somebody without slack has the products of before, all by one factor."""
    chance = np.random.default_rng(seed)
    rows, person = chance.normal(size=(30, 8)), chance.normal(size=8)

    said = with_slack(rows) @ np.append(person, 0.0)

    np.testing.assert_allclose(said * np.linalg.norm(rows, axis=1).max(), rows @ person, atol=1e-5)


@given(seed=st.integers(0, 1000), regularisation=st.floats(0.1, 10))
def test_a_fold_over_whitened_rows_is_the_solution_over_the_whole_catalogue(seed: int, regularisation: float) -> None:
    """Equation 4 of Hu, Koren and Volinsky, where everything that was left alone pulls, too: of c = 1 + |r| and the
    preferences of what was touched weighed by |r| the scores of all items are those of rows that know nothing of the
    others."""
    chance = np.random.default_rng(seed)
    items, own, clicks = chance.normal(size=(40, 8)), np.arange(5), chance.uniform(0.5, 5, 5)
    rated = items[own]

    gram = items.T @ items + regularisation * np.eye(8)
    whole = np.linalg.solve(gram + (rated * clicks[:, None]).T @ rated, rated.T @ clicks)
    rows = whitened(items, regularisation)
    z = np.linalg.solve(np.eye(8) + (rows[own] * clicks[:, None]).T @ rows[own], rows[own].T @ clicks)

    np.testing.assert_allclose(rows @ z, items @ whole, atol=1e-8)


@settings(max_examples=30)
@given(seed=st.integers(0, 1000))
def test_the_job_and_the_profile_service_place_people_alike(seed: int) -> None:
    chance = np.random.default_rng(seed)
    rows = with_slack(chance.normal(size=(6, 8)))
    clicks = chance.choice([-3.0, 0.5, 1.0, 2.0, 5.0], 6)
    clicks[0] = 2.0

    own = fold(rows[:, :-1].astype(np.float64), clicks)
    other = placing.fold_in([(weight, canonical(row)) for weight, row in zip(clicks, rows, strict=True)], SPACE)

    assert other is not None
    np.testing.assert_allclose(other.vector[:-1], own, atol=5e-3)
    assert (FOLD_REGULARISATION, Recipe().recent) == (placing.REGULARISATION, RECENT)


def test_turns_count_what_the_same_person_did_later() -> None:
    acts = Acts(
        np.array([0, 1, 0, 0], dtype=np.int32),
        np.zeros(4, dtype=np.int32),
        np.ones(4, dtype=np.float32),
        np.array([5.0, 1.0, 1.0, 5.0]),
        2,
        1,
    )

    assert acts.turns.tolist() == [1, 0, 2, 0]


def test_what_was_done_lately_counts_more() -> None:
    rows = with_slack(np.eye(2))
    acts = Acts(
        np.zeros(2, dtype=np.int32),
        np.array([0, 1], dtype=np.int32),
        np.ones(2, dtype=np.float32),
        np.array([1.0, 2.0]),
        1,
        2,
    )

    early, late, _ = placed(acts, rows, Recipe(recent=1.0))[0]
    assert late > early
    early, late, _ = placed(acts, rows, Recipe(recent=float("inf")))[0]
    assert early == late
