"""Visits of simulated shoppers, without services: what they are worth and what is clicked."""

from __future__ import annotations

import numpy as np
import pytest

from bench.learning.visits import BY_ACCIDENT, CLICKED, Visit, Visitors
from bench.quality.picture import Picture
from bench.quality.tastes import Shop
from bench.quality.vectors import Vectors
from tests.profile.shoppers import Habits, K, shoppers
from visrec.v1 import common_pb2, indexer_pb2, ranker_pb2

LABELS = ["lamp"] * 30 + ["rug"] * 30


@pytest.fixture
def visitors() -> Visitors:
    pictures = [Picture(f"photo {row}", lambda: b"", {"category": label}, label) for row, label in enumerate(LABELS)]
    shop = Shop("kinds", pictures, LABELS, Vectors(common_pb2.Space(name="visual")))
    return Visitors(
        shop, {f"one {n}": each for n, each in enumerate(shoppers(LABELS, 20, 1, Habits(tastes=(1, 2))))}, 1
    )


def wanted(*rows: int) -> Visit:
    return Visit(None, np.isin(np.arange(20), rows))


def test_what_is_wanted_first_is_worth_most() -> None:
    rest = list(range(10, 18))
    assert wanted(0, 1).ndcg([0, 1, *rest]) == 1
    assert wanted(0, 1).ndcg(rest) == 0
    worths = [wanted(0).ndcg([*rest[:at], 0, *rest[at:]]) for at in range(8)]
    assert worths == sorted(worths, reverse=True)
    assert wanted(*range(15)).ndcg(list(range(K))) == 1


def test_a_visit_with_a_photo_wants_its_kind_and_not_the_photo_itself(visitors: Visitors) -> None:
    for name, shopper in visitors.people.items():
        shown, without = visitors.visits(name, 2)
        assert shown.photo is not None
        assert without.photo is None
        kinds = {LABELS[row] for row in np.flatnonzero(shown.wanted)}
        assert kinds == {LABELS[shown.photo]}
        assert not shown.wanted[shown.photo]
        assert (without.wanted == shopper.wanted).all()
    again = [visit.photo for visit in visitors.visits("one 3", 6)]
    assert [visit.photo for visit in visitors.visits("one 3", 6)] == again


def test_clicks_are_of_what_is_wanted_and_fewer_further_down(visitors: Visitors) -> None:
    rows = [*range(5), *range(30, 35)]
    answer = ranker_pb2.RecommendResponse(recommendation_id="r")
    answer.recommendations.extend(ranker_pb2.Recommendation(item=indexer_pb2.Item(id=f"photo {row}")) for row in rows)
    visit, random, many = Visit(None, np.array(LABELS) == "lamp"), np.random.default_rng(1), 4_000
    clicks = [event for _ in range(many) for event in visitors.clicks("one 1", visit, answer, random)]
    assert {event.recommendation_id for event in clicks} == {"r"}
    found = [sum(event.item_id == f"photo {row}" for event in clicks) / many for row in rows]
    chances = [(CLICKED if rank <= 5 else BY_ACCIDENT) / rank for rank in range(1, 11)]
    assert found == pytest.approx(chances, abs=0.04)
