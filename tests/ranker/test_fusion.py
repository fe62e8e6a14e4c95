"""Fusion as properties: exact sums, prefixes, no dependence on the order or the company of candidates, monotony."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ranker.finding.candidates import Candidates, Likeness, Query, decayed, saturated
from services.ranker.order.calibration import IDENTITY, Curves
from services.ranker.order.fusion import best, weighted_sum
from services.ranker.ranking import Part, Ranking
from services.ranker.scenes.scene import PHOTO, POPULARITY, SEEDS, SESSION, TASTE
from tests.ranker.given import QUERIES, REPELLING, candidates, chosen_rows, curves, weights

Weights = Mapping[str, float]


def fused(found: Candidates, given_weights: Weights, n: int | None = None, by: Curves = IDENTITY) -> Ranking:
    table = weighted_sum(found, given_weights, by)
    scores = table.scores()
    return table.ranking(found.ids, best(found.ids, scores, len(found.ids) if n is None else n), scores)


def told(ranking: Ranking) -> list[tuple[str, float, tuple[Part, ...]]]:
    return [(item_id, float(ranking.scores[row]), ranking.parts(row)) for row, item_id in enumerate(ranking.ids)]


@given(candidates(), weights, curves)
def test_a_score_is_exactly_the_sum_of_its_parts(found: Candidates, given_weights: Weights, by: Curves) -> None:
    """Not nearly: added up in their order in double precision, to the last bit; calibrated or not."""
    for _, score, parts in told(fused(found, given_weights, by=by)):
        total = 0.0
        for part in parts:
            assert part.contribution == part.weight * part.value
            total += part.contribution
        assert total == score


@given(candidates(), weights, st.data())
def test_the_order_in_which_candidates_come_does_not_matter(
    found: Candidates, given_weights: Weights, data: st.DataObject
) -> None:
    rows = data.draw(st.permutations(range(len(found.ids))))
    assert told(fused(chosen_rows(found, rows), given_weights)) == told(fused(found, given_weights))


@given(candidates(), weights, st.data())
def test_the_order_of_the_queries_does_not_matter(
    found: Candidates, given_weights: Weights, data: st.DataObject
) -> None:
    """But for the last bits, for sums are rounded in another order; which is why `Material` puts them into one."""
    visual = found.spaces[0]
    of_signals = [[at for at, query in enumerate(QUERIES) if query.signal == s] for s in (PHOTO, SEEDS, SESSION, TASTE)]
    order = [at for some in of_signals for at in data.draw(st.permutations(some))]
    turned = replace(visual, queries=[QUERIES[at] for at in order], parts=visual.parts[:, order])
    other = fused(replace(found, spaces=[turned, found.spaces[1]]), given_weights)
    scores = dict(zip(other.ids, other.scores.tolist(), strict=True))
    assert scores == pytest.approx({item_id: score for item_id, score, _ in told(fused(found, given_weights))})


@given(candidates(least=2), weights)
def test_the_top_n_is_a_prefix_of_the_top_n_plus_one(found: Candidates, given_weights: Weights) -> None:
    whole = told(fused(found, given_weights))
    for n in range(1, len(found.ids)):
        assert told(fused(found, given_weights, n)) == whole[:n]


@given(candidates(least=2), weights, curves, st.data())
def test_a_score_does_not_depend_on_who_else_was_found(
    found: Candidates, given_weights: Weights, by: Curves, data: st.DataObject
) -> None:
    row = data.draw(st.integers(0, len(found.ids) - 1))
    (alone,) = told(fused(chosen_rows(found, [row]), given_weights, by=by))
    assert alone in told(fused(found, given_weights, by=by))


@given(candidates(), weights)
def test_nothing_is_there_twice_and_the_best_come_first(found: Candidates, given_weights: Weights) -> None:
    ranking = fused(found, given_weights)
    assert sorted(ranking.ids) == sorted(found.ids)
    assert list(ranking.scores) == sorted(ranking.scores, reverse=True)


@given(candidates(), weights, curves, st.data())
def test_what_speaks_more_for_an_item_never_lowers_it(
    found: Candidates, given_weights: Weights, by: Curves, data: st.DataObject
) -> None:
    """Raising one part of a query that attracts, or how popular or new it is, never lowers the score, nor the place."""
    row = data.draw(st.integers(0, len(found.ids) - 1))
    query = data.draw(st.sampled_from([None, *(at for at in range(len(QUERIES)) if at not in REPELLING)]))
    if query is None:
        numbers = {signal: values.copy() for signal, values in found.numbers.items()}
        chosen = numbers[data.draw(st.sampled_from(sorted(numbers)))]
        chosen[row] = min(1.0, chosen[row] + 0.25)
        raised = replace(found, numbers=numbers)
    else:
        parts = found.spaces[0].parts.copy()
        parts[row, query, data.draw(st.integers(0, 1))] += 0.25
        raised = replace(found, spaces=[replace(found.spaces[0], parts=parts), found.spaces[1]])
    before, after = fused(found, given_weights, by=by), fused(raised, given_weights, by=by)
    item_id = found.ids[row]
    gain = after.scores[after.row(item_id)] - before.scores[before.row(item_id)]
    assert gain >= -1e-12
    if gain >= 0:
        assert after.row(item_id) <= before.row(item_id)
    others = {i: s for i, s, _ in told(before) if i != item_id}
    assert {i: s for i, s, _ in told(after) if i != item_id} == others


NOTHING = [0.0, 0.0]


def of(**queries: list[float]) -> Candidates:
    """One item, of which these queries say this."""
    parts = [queries.get(query.name.replace("-", "_"), NOTHING) for query in QUERIES]
    return Candidates(["a"], [Likeness(QUERIES, ("content", "colour"), np.array([parts]))])


def test_the_loudest_interest_speaks_alone() -> None:
    """Interests are alternatives: an item close to one of them is not punished for being far from the others."""
    ranking = fused(of(interest_1=[-0.4, -0.1], interest_2=[0.5, 0.2]), {TASTE: 1.0})
    assert {part.query for part in ranking.parts(0)} == {"interest-2"}
    assert ranking.scores[0] == pytest.approx((0.3 / 0.7) ** 0.1 * 0.7)


def test_a_negative_seed_pushes_away() -> None:
    ranking = fused(of(seed_1=[0.6, 0.0], seed_2=[0.9, 0.0]), {SEEDS: 1.0})
    assert ranking.scores[0] == pytest.approx(0.6 / 1.5 - 0.9 * 0.5 / 1.5)


def test_a_session_draws_to_its_loudest_event_and_away_from_what_was_disliked() -> None:
    ranking = fused(of(session_1=[0.6, 0.0], session_2=[0.3, 0.0], session_3=[0.9, 0.0]), {SESSION: 1.0})
    assert ranking.scores[0] == pytest.approx(2 / 3 * 0.6 - 0.3)
    assert {part.query for part in ranking.parts(0)} == {"session-1", "session-2"}


def test_a_rule_has_a_part_of_its_own_where_it_applies() -> None:
    found = Candidates(["a", "b"], (), {POPULARITY: np.array([0.5, 0.5])}, [("rule:own", np.array([0.0, 0.1]))])
    ranking = fused(found, {POPULARITY: 1.0})
    assert ranking.ids == ["b", "a"]
    assert ranking.parts(0)[-1] == Part("rule:own", "", "", 1.0, 0.1, 0.1)
    assert [part.signal for part in ranking.parts(1)] == [POPULARITY]


def test_counts_saturate_and_freshness_halves() -> None:
    assert saturated(np.array([0.0, 10.0, 1e9]), 10.0).tolist() == [0.0, 0.5, pytest.approx(1.0)]
    assert decayed(np.array([100.0, 90.0, 200.0, 0.0]), 100.0, 10.0).tolist() == [1.0, 0.5, 1.0, 0.0]


def test_equal_scores_are_ordered_by_id_also_at_the_edge() -> None:
    found = Candidates(["b", "d", "a", "c"], (), {POPULARITY: np.array([1.0, 1.0, 1.0, 0.0])})
    assert fused(found, {POPULARITY: 1.0}, 2).ids == ["a", "b"]


def test_no_candidates_and_no_signals_give_an_order_all_the_same() -> None:
    none = Candidates([], [Likeness([Query(PHOTO, "photo")], ["content"], np.zeros((0, 1, 1)))])
    assert len(fused(none, {PHOTO: 1.0})) == 0
    assert fused(Candidates(["b", "a"]), {}).ids == ["a", "b"]
