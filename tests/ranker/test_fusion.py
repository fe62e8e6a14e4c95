"""Fusion as properties: exact sums, prefixes, no dependence on the order or the company of candidates, monotony."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ranker.fusion import Candidates, Query, Ranked, fuse
from services.ranker.material import rescaled
from services.ranker.scenes import PHOTO, POPULARITY, SEEDS, SIGNALS, TASTE

BLOCKS = ("content", "colour")
QUERIES = (
    Query(PHOTO, "photo"),
    Query(SEEDS, "seed-1", 1.0),
    Query(SEEDS, "seed-2", -0.5),
    Query(TASTE, "interest-1", 0.7),
    Query(TASTE, "interest-2", 0.3),
)

values = st.floats(-1, 1).map(lambda value: round(value, 3))


@st.composite
def candidates(draw: st.DrawFn, least: int = 1) -> Candidates:
    ids = draw(st.lists(st.text("abcdef", min_size=1, max_size=3), unique=True, min_size=least, max_size=12))
    count = len(ids) * len(QUERIES) * len(BLOCKS)
    parts = np.array(draw(st.lists(values, min_size=count, max_size=count)), dtype=np.float64)
    popularity = np.array(draw(st.lists(st.floats(0, 1e6), min_size=len(ids), max_size=len(ids))))
    return Candidates(ids, QUERIES, BLOCKS, parts.reshape(len(ids), len(QUERIES), len(BLOCKS)), popularity)


weights = st.dictionaries(st.sampled_from(SIGNALS), st.floats(0.01, 1), min_size=1).map(rescaled)


def chosen(given_candidates: Candidates, rows: list[int]) -> Candidates:
    """The same candidates in another order, or fewer of them."""
    return replace(
        given_candidates,
        ids=[given_candidates.ids[row] for row in rows],
        parts=given_candidates.parts[rows],
        popularity=given_candidates.popularity[rows],
    )


def everything(given_candidates: Candidates, given_weights: dict[str, float]) -> list[Ranked]:
    return fuse(given_candidates, given_weights, len(given_candidates.ids))


@given(candidates(), weights)
def test_a_score_is_exactly_the_sum_of_its_parts(found: Candidates, given_weights: dict[str, float]) -> None:
    """Not nearly: added up in their order in double precision, to the last bit."""
    for ranked in everything(found, given_weights):
        total = 0.0
        for part in ranked.parts:
            assert part.contribution == part.weight * part.value
            total += part.contribution
        assert total == ranked.score


@given(candidates(), weights, st.data())
def test_the_order_in_which_candidates_come_does_not_matter(
    found: Candidates, given_weights: dict[str, float], data: st.DataObject
) -> None:
    rows = data.draw(st.permutations(range(len(found.ids))))
    assert everything(chosen(found, rows), given_weights) == everything(found, given_weights)


@given(candidates(least=2), weights)
def test_the_top_n_is_a_prefix_of_the_top_n_plus_one(found: Candidates, given_weights: dict[str, float]) -> None:
    whole = everything(found, given_weights)
    for n in range(1, len(found.ids)):
        assert fuse(found, given_weights, n) == whole[:n]


@given(candidates(least=2), weights, st.data())
def test_a_score_does_not_depend_on_who_else_was_found(
    found: Candidates, given_weights: dict[str, float], data: st.DataObject
) -> None:
    row = data.draw(st.integers(0, len(found.ids) - 1))
    alone = everything(chosen(found, [row]), given_weights)[0]
    assert alone in everything(found, given_weights)


@given(candidates(), weights)
def test_nothing_is_there_twice_and_the_best_come_first(found: Candidates, given_weights: dict[str, float]) -> None:
    ranked = everything(found, given_weights)
    assert sorted(item.item_id for item in ranked) == sorted(found.ids)
    assert [item.score for item in ranked] == sorted((item.score for item in ranked), reverse=True)


@given(candidates(), weights, st.data())
def test_what_speaks_more_for_an_item_never_lowers_it(
    found: Candidates, given_weights: dict[str, float], data: st.DataObject
) -> None:
    """Raising one part of the photo, an interest or a positive seed, or the popularity, never lowers the score."""
    row = data.draw(st.integers(0, len(found.ids) - 1))
    query = data.draw(st.sampled_from([None, 0, 1, 3, 4]))
    parts, popularity = found.parts.copy(), found.popularity.copy()
    if query is None:
        popularity[row] = popularity[row] * 2 + 1
    else:
        parts[row, query, data.draw(st.integers(0, 1))] += 0.25
    raised = replace(found, parts=parts, popularity=popularity)
    before = {item.item_id: item.score for item in everything(found, given_weights)}
    after = {item.item_id: item.score for item in everything(raised, given_weights)}
    assert after[found.ids[row]] >= before[found.ids[row]] - 1e-12
    assert all(after[other] == before[other] for other in found.ids if other != found.ids[row])


def one(parts: list[list[float]], popularity: float = 0.0) -> Candidates:
    return Candidates(["a"], QUERIES, BLOCKS, np.array([parts]), np.array([popularity]))


def test_the_loudest_interest_speaks_alone() -> None:
    """Interests are alternatives: an item close to one of them is not punished for being far from the others."""
    found = one([[0, 0], [0, 0], [0, 0], [-0.4, -0.1], [0.5, 0.2]])
    (item,) = fuse(found, {TASTE: 1.0}, 1)
    assert {part.query for part in item.parts} == {"interest-2"}
    assert item.score == pytest.approx((0.3 / 0.7) ** 0.1 * 0.7)


def test_a_negative_seed_pushes_away() -> None:
    found = one([[0, 0], [0.6, 0.0], [0.9, 0.0], [0, 0], [0, 0]])
    (item,) = fuse(found, {SEEDS: 1.0}, 1)
    assert item.score == pytest.approx(0.6 / 1.5 - 0.9 * 0.5 / 1.5)


def test_popularity_saturates() -> None:
    scores = [fuse(one([[0, 0]] * 5, count), {POPULARITY: 1.0}, 1)[0].score for count in (0, 10, 1e9)]
    assert scores == [0.0, 0.5, pytest.approx(1.0)]


def test_equal_scores_are_ordered_by_id() -> None:
    found = Candidates(["b", "a", "c"], (), (), np.zeros((3, 0, 0)), np.ones(3))
    assert [item.item_id for item in fuse(found, {POPULARITY: 1.0}, 3)] == ["a", "b", "c"]


def test_no_candidates_give_no_answer() -> None:
    found = Candidates([], QUERIES, BLOCKS, np.zeros((0, 5, 2)), np.zeros(0))
    assert fuse(found, {PHOTO: 0.5, TASTE: 0.5}, 10) == []
