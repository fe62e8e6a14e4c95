from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.head.groups import Groups
from jobs.head.judging import Exam, K, View, unit


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


@given(st.integers(0, 100), st.sets(st.integers(0, 59), max_size=30))
def test_without_some_rows_it_is_as_if_they_had_never_been(seed: int, gone: set[int]) -> None:
    asked, view = exam(seed)
    asked = replace(asked, apart=np.arange(60) // 30)
    kept = ~np.isin(np.arange(60), list(gone))
    found = asked.only(kept).marks(View(tuple(block[kept] for block in view.blocks), view.weights))
    numbers = np.cumsum(kept) - 1
    rows = [[numbers[row] for row in range(start, 60, 2) if kept[row]] for start in (0, 1)]
    expected = Exam(
        Groups.of(rows, int(kept.sum())),
        asked.raw[kept],
        asked.variants[kept],
        numbers[[row for row in range(20) if kept[row]]].astype(np.intp),
        np.ones(int(kept.sum()), dtype=np.bool_),
        (np.arange(60) // 30)[kept],
    ).marks(View(tuple(block[kept] for block in view.blocks), view.weights))
    assert np.array_equal(found.precision, expected.precision)
    assert np.array_equal(found.fidelity, expected.fidelity)
    assert np.array_equal(found.things, expected.things)


def test_marks_tell_of_which_thing_they_are() -> None:
    asked, view = exam(1)
    marks = asked.marks(view)
    assert marks.things.tolist() == [row // 3 for row in range(20)]
    assert marks.asked_things == 7
