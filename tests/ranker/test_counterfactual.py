"""Counterfactuals: the change is applied, and the item has moved; just short of it, it has not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.errors import NotFound
from services.ranker.answer import FUSIONS, WEIGHTED_SUM
from services.ranker.finding.candidates import Candidates
from services.ranker.order.placing import Order, placed
from services.ranker.ranking import Ranking
from services.ranker.reasons.counterfactual import Change, counterfactual, is_by_score
from services.ranker.reasons.words import change_text
from services.ranker.scenes.scene import FRESHNESS, POPULARITY
from tests.ranker.given import SPACE, Weights, candidates, found_of, weights


def ranked(found: Candidates, given_weights: Weights, fusion: str) -> Ranking:
    return placed(found, given_weights, Order(fusion), found_of(found), SPACE)


def changed(given_weights: Weights, change: Change, share: float) -> dict[str, float]:
    """The weights with this share of the signal, the others in the same proportions."""
    others = 1 - given_weights[change.signal]
    return {
        signal: share if signal == change.signal else weight * (1 - share) / others
        for signal, weight in given_weights.items()
    }


@settings(max_examples=300)
@given(candidates(least=2, digits=15), weights, st.sampled_from(FUSIONS), st.data())
def test_the_change_moves_the_item_over_the_edge(
    found: Candidates, given_weights: Weights, fusion: str, data: st.DataObject
) -> None:
    ranking = ranked(found, given_weights, fusion)
    n = data.draw(st.integers(1, len(ranking) - 1))
    item_id = data.draw(st.sampled_from(sorted(found.ids)))
    for change in counterfactual(ranking, given_weights, item_id, n):
        assert 0 <= change.weight_needed <= 1
        assert change.leaves == (ranking.row(item_id) < n)
        assert (ranking.row(change.other_item_id) < n) != change.leaves
        after = ranked(found, changed(given_weights, change, change.weight_needed), fusion)
        assert (after.row(item_id) < n) != change.leaves
        assert (after.row(change.other_item_id) < n) == change.leaves
        # Ranks are often equal; and of equals one may be before the other by its id already.
        if fusion == WEIGHTED_SUM and abs(change.weight_needed - change.weight) > 1e-3:
            short = change.weight_needed - np.copysign(1e-4, change.weight_needed - change.weight)
            before = ranked(found, changed(given_weights, change, short), fusion)
            assert (before.row(item_id) < n) == change.leaves, "a smaller change does not do"


TWO = Candidates(["a", "b"], (), {POPULARITY: np.array([0.9, 0.1]), FRESHNESS: np.array([0.2, 0.8])})


def test_two_lines_meet_where_they_must() -> None:
    """a = 0.9 t + 0.2 (1 - t), b = 0.1 t + 0.8 (1 - t): they are equal at t = 3/7."""
    ranking = ranked(TWO, {POPULARITY: 0.6, FRESHNESS: 0.4}, FUSIONS[0])
    first, second = counterfactual(ranking, {POPULARITY: 0.6, FRESHNESS: 0.4}, "a", 1)
    assert (first.leaves, first.other_item_id) == (True, "b")
    assert {first.signal: first.weight_needed, second.signal: second.weight_needed} == {
        POPULARITY: pytest.approx(3 / 7),
        FRESHNESS: pytest.approx(4 / 7),
    }
    (entering, _) = counterfactual(ranking, {POPULARITY: 0.6, FRESHNESS: 0.4}, "b", 1)
    assert (entering.leaves, entering.other_item_id) == (False, "a")


def test_nothing_changes_where_all_fit_or_one_signal_is_all() -> None:
    ranking = ranked(TWO, {POPULARITY: 0.6, FRESHNESS: 0.4}, FUSIONS[0])
    assert counterfactual(ranking, {POPULARITY: 0.6, FRESHNESS: 0.4}, "a", 2) == []
    alone = ranked(TWO, {POPULARITY: 1.0}, FUSIONS[0])
    assert counterfactual(alone, {POPULARITY: 1.0}, "a", 1) == []
    with pytest.raises(NotFound):
        counterfactual(ranking, {POPULARITY: 1.0}, "c", 1)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "If popularity counted 43% of all, not 60%, “b” would take the place of “Lamp” in the top 1"),
        ("zh", "如果热门程度的权重从60%变为43%，“b”将取代“Lamp”进入前1名"),  # noqa: RUF001
    ],
)
def test_a_change_is_told_in_words(language: str, text: str) -> None:
    change = Change(POPULARITY, 0.6, 3 / 7, leaves=True, other_item_id="b")
    assert change_text(change, "a", {"a": "Lamp"}, 1, language) == text


@pytest.mark.parametrize(
    ("language", "start"),
    [("en", "By scores alone, without diversity: if popularity"), ("zh", "仅按得分、不考虑多样性：如果热门程度")],  # noqa: RUF001
)
def test_what_is_not_about_what_was_shown_says_so(language: str, start: str) -> None:
    change = Change(POPULARITY, 0.6, 3 / 7, leaves=True, other_item_id="b")
    assert change_text(change, "a", {}, 1, language, as_shown=False).startswith(start)


def test_with_diversity_a_ranking_is_not_in_the_order_of_its_scores() -> None:
    by_score = ranked(TWO, {POPULARITY: 0.6, FRESHNESS: 0.4}, FUSIONS[0])
    assert is_by_score(by_score)
    assert not is_by_score(replace(by_score, ids=by_score.ids[::-1], scores=by_score.scores[::-1]))
