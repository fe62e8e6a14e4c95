from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import InvalidInput
from services.indexer.filters import Condition, Filter, NumberTest, Test, TimeTest, TruthTest, WordTest
from services.indexer.index.columns import Columns
from services.indexer.index.facts import Facts
from services.indexer.item import Item, Kind
from tests.indexer.builders import instants, items, numbers, words

WORD_FIELDS = ["id", "domain", "category", "group_id", "tags", "currency", "attributes.size", "attributes.fit"]


def word_conditions() -> st.SearchStrategy[Condition]:
    chosen = st.sets(words | st.sampled_from(["item-0", "item-2"]), min_size=1, max_size=3)
    return st.builds(Condition, st.sampled_from(WORD_FIELDS), st.builds(WordTest, chosen.map(frozenset)))


def other_conditions() -> st.SearchStrategy[Condition]:
    number = st.builds(NumberTest, numbers, st.none() | numbers)
    instant = st.builds(TimeTest, st.none() | instants, instants)
    return st.one_of(
        st.builds(Condition, st.sampled_from(["price", "attributes.size"]), number),
        st.builds(Condition, st.just("time"), instant),
        st.builds(
            Condition, st.sampled_from(["attributes.size", "attributes.fit"]), st.builds(TruthTest, st.booleans())
        ),
    )


conditions = st.lists(word_conditions() | other_conditions(), max_size=2).map(tuple)
filters = st.builds(Filter, conditions, conditions, conditions)


def values_of(item: Item, field: str) -> list[object]:
    """Spelled out once more, so that nothing of the code under test judges itself."""
    if field.startswith("attributes."):
        value = item.attributes.get(field.removeprefix("attributes."))
        return list(value) if isinstance(value, tuple) else [value]
    match field:
        case "tags":
            return list(item.tags)
        case "time":
            return [item.time_us]
        case "category" | "group_id" | "currency":
            return [getattr(item, field) or None]
        case _:
            return [getattr(item, field)]


def holds(test: Test | None, value: object) -> bool:
    match test, value:
        case WordTest(), str():
            return value in test.any_of
        case TruthTest(), bool():
            return value is test.value
        case NumberTest(), bool():
            return False
        case NumberTest(), float():
            low = test.at_least is None or value >= test.at_least
            return low and (test.at_most is None or value <= test.at_most)
        case TimeTest(), int():
            after = test.not_before_us is None or value >= test.not_before_us
            return after and (test.before_us is None or value < test.before_us)
        case _:
            return False


def passes(filter_: Filter, item: Item) -> bool:
    def one(condition: Condition) -> bool:
        return any(holds(condition.test, value) for value in values_of(item, condition.field))

    return (
        all(map(one, filter_.must))
        and (not filter_.should or any(map(one, filter_.should)))
        and not any(map(one, filter_.must_not))
    )


@given(filters, st.tuples(*(items(f"item-{number}") for number in range(5))))
def test_an_item_passes_exactly_when_the_contract_says_so(filter_: Filter, some: tuple[Item, ...]) -> None:
    assert [filter_.matches(item) for item in some] == [passes(filter_, item) for item in some]


@given(filters, st.tuples(*(items(f"item-{number}") for number in range(5))), st.integers(0, 5))
def test_the_mask_over_columns_agrees_with_the_items_one_by_one(
    filter_: Filter, some: tuple[Item, ...], known: int
) -> None:
    """Also for a reader that knows fewer items than the columns have by now."""
    columns, places = Columns(), {item.id: place for place, item in enumerate(some)}
    for place, item in enumerate(some):
        columns.add(place, item.facts())
    mask = columns.mask(filter_, known, {name: place for name, place in places.items() if place < known}.get)
    assert mask.tolist() == [passes(filter_, item) for item in some[:known]]


@given(filters, st.tuples(*(items(f"item-{number}") for number in range(5))), st.sets(st.integers(0, 4)))
def test_settled_facts_agree_with_the_items_one_by_one(filter_: Filter, some: tuple[Item, ...], gone: set[int]) -> None:
    """Also when they were joined from two parts, of which some items went."""
    kept = [place for place in range(5) if place not in gone]
    new_places = np.full(5, -1, np.int64)
    new_places[kept] = np.arange(len(kept))
    parts = [(Facts.of([tuple(item.facts()) for item in some[at]]), new_places[at]) for at in (slice(2), slice(2, 5))]
    names = {some[place].id: number for number, place in enumerate(kept)}
    passing = Facts.joined(parts).passing(filter_, names.get)
    assert sorted(passing) == [number for number, place in enumerate(kept) if passes(filter_, some[place])]


@given(st.tuples(*(items(f"item-{number}") for number in range(5))), st.sets(st.integers(0, 4)))
def test_counts_of_words_are_alike_in_columns_and_settled_facts(some: tuple[Item, ...], chosen: set[int]) -> None:
    columns, facts = Columns(), Facts.of([tuple(item.facts()) for item in some])
    for place, item in enumerate(some):
        columns.add(place, item.facts())
    mask = np.array([place in chosen for place in range(5)])
    for field in ("domain", "tags", "attributes.size", "attributes.fit", "nothing"):
        expected = Counter(
            str(fact.value) if fact.kind is Kind.WORD else str(fact.value).lower()
            for place in chosen
            for fact in some[place].facts()
            if fact.field == field and fact.kind in (Kind.WORD, Kind.TRUTH)
        )
        for counted in (columns.counts(field, mask), facts.counts(field, mask)):
            counter: Counter[str] = Counter()
            for word, count in counted:
                counter[word] += count
            assert counter == expected


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        (Condition("colour", WordTest(frozenset({"red"}))), "filter.must[0].field"),
        (Condition("attributes.Size", TruthTest(True)), "filter.must[0].field"),
        (Condition("", TruthTest(True)), "filter.must[0].field"),
        (Condition("price", None), "filter.must[0]"),
        (Condition("price", WordTest(frozenset({"1"}))), "filter.must[0]"),
        (Condition("time", NumberTest(1)), "filter.must[0]"),
        (Condition("category", WordTest(frozenset())), "filter.must[0].keyword.any_of"),
        (Condition("category", WordTest(frozenset(map(str, range(1025))))), "filter.must[0].keyword.any_of"),
        (Condition("category", WordTest(frozenset({"x" * 257}))), "filter.must[0].keyword.any_of"),
        (Condition("availability", WordTest(frozenset({"gone"}))), "filter.must[0].keyword.any_of"),
        (Condition("price", NumberTest()), "filter.must[0].range"),
        (Condition("price", NumberTest(at_most=float("nan"))), "filter.must[0].range"),
        (Condition("time", TimeTest()), "filter.must[0].time"),
    ],
)
def test_a_condition_that_makes_no_sense_is_named(condition: Condition, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Filter(must=(condition,)).check("filter")
    assert refused.value.field == field


def test_more_than_64_conditions_are_refused() -> None:
    one = Condition("domain", WordTest(frozenset({"art"})))
    Filter(must=(one,) * 32, must_not=(one,) * 32).check("filter")
    with pytest.raises(InvalidInput, match="at most 64"):
        Filter(must=(one,) * 32, should=(one,) * 33).check("filter")
