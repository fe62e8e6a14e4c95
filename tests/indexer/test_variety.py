"""Group-by and collapse: against an algorithm that looks at everything and does the obvious."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.indexer.index.exact import ExactIndex
from services.indexer.index.port import Accuracy, Aims, Eligible, Proceed
from services.indexer.item import Record
from services.indexer.searching.request import Caps, Query
from services.indexer.searching.variety import directions
from services.indexer.version import Version
from services.indexer.wire.items import pack_item
from services.spaces import Block, Space
from tests.indexer.builders import SPACE, record
from tests.indexer.searches import exact_query, exact_records, exact_vectors, near, run, score_of, view_of, words_of

caps = st.builds(
    Caps,
    per_group=st.integers(0, 2),
    per_category=st.integers(0, 4),
    collapse_above=st.sampled_from([0.0, 0.4, 0.8, 0.99]),
)
excluded = st.sets(st.sampled_from([f"i{number:03}" for number in range(30)]), max_size=10).map(sorted)
queries = st.lists(st.tuples(exact_vectors(), st.sampled_from([1.0, 2.0])), min_size=2, max_size=3)


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Blocks of unit norm under the default weights of `SPACE`, 1 and 1/2."""
    return float(one[:12] @ other[:12] + 0.5 * (one[12:] @ other[12:])) / 1.5


def naive(
    records: Sequence[Record], asked: Sequence[Query], limit: int, bounds: Caps, left_out: Sequence[str]
) -> list[str]:
    """Everything in order, each taken unless those taken before forbid it."""
    score = score_of(asked)
    ranked = sorted((-score(one)[0], one.item.id, one) for one in records if one.item.id not in left_out)
    taken: list[Record] = []
    for _, _, one in ranked:
        groups = Counter(other.item.group_id for other in taken)
        categories = Counter(other.item.category for other in taken)
        alike = [cosine(score(one)[1], score(other)[1]) for other in taken]
        if (
            (bounds.per_group and one.item.group_id and groups[one.item.group_id] >= bounds.per_group)
            or (bounds.per_category and one.item.category and categories[one.item.category] >= bounds.per_category)
            or (bounds.collapse_above and any(near > bounds.collapse_above for near in alike))
        ):
            continue
        taken.append(one)
    return [one.item.id for one in taken[:limit]]


@given(exact_records(), exact_vectors(), st.integers(1, 12), caps, excluded)
def test_a_search_of_one_query_is_what_the_naive_algorithm_finds(
    records: list[Record], target: np.ndarray, limit: int, bounds: Caps, left_out: list[str]
) -> None:
    asked = exact_query("q", target)
    found = run(view_of(records), asked, limit=limit, caps=bounds, exclude=left_out)
    assert found.hits.ids == naive(records, [asked], limit, bounds, left_out)


@given(exact_records(), exact_vectors(), st.integers(1, 12), caps)
def test_the_first_n_are_the_same_when_more_are_asked_for(
    records: list[Record], target: np.ndarray, limit: int, bounds: Caps
) -> None:
    fewer, more = (
        run(view_of(records), exact_query("q", target), limit=limit + extra, caps=bounds).hits.ids for extra in (0, 1)
    )
    assert more[: len(fewer)] == fewer


@given(exact_records(), queries, st.integers(1, 12), caps, st.booleans())
def test_no_more_than_allowed_of_a_group_and_a_category_come_back_of_any_number_of_queries(
    records: list[Record], drawn: list[tuple[np.ndarray, float]], limit: int, bounds: Caps, union: bool
) -> None:
    asked = [exact_query(f"q{number}", *one) for number, one in enumerate(drawn)]
    ids = run(view_of(records), *asked, limit=limit, caps=bounds, union=union).hits.ids
    for field, most in (("group_id", bounds.per_group), ("category", bounds.per_category)):
        words = words_of(records, field)
        assert not most or max(Counter(words[one] for one in ids if one in words).values(), default=0) <= most
    assert len(set(ids)) == len(ids)
    assert union or len(ids) <= limit


@given(exact_records(), queries, st.integers(1, 12), st.integers(1, 2))
def test_several_queries_together_fill_the_limit_as_long_as_there_are_enough(
    records: list[Record], drawn: list[tuple[np.ndarray, float]], limit: int, most: int
) -> None:
    """All of them bring the same groups first."""
    asked = [exact_query(f"q{number}", *one) for number, one in enumerate(drawn)]
    found = run(view_of(records), *asked, limit=limit, caps=Caps(per_group=most)).hits.ids
    groups = Counter(one.item.group_id for one in records)
    there = groups.pop("", 0) + sum(min(most, count) for count in groups.values())
    assert len(found) == min(limit, there)


