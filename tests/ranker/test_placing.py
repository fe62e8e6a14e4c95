"""Places, as properties over both fusions: prefixes, no order of the candidates, bounds that hold, no near
duplicates."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ranker.answer import FUSIONS, RECIPROCAL_RANK
from services.ranker.finding.candidates import Candidates
from services.ranker.order.diversity import Variety, chosen, directions
from services.ranker.order.placing import Order, placed
from services.ranker.order.reciprocal import ranks
from services.ranker.others.ports import Found
from services.ranker.ranking import Ranking
from services.ranker.scenes.scene import FRESHNESS, POPULARITY
from tests.ranker.fakes import FakeTraits
from tests.ranker.given import SPACE, Weights, candidates, chosen_rows, curves, found_of, kinds, vectors, weights

varieties = st.builds(
    Variety,
    diversity=st.sampled_from([0.0, 0.3, 1.0]),
    duplicate_cosine=st.sampled_from([0.0, 0.9]),
    max_per_category=st.integers(0, 2),
    max_per_group=st.integers(0, 2),
)
orders = st.builds(Order, st.sampled_from(FUSIONS), curves, varieties)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Candidates, Found]:
    found = draw(candidates(least=2))
    n = len(found.ids)
    return found, found_of(found, draw(vectors(n)), draw(kinds(n)))


def reordered(world: tuple[Candidates, Found], rows: list[int]) -> tuple[Candidates, Found]:
    found, beside = world
    assert beside.vectors is not None
    assert beside.traits is not None
    turned = chosen_rows(found, rows)
    return turned, replace(
        beside, ids=turned.ids, vectors=beside.vectors[rows], traits=[beside.traits[row] for row in rows]
    )


def told(ranking: Ranking) -> list[Any]:
    return [(item_id, float(ranking.scores[row]), ranking.parts(row)) for row, item_id in enumerate(ranking.ids)]


@given(worlds(), weights, orders)
def test_scores_are_exact_sums_by_either_fusion(
    world: tuple[Candidates, Found], given_weights: Weights, order: Order
) -> None:
    for _, score, parts in told(placed(world[0], given_weights, order, world[1], SPACE)):
        total = 0.0
        for part in parts:
            total += part.weight * part.value
        assert total == score


@given(worlds(), weights, orders, st.data())
def test_the_order_in_which_candidates_come_does_not_matter(
    world: tuple[Candidates, Found], given_weights: Weights, order: Order, data: st.DataObject
) -> None:
    rows = data.draw(st.permutations(range(len(world[0].ids))))
    turned, beside = reordered(world, rows)
    one, other = (
        placed(world[0], given_weights, order, world[1], SPACE),
        placed(turned, given_weights, order, beside, SPACE),
    )
    assert told(one) == told(other)


@given(worlds(), weights, varieties)
def test_the_top_n_is_a_prefix_of_the_top_n_plus_one(
    world: tuple[Candidates, Found], given_weights: Weights, variety: Variety
) -> None:
    found, beside = world
    assert beside.vectors is not None
    units = directions(beside.vectors, SPACE)
    relevance = np.linspace(1, -1, len(found.ids))
    order = list(range(len(found.ids)))

    def top(n: int) -> list[int]:
        return chosen(order, relevance, variety, n, directions_of=lambda rows: units[list(rows)], traits=beside.traits)

    whole = top(len(order))
    assert len(set(whole)) == len(whole)
    for n in range(len(order)):
        assert top(n) == whole[:n]


@given(worlds(), weights, orders)
def test_bounds_hold_and_nothing_is_there_twice(
    world: tuple[Candidates, Found], given_weights: Weights, order: Order
) -> None:
    found, beside = world
    ranking, variety = placed(found, given_weights, order, beside, SPACE), order.variety
    assert len(set(ranking.ids)) == len(ranking.ids)
    assert set(ranking.ids) <= set(found.ids)
    assert beside.traits is not None
    assert beside.vectors is not None
    traits = dict(zip(found.ids, beside.traits, strict=True))
    for bound, name in ((variety.max_per_category, "category"), (variety.max_per_group, "group_id")):
        counts = Counter(getattr(traits[item_id], name) for item_id in ranking.ids)
        counts.pop("", None)
        assert not bound or all(count <= bound for count in counts.values())
    if variety.duplicate_cosine:
        rows = [list(found.ids).index(item_id) for item_id in ranking.ids]
        units = directions(beside.vectors, SPACE)[rows]
        cosines = units @ units.T - 2 * np.eye(len(units))
        assert (cosines <= variety.duplicate_cosine + 1e-6).all()
    if not variety.any:
        assert sorted(ranking.ids) == sorted(found.ids)


@given(worlds(), weights, st.sampled_from(FUSIONS), st.data())
def test_what_is_more_popular_never_falls(
    world: tuple[Candidates, Found], given_weights: Weights, fusion: str, data: st.DataObject
) -> None:
    found, beside = world
    row = data.draw(st.integers(0, len(found.ids) - 1))
    values = found.numbers[POPULARITY].copy()
    values[row] += 0.5
    raised = replace(found, numbers={**found.numbers, POPULARITY: values})
    order = Order(fusion)
    item_id = found.ids[row]
    before, after = (placed(each, given_weights, order, beside, SPACE).row(item_id) for each in (found, raised))
    assert after <= before


@given(orders)
def test_of_nothing_there_is_nothing_to_place(order: Order) -> None:
    nothing = Found((), (), np.zeros((0, 0, 0)), "")
    assert not placed(Candidates(()), {POPULARITY: 1.0}, order, nothing, SPACE).ids


def test_only_diversity_is_only_diversity() -> None:
    """d = 1: after the best, what is least like it, though it is the worst."""
    units = np.array([[1, 0], [1, 0.1], [0, 1]], np.float32)
    units /= np.linalg.norm(units, axis=1, keepdims=True)

    def places(diversity: float) -> list[int]:
        return chosen(
            [0, 1, 2],
            np.array([0.9, 0.8, 0.1]),
            Variety(diversity),
            3,
            directions_of=lambda rows: units[list(rows)],
        )

    assert places(1.0) == [0, 2, 1]
    assert places(0.1) == [0, 1, 2]
    assert places(0.5) == [0, 2, 1], "0.5 * 0.1 > 0.5 * 0.8 - 0.5 * 0.995"


def test_of_near_duplicates_the_better_one_stays() -> None:
    units = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    variety = Variety(duplicate_cosine=0.9)
    assert chosen([1, 0, 2], np.zeros(3), variety, 3, directions_of=lambda rows: units[list(rows)]) == [1, 2]


def test_ranks_are_shared_by_equals() -> None:
    assert ranks(np.array([0.5, 0.9, 0.5, 0.1])).tolist() == [2, 1, 2, 4]


def test_reciprocal_ranks_as_in_the_paper() -> None:
    """Two signals of equal weight: 1/2 * (1 / (60 + rank) + 1 / (60 + rank)), and a rule on the scale of a first
    place."""
    found = Candidates(
        ["a", "b"],
        (),
        {POPULARITY: np.array([0.9, 0.1]), FRESHNESS: np.array([0.2, 0.3])},
        [("rule:up", np.array([0.0, 0.5]))],
    )
    ranking = placed(
        found,
        {POPULARITY: 0.5, FRESHNESS: 0.5},
        Order(RECIPROCAL_RANK),
        found_of(found, traits=[FakeTraits(), FakeTraits()]),
        SPACE,
    )
    assert ranking.ids == ["b", "a"]
    assert ranking.scores == pytest.approx([0.5 / 62 + 0.5 / 61 + 0.5 / 61, 0.5 / 61 + 0.5 / 62])
    assert [part.signal for part in ranking.parts(0)] == [POPULARITY, FRESHNESS, "rule:up"]
