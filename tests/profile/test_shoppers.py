"""The simulator does what it says it assumes, and tastes find what simulated shoppers want, on photos made of noise."""

from __future__ import annotations

import numpy as np
import pytest

from services.profile.events.event import WEIGHTS, Event, EventType
from services.profile.events.memory import EMPTY
from services.profile.taste.interests import fold
from services.profile.taste.liking import Taste, TasteRules
from services.spaces import Block, Space, canonical
from tests.profile.builders import MIDNIGHT_MS
from tests.profile.shoppers import ACTS, HOURS, Habits, K, Shopper, movers, shoppers

LABELS = [f"kind {row % 10}" for row in range(400)] + ["rare"] * 3 + [""] * 20
SPACE = Space("toy@4444444444444444", (Block("content", 48), Block("colour", 16, 0.3)))
HOUR_MS = 3_600_000


def test_shoppers_are_as_their_habits_say() -> None:
    people = list(shoppers(LABELS, 40, seed=5))
    assert [len(person.tastes) for person in people] == [1, 2, 3, 4] * 10
    for person in people:
        acts = [act for act in person.acts if act.type != "view"]
        assert all(LABELS[act.row] in person.tastes and act.type in ACTS for act in acts)
        assert 4 * len(person.tastes) <= len(acts) <= 8 * len(person.tastes)
        assert len(person.acts) - len(acts) == Habits().strays
        ages = [act.hours_ago for act in person.acts]
        assert ages == sorted(ages, reverse=True)
        assert ages[-1] >= 0
        assert ages[0] <= 30 * HOURS
        assert {LABELS[row] for row in np.flatnonzero(person.wanted)} == set(person.tastes)
        assert not person.wanted[person.rows].any()


def test_a_label_of_few_photos_is_no_taste() -> None:
    assert "rare" not in {taste for person in shoppers(LABELS, 200, seed=6) for taste in person.tastes}


def test_equal_seeds_give_equal_shoppers() -> None:
    once, again, other = (list(shoppers(LABELS, 5, seed)) for seed in (1, 1, 2))
    assert [person.acts for person in once] == [person.acts for person in again] != [person.acts for person in other]


def test_movers_want_the_new_as_natives_do() -> None:
    for mover, native in movers(LABELS, 10, seed=7):
        assert mover.tastes == native.tastes
        assert {act.row for act in native.acts} == {act.row for act in mover.acts if act.hours_ago <= 3}
        assert len(mover.acts) == 40
        assert len(native.acts) == 10
        assert (mover.wanted == native.wanted).all()


def test_recall_counts_of_the_first_ten_what_is_wanted_and_not_touched() -> None:
    person = Shopper(("a",), (), np.arange(40) >= 34)
    assert person.recall(np.arange(40.0)) == 1
    assert person.recall(-np.arange(40.0)) == 0
    (one,) = shoppers(LABELS, 1, seed=8)
    assert one.recall(np.isin(np.arange(len(LABELS)), one.rows).astype(float) * 9 + one.wanted) == 1
    assert K == 10


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    """Photos of a kind lie around a direction of their own. The directions are in a corner with few dimensions, so that
    between two kinds there is often a third, and wide enough that some photos are nearer to another kind."""
    chance = np.random.default_rng(0)
    corner = chance.normal(size=(3, SPACE.dimension))
    centres = {label: chance.normal(size=3) @ corner for label in sorted(set(LABELS))}
    noise = chance.normal(size=(len(LABELS), SPACE.dimension))
    rows = np.stack([centres[label] for label in LABELS]) + 0.8 * noise
    return canonical(SPACE.normalise(rows.astype(np.float32)))


def taste_of(person: Shopper, photos: np.ndarray) -> Taste:
    events = [
        Event(
            str(number),
            EventType[act.type.upper()],
            MIDNIGHT_MS - round(act.hours_ago * HOUR_MS),
            item_id=str(act.row),
            vectors={SPACE.name: photos[act.row]},
        )
        for number, act in enumerate(person.acts)
    ]
    return fold(EMPTY, events, SPACE, TasteRules())


def ranked(taste: Taste, photos: np.ndarray) -> np.ndarray:
    weights = np.array([interest.weight for interest in taste.interests])
    queries = np.stack([interest.vector for interest in taste.interests]).astype(np.float32)
    scores = photos.astype(np.float32) @ SPACE.weigh(queries, SPACE.weights(taste.block_weights)).T
    return np.asarray((scores * (weights / weights.max()) ** 0.1).max(axis=1))


def test_several_interests_find_more_than_one_mean(photos: np.ndarray) -> None:
    recalls = {1: [[], []], 2: [[], []], 3: [[], []], 4: [[], []]}  # type: dict[int, list[list[float]]]
    for person in shoppers(LABELS, 120, seed=1):
        weights = np.array([WEIGHTS[EventType[act.type.upper()]] for act in person.acts])
        mean = SPACE.normalise((weights @ photos[[act.row for act in person.acts]]).astype(np.float32))
        scores = photos.astype(np.float32) @ SPACE.weigh(mean, SPACE.default_weights)
        for side, found in enumerate((scores, ranked(taste_of(person, photos), photos))):
            recalls[len(person.tastes)][side].append(person.recall(found))
    ratios = {count: np.mean(taste) / np.mean(mean) for count, (mean, taste) in recalls.items()}
    assert ratios[1] >= 0.98
    assert (ratios[3] + ratios[4]) / 2 >= 1.25


def test_a_new_taste_leads_within_ten_acts(photos: np.ndarray) -> None:
    leads = []
    for mover, native in movers(LABELS, 30, seed=1):
        new = {str(act.row) for act in native.acts}
        leads.append(taste_of(mover, photos).interests[0].sources[0].item_id in new)
    assert np.mean(leads) >= 0.9