@given(exact_records(), exact_vectors(), st.integers(1, 5), caps, st.sets(st.integers(0, 29), min_size=1, max_size=5))
def test_items_asked_for_come_back_whatever_the_caps_and_do_not_count(
    records: list[Record], target: np.ndarray, limit: int, bounds: Caps, numbers: set[int]
) -> None:
    also = [f"i{number:03}" for number in sorted(numbers) if number < len(records)]
    if not also:
        return
    view, asked = view_of(records), exact_query("q", target)
    ids = run(view, asked, limit=limit, caps=bounds, also_score=also).hits.ids
    assert set(also) <= set(ids)
    others = [one for one in records if one.item.id not in also]
    without = naive(others, [asked], limit, bounds, ())
    assert [one for one in ids if one not in also] == without[: len(ids) - len(also)]


def test_the_cosine_is_that_of_the_default_weights() -> None:
    one, other = (record("a", seed).vectors.astype(np.float32) for seed in (1, 2))
    found = float((directions(SPACE, one) @ directions(SPACE, other).T)[0, 0])
    assert found == pytest.approx(cosine(one[0].astype(np.float64), other[0].astype(np.float64)), abs=1e-3)
    assert float((directions(SPACE, one) ** 2).sum()) == pytest.approx(1, abs=1e-6)


def test_equal_pictures_are_duplicates_though_a_block_has_nothing_to_say() -> None:
    photo = record("a", 1).vectors.copy()
    photo[:, 12:] = 0
    twins = [replace(record(item_id, 1), vectors=photo) for item_id in ("a", "b")]
    assert run(view_of(twins), near("q", 1), caps=Caps(collapse_above=0.99)).hits.ids == ["a"]


def test_what_has_nothing_to_say_at_all_is_nobodys_duplicate() -> None:
    space = Space("visual@0123abcd", (Block("content", 2, 0.0), Block("colour", 2, 1.0)))
    silent = np.array([[1, 0, 0, 0]], np.float32)
    assert not directions(space, silent).any()


class Counting(ExactIndex):
    """An index that notes how many items each look-up asked for."""

    def __init__(self, records: Sequence[Record]) -> None:
        super().__init__(SPACE, 1, pack_item)
        self.apply(records, (), Version.nothing(1))
        self.asked: list[int] = []
        view, asked = self.view(), self.asked
        nearest = view.nearest

        def noted(aims: Aims, limit: int, eligible: Eligible, accuracy: Accuracy, proceed: Proceed) -> list[list[int]]:
            asked.append(limit)
            return nearest(aims, limit, eligible, accuracy, proceed)

        view.nearest = noted  # type: ignore[method-assign] # what is noted is what the view was asked


def test_ten_thousand_exclusions_cost_a_few_items_more_unless_they_are_near() -> None:
    counting = Counting([record(f"i{number}", number) for number in range(100)])
    seen = [f"seen-{number}" for number in range(10_000)]
    run(counting.view(), near("q", 1), limit=10, exclude=seen)
    assert counting.asked == [26]


def test_more_is_fetched_until_enough_remain_and_no_further() -> None:
    records = [record(f"i{number}", number) for number in range(300)]
    counting = Counting(records)
    nearest = run(view_of(records), near("q", 1), limit=200).hits.ids
    found = run(counting.view(), near("q", 1), limit=10, exclude=nearest[:150])
    assert found.hits.ids == nearest[150:160]
    assert counting.asked == [26, 104, 160]


def test_what_a_group_leaves_out_is_looked_for_within_a_bound() -> None:
    """All are of one group but the farthest, which is beyond what may be looked at."""
    records = [record(f"i{number:04}", number, group_id="g") for number in range(5000)]
    order = run(view_of(records), near("q", 1), limit=1000).hits.ids
    records = [
        replace(one, item=replace(one.item, group_id="")) if one.item.id == order[-1] else one for one in records
    ]
    counting = Counting(records)
    found = run(counting.view(), near("q", 1), limit=2, caps=Caps(per_group=1))
    assert found.hits.ids == [order[0], order[-1]]
    far = Counting([one for one in records if one.item.id != order[-1]])
    assert run(far.view(), near("q", 1), limit=2, caps=Caps(per_group=1)).hits.ids == [order[0]]
    assert max(far.asked) == 4096
