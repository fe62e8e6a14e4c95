"""Features: unit norms, hashing that is the same everywhere, likeness of those who are alike."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.profile.events.event import WEIGHTS, Event, EventType
from services.profile.people.person import Attributes, Gender, Location
from services.profile.segments.behaviour import behaviour
from services.profile.segments.features import HASHED, Recipe, facts, features, hashed
from services.spaces import Float32
from tests.profile.builders import DAY_MS, MIDNIGHT_MS, OTHER_SPACE, SPACE, event, near
from tests.profile.strategies import ATTRIBUTES

RECIPE = Recipe(SPACE)
UNKNOWN = Attributes()

WORDS = st.dictionaries(st.text(max_size=12), st.floats(0.01, 10), max_size=20)
ACTS = st.lists(
    st.builds(
        Event,
        event_id=st.integers(0, 1000).map(str),
        type=st.sampled_from([EventType.VIEW, EventType.LIKE, EventType.DISLIKE]),
        time_ms=st.integers(MIDNIGHT_MS - 90 * DAY_MS, MIDNIGHT_MS),
        item_id=st.sampled_from(["a", "b", "c"]),
        category=st.sampled_from(["", "chair", "lamp"]),
        tags=st.lists(st.sampled_from(["oak", "brass"]), max_size=2, unique=True).map(tuple),
        vectors=st.just({}) | st.integers(0, 3).map(lambda direction: {SPACE.name: near(direction)}),
    ),
    max_size=12,
    unique_by=lambda act: act.event_id,
)


def liked(direction: int, type_: EventType = EventType.LIKE, **changes: Any) -> Event:
    return event(type_, vectors={SPACE.name: near(direction)}, **changes)


def encoded(attributes: Attributes = UNKNOWN, acts: list[Event] | None = None) -> Float32:
    return features(attributes, behaviour(acts or [], [], SPACE, 30.0), RECIPE)


@given(ATTRIBUTES, ACTS)
def test_features_are_of_unit_norm_or_nothing(attributes: Attributes, acts: list[Event]) -> None:
    vector = encoded(attributes, acts)
    assert vector.shape == (RECIPE.space.dimension,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5) or not vector.any()


def test_of_nobody_nothing_is_known() -> None:
    assert not encoded().any()


@given(ATTRIBUTES, ACTS, st.randoms(use_true_random=False))
def test_the_order_of_acts_does_not_matter(attributes: Attributes, acts: list[Event], chance: random.Random) -> None:
    mixed = chance.sample(acts, len(acts))
    np.testing.assert_allclose(encoded(attributes, mixed), encoded(attributes, acts), atol=1e-6)


def test_hashing_is_the_same_for_ever() -> None:
    """These numbers are in stored centres: when they change, REVISION of the features must."""
    vector = hashed({"age:25-34": 1.0, "country:PT": 2.0, "tag:éclair": -1.0}, 16)
    assert {place: round(float(value) * 6**0.5, 4) for place, value in enumerate(vector) if value} == {
        2: -1.0,
        12: 2.0,
        14: -1.0,
    }


@given(WORDS, st.integers(1, 128))
def test_hashed_words_are_of_unit_norm_whatever_their_order(words: dict[str, float], size: int) -> None:
    vector = hashed(words, size)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5) or not vector.any()
    np.testing.assert_array_equal(hashed(dict(reversed(words.items())), size), vector)


def test_hashing_keeps_inner_products_on_average() -> None:
    """Sets of words with nothing in common are at right angles, give or take their accidents (Weinberger et al.)."""
    products = [
        float(
            hashed({f"a{n}-{word}": 1.0 for word in range(8)}, HASHED)
            @ hashed({f"b{n}-{word}": 1.0 for word in range(8)}, HASHED)
        )
        for n in range(500)
    ]
    assert abs(np.mean(products)) < 0.02


def test_those_of_neighbouring_ages_are_more_alike() -> None:
    young, nearly, old = (encoded(Attributes(age=age)) for age in (24, 25, 66))
    assert young @ nearly > 0.5
    assert abs(young @ old) < 0.3


def test_taste_weighs_more_than_facts() -> None:
    anna = encoded(Attributes(age=30, gender=Gender.FEMALE), [liked(0)])
    same_taste = encoded(Attributes(age=70, gender=Gender.MALE), [liked(0)])
    same_facts = encoded(Attributes(age=30, gender=Gender.FEMALE), [liked(1)])
    assert anna @ same_taste > anna @ same_facts


def test_facts_are_words() -> None:
    attributes = Attributes(
        age=31,
        gender=Gender.FEMALE,
        location=Location("PT", "", "Porto"),
        interests=("Minimalism ", "minimalism", ""),
        other={"newsletter": True, "size": 40.0, "likes": ("oak", "x" * 33), "zero": 0.0},
    )
    assert facts(attributes) == [
        "age:25-34",
        "city:Porto, PT",
        "country:PT",
        "gender:female",
        "interest:minimalism",
        "likes:oak",
        "newsletter:yes",
        "size:2^5",
        "zero:0",
    ]


@pytest.mark.parametrize(("age", "band"), [(0, "0-17"), (17, "0-17"), (18, "18-24"), (64, "55-64"), (120, "65+")])
def test_ages_are_told_in_bands(age: int, band: str) -> None:
    assert facts(Attributes(age=age)) == [f"age:{band}"]


def test_another_space_of_items_makes_another_space_of_people() -> None:
    assert Recipe(OTHER_SPACE).space.name != RECIPE.space.name == Recipe(SPACE).space.name
    assert Recipe(SPACE, half_life_days=7).space.name != RECIPE.space.name


def test_shares_add_up_and_fade() -> None:
    old = event(time_ms=MIDNIGHT_MS - 30 * DAY_MS, category="chair", tags=("oak",), item="old")
    known = behaviour([old, event(category="lamp", item="new")], [], SPACE, half_life_days=30.0)
    assert known.categories == {"lamp": pytest.approx(2 / 3), "chair": pytest.approx(1 / 3)}
    assert known.tags == {"oak": 1.0}
    assert list(known.items) == ["new", "old"]


def test_a_dislike_turns_the_taste_away_and_is_in_no_share_but_that_of_types() -> None:
    known = behaviour([liked(0), liked(1, type_=EventType.DISLIKE, category="lamp")], [], SPACE, 30.0)
    assert known.taste @ near(0).astype(np.float32) > 0 > known.taste @ near(1).astype(np.float32)
    assert not known.categories
    assert known.types == {"dislike": 0.5, "like": 0.5}


def test_what_is_remembered_counts_for_the_taste() -> None:
    known = behaviour([], [(3.0, near(2))], SPACE, 30.0)
    np.testing.assert_allclose(known.taste, near(2).astype(np.float32), atol=1e-3)


def test_what_is_remembered_has_faded_as_if_it_were_still_there_one_by_one() -> None:
    old = [liked(0, item=f"old-{n}", time_ms=MIDNIGHT_MS - 90 * DAY_MS) for n in range(4)]
    new = [liked(1, item=f"new-{n}") for n in range(2)]
    whole = behaviour([*old, *new], [], SPACE, 30.0)
    memory = [(4 * WEIGHTS[EventType.LIKE], near(0))]
    split = behaviour(new, memory, SPACE, 30.0, until_ms=old[0].time_ms)
    np.testing.assert_allclose(split.taste, whole.taste, atol=1e-5)


def test_only_what_counts_for_a_taste_counts_here() -> None:
    like, click = liked(0, item="coat", category="chair"), liked(1, EventType.CLICK, item="lamp", category="lamp")
    changed = liked(0, EventType.DISLIKE, item="coat", category="chair", time_ms=MIDNIGHT_MS - DAY_MS)
    twice = liked(1, EventType.CLICK, item="lamp", category="lamp", time_ms=MIDNIGHT_MS - 1)
    untidy, tidy = (behaviour(acts, [], SPACE, 30.0) for acts in ([changed, like, twice, click], [like, click]))
    assert untidy.types == pytest.approx(tidy.types)
    assert untidy.categories == pytest.approx(tidy.categories)
    np.testing.assert_allclose(untidy.taste, tidy.taste, atol=1e-6)
