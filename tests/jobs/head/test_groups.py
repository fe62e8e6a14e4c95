from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jobs.head.groups import TWICE, Groups

ITEMS = 12

some_groups = st.lists(st.sets(st.integers(0, ITEMS - 1), min_size=2), min_size=1, max_size=8)


@given(some_groups, st.integers(1, 3))
def test_related_is_sharing_groups_twice_as_often_as_by_chance(chosen: list[set[int]], least: int) -> None:
    groups = Groups.of(chosen, ITEMS, least)
    found = groups.related(np.arange(ITEMS))
    for one in range(ITEMS):
        for other in range(ITEMS):
            shared = sum({one, other} <= group for group in chosen)
            having = [sum(row in group for group in chosen) for row in (one, other)]
            expected = shared >= least and shared >= TWICE * having[0] * having[1] / len(chosen)
            assert found[one, other] == (expected and one != other)


@given(some_groups)
def test_being_related_is_mutual(chosen: list[set[int]]) -> None:
    found = Groups.of(chosen, ITEMS).related(np.arange(ITEMS))
    assert (found == found.T).all()


@given(some_groups, st.lists(st.booleans(), min_size=ITEMS, max_size=ITEMS))
def test_rows_that_are_not_allowed_are_in_no_group(chosen: list[set[int]], kept: list[bool]) -> None:
    allowed = np.array(kept)
    inside = [{row for row in group if kept[row]} for group in chosen]
    expected = Groups.of((group for group in inside if len(group) > 1), ITEMS)
    among = Groups.of(chosen, ITEMS).among(allowed)
    assert np.array_equal(among.rows, expected.rows)
    assert np.array_equal(among.starts, expected.starts)
    renumbered = Groups.of(chosen, ITEMS).renumbered(allowed)
    assert np.array_equal(np.flatnonzero(allowed)[renumbered.rows], expected.rows)
    assert renumbered.items == sum(kept)


def test_of_labels_that_are_related_which_share_one() -> None:
    groups = Groups.of([[0, 2, 4], [1, 3]], 6)
    assert groups.related(np.array([0, 3, 5])).tolist() == [
        [False, False, True, False, True, False],
        [False, True, False, False, False, False],
        [False] * 6,
    ]


def test_a_group_of_one_says_nothing() -> None:
    assert len(Groups.of([[3], [], [1, 1]], 5)) == 0
