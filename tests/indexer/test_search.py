"""The use case of searching, over the index that compares everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import InvalidInput, NotFound, SpaceMismatch, TooLate
from services.indexer.filters import Condition, Filter, WordTest
from services.indexer.index.builder import IndexTuning
from services.indexer.index.exact import ExactIndex
from services.indexer.index.faiss_index import FaissIndex
from services.indexer.index.port import Index, View
from services.indexer.item import Record
from services.indexer.record.layout import Layout
from services.indexer.searching.request import MAX_EXCLUDED, Caps, Query, SearchRequest
from services.indexer.searching.search import Found, search
from services.indexer.version import Version
from services.indexer.wire.items import pack_item
from services.spaces import Float32, encode
from tests.indexer.builders import OTHER_SPACE, SPACE, record, vectors

SHOP = [
    record("a", 1, category="dress"),
    record("b", 2, 3, category="dress"),
    record("c", 4, category="shoe"),
    record("d", 5, 6, 7, category="shoe"),
    record("e", 8, category="hat"),
]


def view_of(records: Sequence[Record]) -> View:
    index = ExactIndex(SPACE, 1, pack_item)
    index.apply(records, (), Version.nothing(1))
    return index.view()


@pytest.fixture(params=["exact", "faiss"])
def view(request: pytest.FixtureRequest) -> View:
    index: Index = ExactIndex(SPACE, 1, pack_item)
    if request.param == "faiss":
        index = FaissIndex(SPACE, 1, pack_item, IndexTuning(fresh_rows=4))
    for one in SHOP:
        index.apply([one], (), Version.nothing(1))
        index.settle(lambda: None)
    return index.view()


def nobody(_: str) -> Float32 | None:
    return None


def near(name: str, seed: int, **fields: Any) -> Query:
    return Query(name, SPACE.name, encode(vectors(seed)[0]), **fields)


def run(view: View, *queries: Query, **fields: Any) -> Found:
    seconds = count()
    request = SearchRequest(queries, **fields)
    request.check()  # as who asks does, before it waits for a view
    return search(request, view, nobody, lambda: float(next(seconds)))


def by_hand(queries: Sequence[Query], one: Record) -> tuple[float, np.ndarray]:
    """The score of an item and its parts (queries, blocks), from the definition and in double precision."""
    parts = np.zeros((len(queries), 2))
    for number, query in enumerate(queries):
        target = SPACE.normalise(np.frombuffer(query.vector or b"", "<f4")).astype(np.float64)
        weights = [
            query.block_weights.get(b.name, 0) if query.block_weights else b.default_weight for b in SPACE.blocks
        ]
        of_photos = [
            [
                weight / np.abs(weights).sum() * (target[piece] @ row[piece])
                for weight, piece in zip(weights, (slice(0, 12), slice(12, 16)), strict=True)
            ]
            for row in one.vectors.astype(np.float64)
        ]
        parts[number] = max(of_photos, key=sum)
    shares = np.array([query.weight for query in queries])
    return float(parts.sum(axis=1) @ (shares / np.abs(shares).sum())), parts


weights = st.floats(-2, 2).filter(lambda weight: abs(weight) > 0.01)


@given(
    st.lists(st.tuples(st.integers(10, 30), weights, weights, weights), min_size=1, max_size=4),
    st.integers(1, 5),
)
def test_every_candidate_has_exactly_the_score_that_the_definition_gives(
    drawn: list[tuple[int, float, float, float]], limit: int
) -> None:
    """Whichever query found it, and whichever photo of it counts; best first."""
    queries = [
        near(f"q{n}", seed, weight=abs(share) if n == 0 else share, block_weights={"content": one, "colour": other})
        for n, (seed, share, one, other) in enumerate(drawn)
    ]
    found = run(view_of(SHOP), *queries, limit=limit, union=True, also_score=["e"])
    by_id = {one.item.id: one for one in SHOP}
    for item_id, score, parts in zip(found.hits.ids, found.hits.scores, found.hits.parts, strict=True):
        expected, terms = by_hand(queries, by_id[item_id])
        assert score == pytest.approx(expected, abs=1e-5)
        assert parts == pytest.approx(terms, abs=1e-5)
    assert list(found.hits.scores) == sorted(found.hits.scores, reverse=True)


def test_a_union_keeps_what_any_query_found_and_says_which_did(view: View) -> None:
    found = run(view, near("one", 1), near("two", 4), limit=1, union=True)
    assert dict(zip(found.hits.ids, found.hits.found_by, strict=True)) == {"a": ["one"], "c": ["two"]}


def test_without_union_the_best_of_all_come_back(view: View) -> None:
    assert run(view, near("one", 1, weight=3), near("two", 4), limit=1).hits.ids == ["a"]


def test_what_a_query_says_of_an_item_does_not_depend_on_the_others(view: View) -> None:
    """An item of three photos is its first to one query and its last to another, whichever way they count."""
    alone = run(view, near("one", 5), limit=5).hits
    others = [near("two", 7), near("away", 6, weight=-1), near("nearly", 7, weight=0.5)]
    beside = run(view, near("one", 5), *others, limit=5).hits
    for item_id in "abcde":
        said, told = (hits.parts[hits.ids.index(item_id), 0] for hits in (alone, beside))
        assert np.array_equal(said, told)
    whole = beside.parts[beside.ids.index("d")].sum(axis=1)
    assert whole == pytest.approx(np.ones(4), abs=1e-3)


def test_the_photo_that_scores_best_counts(view: View) -> None:
    found = run(view, near("one", 6), limit=1)
    assert found.hits.ids == ["d"]
    assert np.array_equal(found.hits.vectors(1)[0], vectors(6)[0].astype(np.float32))


def test_items_asked_for_are_scored_beside_the_best(view: View) -> None:
    found = run(view, near("one", 1), limit=1, also_score=["e", "none", "c"])
    assert sorted(found.hits.ids) == ["a", "c", "e"]
    assert [found.hits.found_by[found.hits.ids.index(item_id)] for item_id in "ace"] == [["one"], [], []]


def test_items_asked_for_must_pass_the_filter_and_not_be_excluded(view: View) -> None:
    shoes = Filter(must=(Condition("category", WordTest(frozenset({"shoe"}))),))
    found = run(view, near("one", 1), limit=1, also_score=["a", "c", "d"], filter=shoes, exclude=["c"])
    assert found.hits.ids == ["d"]


@pytest.mark.parametrize("union", [True, False])
def test_what_is_only_scored_has_the_parts_that_it_has_when_it_is_found(view: View, union: bool) -> None:
    queries = near("one", 6), near("two", 3), near("away", 5, weight=-1)
    found = run(view, *queries, limit=5, union=union)
    scored = run(view, *queries, limit=5, union=union, also_score=["d", "b", "none"], score_only=True)
    assert sorted(scored.hits.ids) == ["b", "d"]
    for item_id, parts in zip(scored.hits.ids, scored.hits.parts, strict=True):
        assert np.array_equal(parts, found.hits.parts[found.hits.ids.index(item_id)])


def test_without_any_query_the_items_asked_for_score_zero(view: View) -> None:
    found = run(view, also_score=["e", "c"])
    assert (found.hits.ids, found.hits.scores) == (["c", "e"], [0, 0])


def test_a_negative_query_brings_nothing_of_its_own_but_counts(view: View) -> None:
    found = run(view, near("to", 1), near("away", 4, weight=-1), limit=1, union=True, also_score=["c"])
    assert found.hits.ids == ["a", "c"]
    assert found.hits.scores[1] < found.hits.parts[1, 0].sum()


@pytest.mark.parametrize("excluded", [["a"], ["a", "none"], [f"none-{n}" for n in range(100)] + ["a"]])
def test_excluded_items_do_not_come_back_and_others_take_their_places(view: View, excluded: list[str]) -> None:
    found = run(view, near("one", 1), limit=4, exclude=excluded)
    assert sorted(found.hits.ids) == ["b", "c", "d", "e"]


def test_whatever_is_excluded_the_limit_is_filled() -> None:
    many = [record(f"item-{n}", n) for n in range(200)]
    found = run(view_of(many), near("one", 5), limit=50, exclude=[f"item-{n}" for n in range(150)])
    assert sorted(found.hits.ids) == sorted(f"item-{n}" for n in range(150, 200))


def test_a_query_by_item_is_its_first_photo_and_leaves_the_item_out(view: View) -> None:
    by_item = run(view, Query("one", item_id="b"), limit=3)
    by_vector = run(view, near("one", 2), limit=4)
    assert by_item.hits.ids == [item_id for item_id in by_vector.hits.ids if item_id != "b"]


def test_a_query_by_an_item_that_is_only_in_the_record_yet_works(view: View) -> None:
    found = search(
        SearchRequest([Query("one", item_id="new")], limit=1),
        view,
        lambda item_id: vectors(4)[0].astype(np.float32) if item_id == "new" else None,
        lambda: 0.0,
    )
    assert found.hits.ids == ["c"]


def test_a_query_by_an_unknown_item_is_refused(view: View) -> None:
    with pytest.raises(NotFound) as refused:
        run(view, Query("one", item_id="none"))
    assert (refused.value.kind, refused.value.name) == ("item", "none")


def test_equal_scores_are_in_the_order_of_the_ids() -> None:
    twins = view_of([record(item_id, 1) for item_id in ("z", "m", "a")])
    assert run(twins, near("one", 1)).hits.ids == ["a", "m", "z"]


def test_nothing_eligible_is_an_empty_answer(view: View) -> None:
    nothing = Filter(must=(Condition("category", WordTest(frozenset({"car"}))),))
    found = run(view, near("one", 1), filter=nothing)
    assert (list(found.hits.ids), found.eligible) == ([], 0)


@given(st.sets(st.sampled_from("abcde"), min_size=1), st.integers(1, 3))
def test_a_part_does_not_depend_on_the_other_candidates(others: set[str], queries: int) -> None:
    """To the last bit."""
    asked = [near(f"q{number}", 20 + number) for number in range(queries)]
    everything = run(view_of(SHOP), *asked, limit=5, union=True).hits
    alone = run(view_of([one for one in SHOP if one.item.id in others]), asked[0], limit=5).hits
    by_id = {item_id: parts[0].tolist() for item_id, parts in zip(everything.ids, everything.parts, strict=True)}
    photos = {one.item.id: len(one.vectors) for one in SHOP}
    for item_id, parts in zip(alone.ids, alone.parts, strict=True):
        # Of several photos another may count when there are more queries.
        if photos[item_id] == 1 or queries == 1:
            assert parts[0].tolist() == by_id[item_id]


def test_huge_weights_neither_overflow_nor_lose_the_order(view: View) -> None:
    plain = run(view, near("one", 1), near("two", 4)).hits
    huge = run(view, near("one", 1, weight=1e308), near("two", 4, weight=1e308)).hits
    assert huge.ids == plain.ids
    assert huge.scores == pytest.approx(plain.scores)


def test_costs_are_those_of_the_clock(view: View) -> None:
    found = run(view, near("one", 1))
    assert (found.search_ms, found.score_ms) == (1000, 1000)


@pytest.mark.parametrize("looks", range(3))
def test_a_search_that_nobody_waits_for_is_given_up_between_its_stages(view: View, looks: int) -> None:
    left = iter(range(looks))

    def proceed() -> None:
        if next(left, None) is None:
            raise TooLate("gone")

    with pytest.raises(TooLate):
        search(SearchRequest([near("one", 1)]), view, nobody, lambda: 0.0, proceed)


GOOD = near("one", 1)


@pytest.mark.parametrize(
    ("queries", "fields", "field"),
    [
        ([], {}, "queries"),
        ([replace(GOOD, weight=-1.0)], {}, "queries"),
        ([GOOD] * 2, {}, "queries[1].name"),
        ([replace(GOOD, name=f"q{n}") for n in range(65)], {}, "queries"),
        ([replace(GOOD, name="x" * 65)], {}, "queries[0].name"),
        ([replace(GOOD, weight=float("nan"))], {}, "queries[0].weight"),
        ([replace(GOOD, weight=float("inf"))], {}, "queries[0].weight"),
        ([replace(GOOD, item_id="a")], {}, "queries[0].target"),
        ([Query("one")], {}, "queries[0].target"),
        ([replace(GOOD, vector=b"1234")], {}, "queries[0].vector.data"),
        ([replace(GOOD, vector=b"\0" * 64)], {}, "queries[0].vector.data"),
        ([replace(GOOD, vector=np.full(16, np.nan, "<f4").tobytes())], {}, "queries[0].vector.data"),
        ([replace(GOOD, block_weights={"content": 0.0})], {}, "queries[0].block_weights"),
        ([replace(GOOD, block_weights={"style": 1.0})], {}, "queries[0].block_weights['style']"),
        ([GOOD], {"score_only": True}, "also_score_item_ids"),
        ([GOOD], {"limit": 0}, "limit"),
        ([GOOD], {"limit": -1}, "limit"),
        ([GOOD], {"limit": 1001}, "limit"),
        ([GOOD], {"exclude": ["x"] * (MAX_EXCLUDED + 1)}, "exclude_item_ids"),
        ([GOOD], {"also_score": ["x"] * 1001}, "also_score_item_ids"),
        ([GOOD], {"also_score": [""]}, "also_score_item_ids[0]"),
        ([GOOD], {"exclude": ["x", "a\nb"]}, "exclude_item_ids[1]"),
        ([GOOD], {"exclude": ["x", "y" * 129]}, "exclude_item_ids[1]"),
        ([GOOD], {"caps": Caps(collapse_above=-0.1)}, "collapse_above"),
        ([GOOD], {"caps": Caps(collapse_above=1.5)}, "collapse_above"),
        ([GOOD], {"caps": Caps(collapse_above=float("nan"))}, "collapse_above"),
        ([GOOD], {"filter": Filter(must=(Condition("price", None),))}, "filter.must[0]"),
    ],
)
def test_a_bad_request_is_refused_by_field(queries: list[Query], fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        run(view_of(SHOP), *queries, **fields)
    assert refused.value.field == field


def test_a_vector_of_another_space_is_never_compared(view: View) -> None:
    with pytest.raises(SpaceMismatch):
        run(view, replace(GOOD, space=OTHER_SPACE.name))


def test_a_space_may_be_left_out_or_named_by_its_alias_or_its_name() -> None:
    layout = Layout.first(SPACE)
    for name in ("", "visual", SPACE.name):
        assert layout.resolve(name) == SPACE
    for name in ("collaborative", OTHER_SPACE.name):
        with pytest.raises(SpaceMismatch):
            layout.resolve(name)


def test_the_best_of_several_queries_may_be_far_down_the_list_of_each() -> None:
    """What is best for both together is neither's nearest."""
    records = [record(f"i{n:03}", n) for n in range(300)]
    view = view_of(records)
    queries = (near("one", 1001), near("other", 1002), near("not", 1003, weight=-0.5))
    few = run(view, *queries, limit=3)
    many = run(view, *queries, limit=300)
    assert few.hits.ids == many.hits.ids[:3]
