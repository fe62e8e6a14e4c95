from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.head.gate import LEAST_FIDELITY, Verdict, interval, judge
from jobs.head.groups import Groups
from jobs.head.judging import Exam, K, Marks, View, unit


def exam(seed: int, items: int = 60, queries: int = 20) -> tuple[Exam, View]:
    """Two kinds, features by chance, and another view by chance."""
    chance = np.random.default_rng(seed)
    raw = unit(chance.normal(size=(items, 6)).astype(np.float16))
    other = unit(chance.normal(size=(items, 5)).astype(np.float16))
    groups = Groups.of([range(0, items, 2), range(1, items, 2)], items)
    variants = np.arange(items) // 3
    return Exam(groups, raw, variants, np.arange(queries), np.ones(items, dtype=np.bool_)), View((other,), (1.0,))


@given(st.integers(0, 100))
def test_marks_are_those_of_a_slow_and_simple_count(seed: int) -> None:
    asked, view = exam(seed)
    marks = asked.marks(view)
    scores, raw = view.scores(asked.queries), View((asked.raw,), (1.0,)).scores(asked.queries)
    for row in asked.queries:
        allowed = [other for other in range(60) if other // 3 != row // 3]
        related = [other for other in allowed if other % 2 == row % 2]
        nearest = sorted(allowed, key=lambda other: -scores[row, other])[:K]
        kept = sorted(related, key=lambda other: -scores[row, other])[:K]
        wanted = sorted(related, key=lambda other: -raw[row, other])[:K]
        assert marks.precision[row] == pytest.approx(sum(other % 2 == row % 2 for other in nearest) / K)
        assert marks.fidelity[row] == pytest.approx(len(set(kept) & set(wanted)) / K)


def test_the_features_themselves_are_faithful() -> None:
    asked, view = exam(1)
    assert asked.marks(view, like_raw=View((asked.raw,), (2.0,))).fidelity == pytest.approx(1)


def test_who_has_nothing_related_is_not_asked() -> None:
    asked, view = exam(1)
    alone = Exam(Groups.of([[0, 3, 6], [9, 10], [12, 15]], 60), asked.raw, asked.variants, asked.queries, asked.shelf)
    marks = alone.marks(view)
    assert len(marks.precision) == 5, "9 and 10 are variants of one thing"
    assert ((marks.precision >= 0) & (marks.precision <= 1)).all()
    nothing = Exam(Groups.of([], 60), asked.raw, asked.variants, asked.queries, asked.shelf)
    assert len(nothing.marks(view).precision) == 0


def test_what_is_not_apart_is_not_looked_for() -> None:
    """Across two domains: each item looks in the other one only."""
    asked, view = exam(1)
    domains = np.arange(60) // 30
    marks = replace(asked, apart=domains).marks(view)
    scores = view.scores(asked.queries)
    for row in asked.queries:
        nearest = sorted(range(30, 60), key=lambda other: -scores[row, other])[:K]
        assert marks.precision[row] == pytest.approx(sum(other % 2 == row % 2 for other in nearest) / K)
    assert len(replace(asked, apart=np.zeros(60, dtype=np.intp)).marks(view).precision) == 0


def test_weights_of_zero_do_not_count() -> None:
    asked, view = exam(1)
    both = View((*view.blocks, asked.raw), (1.0, 0.0))
    assert np.array_equal(both.scores(asked.queries), view.scores(asked.queries))


def verdict(gain: float, fidelity: float, queries: int = 200) -> Verdict:
    chance = np.random.default_rng(1)
    old = chance.random(queries)
    noise = chance.normal(0, 0.1, queries)
    return judge(Marks(old, np.full(queries, 0.8)), Marks(old + gain + noise, np.full(queries, fidelity)))


def test_what_is_better_and_faithful_passes() -> None:
    found = verdict(0.1, 0.7)
    assert found.passes
    assert not found.why_not
    assert found.low < 0.1 < found.high


def test_what_may_be_chance_does_not_pass() -> None:
    found = verdict(0.001, 0.9)
    assert not found.passes
    assert "not better beyond chance" in found.why_not


def test_what_forgets_how_things_look_does_not_pass() -> None:
    found = verdict(0.3, LEAST_FIDELITY - 0.01)
    assert not found.passes
    assert "fidelity is 0.590" in found.why_not


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=50))
def test_an_interval_lies_within_what_was_seen(gains: list[float]) -> None:
    low, high = interval(np.array(gains), 1)
    assert min(gains) - 1e-9 <= low <= high <= max(gains) + 1e-9
