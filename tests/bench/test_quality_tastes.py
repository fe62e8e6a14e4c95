"""The arithmetic around simulated shoppers, apart from the services."""

from __future__ import annotations

import numpy as np
import pytest

from bench.quality.picture import Picture
from bench.quality.tastes import HALF_LIFE_HOURS, Shop, colours, kinds, ranked
from bench.quality.vectors import Vectors
from tests.profile.shoppers import Act, Shopper
from visrec.v1 import common_pb2, profile_pb2
from visrec.vectors import Vector

SPACE = common_pb2.Space(
    name="s",
    blocks=[
        common_pb2.Block(name="content", dimension=2, default_weight=1),
        common_pb2.Block(name="colour", dimension=2, default_weight=0.25),
    ],
)
PLACES = {"shop/a": (1, 0, 1, 0), "shop/b": (0, 1, 1, 0), "other/c": (0, 1, 0, 1)}
LABELS = {"shop/a": {"category": "x", "colour": "red"}, "shop/b": {"category": "y"}, "other/c": {"category": "x"}}
VECTORS = Vectors(SPACE, {name: Vector("s", place) for name, place in PLACES.items()})
PICTURES = [Picture(name, bytes, labels, name) for name, labels in LABELS.items()]


@pytest.fixture
def shop() -> Shop:
    return kinds(PICTURES, VECTORS)


def interest(weight: float, *numbers: float) -> profile_pb2.Interest:
    data = np.array(numbers, dtype="<f4").tobytes()
    return profile_pb2.Interest(weight=weight, vector=common_pb2.Vector(space="s", data=data))


def test_a_kind_is_of_one_shop_and_a_colour_is_known_of_some(shop: Shop) -> None:
    assert shop.labels == ["shop: x", "shop: y", "other: x"]
    assert colours(PICTURES, VECTORS).labels == ["red"]


def test_scores_are_weighed_block_by_block(shop: Shop) -> None:
    vector = np.array([1.0, 0, 0, 1])
    np.testing.assert_allclose(shop.scores(vector), [0.8, 0, 0.2])
    np.testing.assert_allclose(shop.scores(vector, {"colour": 2.0}), [0, 0, 1])


def test_the_mean_weighs_acts_by_type_and_age_and_is_of_unit_norm(shop: Shop) -> None:
    acts = (Act(0, "like", HALF_LIFE_HOURS), Act(2, "click", 0.0))
    person = Shopper((), acts, np.zeros(3, dtype=np.bool_))
    np.testing.assert_allclose(shop.mean(person), np.full(4, 0.5**0.5))


def test_the_loudest_interest_speaks_by_the_persons_own_weights(shop: Shop) -> None:
    taste = profile_pb2.Taste(interests=[interest(0.8, 1, 0, 1, 0), interest(0.2, 0, 1, 0, 1)])
    quiet = 0.25**0.1
    np.testing.assert_allclose(ranked(shop, taste), [1, max(0.2, 0.8 * quiet), quiet])
    taste.block_weights["colour"] = 1
    np.testing.assert_allclose(ranked(shop, taste), [1, 1, quiet])
    np.testing.assert_allclose(ranked(shop, taste, own_weights=False), [1, max(0.2, 0.8 * quiet), quiet])
