"""How many items there are of each value of a field."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import InvalidInput, TooLate
from services.indexer.filters import NO_FILTER, Condition, Filter, WordTest
from services.indexer.index.builder import IndexTuning
from services.indexer.index.exact import ExactIndex
from services.indexer.index.faiss_index import FaissIndex
from services.indexer.index.port import Index, View
from services.indexer.item import Item, Kind, Record
from services.indexer.searching.facets import COUNTED, Facet, FacetsRequest, count_facets
from services.indexer.version import Version
from services.indexer.wire.items import pack_item
from tests.indexer.builders import NOW_US, SPACE, items, record, vectors
from tests.indexer.searches import view_of

SHOP = [
    record("a", 1, category="dress", tags=("new", "red"), attributes={"vegan": True, "size": 3.0}),
    record("b", 2, 3, category="dress", tags=("red",), attributes={"vegan": False, "size": "L"}),
    record("c", 4, category="shoe", tags=("red",), attributes={"vegan": True, "size": ("L", "M")}),
    record("d", 5, price=3),
]


@pytest.fixture(params=["exact", "faiss"])
def view(request: pytest.FixtureRequest) -> View:
    index: Index = (
        ExactIndex(SPACE, 1, pack_item) if request.param == "exact" else FaissIndex(SPACE, 1, pack_item, IndexTuning())
    )
    index.apply(SHOP, (), Version.nothing(1))
    return index.view()


def count(view: View, *fields: str, limit: int = 20, filter_: Filter = NO_FILTER) -> list[Facet]:
    return count_facets(FacetsRequest(fields, filter_, limit), view, lambda: None)


def test_values_come_most_frequent_first_and_equal_ones_by_value(view: View) -> None:
    assert count(view, "tags", "category") == [
        Facet("tags", [("red", 3), ("new", 1)], 2),
        Facet("category", [("dress", 2), ("shoe", 1)], 2),
    ]


def test_truth_values_are_counted_and_numbers_are_not(view: View) -> None:
    assert count(view, "attributes.vegan")[0].counts == [("true", 2), ("false", 1)]
    assert count(view, "attributes.size")[0].counts == [("L", 2), ("M", 1)]


def test_only_items_that_pass_are_counted(view: View) -> None:
    shoes = Filter(must=(Condition("category", WordTest(frozenset({"shoe"}))),))
    assert count(view, "tags", "group_id", filter_=shoes) == [Facet("tags", [("red", 1)], 1), Facet("group_id", [], 0)]


def test_values_beyond_the_limit_are_told_of_by_their_number(view: View) -> None:
    assert count(view, "tags", limit=1) == [Facet("tags", [("red", 3)], 2)]


@given(st.lists(items(), max_size=8), st.sampled_from([*COUNTED, "attributes.size", "attributes.fit"]))
def test_counts_are_those_of_the_items_one_by_one(drawn: list[Item], field: str) -> None:
    records = [Record(replace(one, id=f"i{number}"), vectors(number), NOW_US) for number, one in enumerate(drawn)]
    expected: Counter[str] = Counter()
    for one in records:
        facts = {fact for fact in one.item.facts() if fact.field == field}
        expected.update(
            str(fact.value) if fact.kind is Kind.WORD else str(fact.value).lower()
            for fact in facts
            if fact.kind in (Kind.WORD, Kind.TRUTH)
        )
    (found,) = count(view_of(records), field, limit=1000)
    assert dict(found.counts) == dict(expected)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (FacetsRequest([]), "fields"),
        (FacetsRequest([f"attributes.a{number}" for number in range(17)]), "fields"),
        (FacetsRequest(["category", "category"]), "fields[1]"),
        (FacetsRequest(["id"]), "fields[0]"),
        (FacetsRequest(["price"]), "fields[0]"),
        (FacetsRequest(["category", "time"]), "fields[1]"),
        (FacetsRequest(["colour"]), "fields[0]"),
        (FacetsRequest(["attributes.No!"]), "fields[0]"),
        (FacetsRequest(["category"], limit=-1), "limit"),
        (FacetsRequest(["category"], limit=1001), "limit"),
        (FacetsRequest(["category"], Filter(must=(Condition("price", None),))), "filter.must[0]"),
    ],
)
def test_a_bad_request_is_refused_by_field(request_: FacetsRequest, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        count_facets(request_, view_of(SHOP), lambda: None)
    assert refused.value.field == field


def test_counting_stops_when_nobody_waits_any_more(view: View) -> None:
    def gone() -> None:
        raise TooLate("gone")

    with pytest.raises(TooLate):
        count_facets(FacetsRequest(["category"]), view, gone)


def test_many_values_can_be_given_up() -> None:
    """Somebody who waits no longer does not pay for all words of a field."""
    index = FaissIndex(SPACE, 1, pack_item, IndexTuning())
    photo = vectors(1)
    index.apply([Record(Item(f"i{n}", group_id=f"g{n}"), photo, NOW_US) for n in range(10_000)], (), Version.nothing(1))
    looks = 0

    def proceed() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise TooLate("nobody waits")

    with pytest.raises(TooLate):
        count_facets(FacetsRequest(("group_id",)), index.view(), proceed)
