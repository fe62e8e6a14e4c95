"""Many searches in one call: each is answered as it would have been alone, and none pays for another."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.errors import InvalidInput, NotFound, Overloaded, SpaceMismatch, TooLate
from services.indexer.filters import Condition, Filter, WordTest
from services.indexer.index.exact import ExactIndex, ExactView
from services.indexer.index.port import Accuracy, Aims, Eligible, Index, PackItem, Proceed
from services.indexer.item import Record
from services.indexer.record.catalogues import InMemoryCatalogues
from services.indexer.searching.many import MAX_QUERIES_IN_ALL, Ask, Outcome, search_many
from services.indexer.searching.request import Caps, Query, SearchRequest
from services.indexer.searching.search import Answered, search
from services.indexer.serving.desk import Attention, Desk, Patience
from services.indexer.serving.shelf import Shelf
from services.indexer.serving.shelves import Shelves
from services.indexer.version import Mark, Position, Version
from services.indexer.wire.items import pack_item
from services.spaces import Space, encode
from tests.indexer.builders import OTHER_SPACE, SPACE, counted_bytes, definition, record, vectors
from tests.indexer.searches import near
from tests.indexer.worlds import monotonic

ITEMS = [record(f"i{number:02}", number, category="xyz"[number % 3], group_id=f"g{number % 7}") for number in range(40)]
NEVER = Version((Mark(b"12345678", Position(1, 0)),)).encode()
SHOES = Filter(must=(Condition("category", WordTest(frozenset({"x"}))),))


class CountedView(ExactView):
    """Notes each look-up: how many queries, and how many items of each."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.looked_up: list[tuple[int, int]] = []

    def nearest(
        self, aims: Aims, limit: int, eligible: Eligible, accuracy: Accuracy, proceed: Proceed
    ) -> list[list[int]]:
        self.looked_up.append((len(aims.weighed), limit))
        proceed()
        return super().nearest(aims, limit, eligible, accuracy, proceed)


class CountedIndex(ExactIndex):
    def __init__(self, space: Space, partitions: int, pack: PackItem) -> None:
        super().__init__(space, partitions, pack)
        self._view = CountedView(space, {}, Version.nothing(partitions), pack)

    def apply(self, upserts: Sequence[Record], removed: Sequence[str], version: Version) -> None:
        super().apply(upserts, removed, version)
        self._view = CountedView(self._view.space, self._view.records, version, pack_item)


class World:
    """A catalogue "shop" of `ITEMS`, and another one that is called "other" and empty."""

    def __init__(self) -> None:
        self.catalogues = InMemoryCatalogues(counted_bytes())
        self.shelves = Shelves(
            self.catalogues, self._index, report=lambda _, __: None, built=lambda _: None, clock=monotonic
        )
        self.desk = Desk(self.shelves, waiting=1)
        for name in ("shop", "other"):
            self.shelves.create(definition(name), None)
        self.write(ITEMS)

    @staticmethod
    def _index(_: object, space: Space) -> Index:
        return CountedIndex(space, 1, pack_item)

    @property
    def shelf(self) -> Shelf:
        return self.shelves.get("shop")

    @property
    def view(self) -> CountedView:
        view = self.shelf.view()
        assert isinstance(view, CountedView)
        return view

    def write(self, records: Sequence[Record]) -> None:
        written = self.shelf.catalogue.write(0, records, (), None)
        assert self.shelf.reach(Version((written.mark,)), 30)

    def many(self, *asks: Ask | InvalidInput, budget_s: float = 30.0, wanted: Any = lambda: True) -> list[Outcome]:
        return search_many(asks, self.desk, Attention(Patience(budget_s, wanted), monotonic), monotonic)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    made = World()
    yield made
    made.shelves.close()


def ask(*queries: Query, catalogue: str = "shop", **fields: Any) -> Ask:
    own = {name: fields.pop(name) for name in ("space", "min_version", "timeout_s") if name in fields}
    return Ask(catalogue, own.pop("space", ""), SearchRequest(queries, **fields), **own)


def told(outcome: Outcome) -> Any:
    """Everything of an answer but what it cost; of an error its class and message."""
    if not isinstance(outcome, Answered):
        return type(outcome), outcome.message
    hits = outcome.found.hits
    numbers = (hits.scores, hits.parts.tolist(), hits.vectors(1000).tolist())
    return hits.ids, hits.found_by, numbers, outcome.found.eligible, outcome.view.version


queries = st.lists(st.tuples(st.integers(0, 60), st.sampled_from([1.0, 2.0, -1.0])), min_size=1, max_size=3)
requests = st.builds(
    lambda drawn, **fields: ask(
        *(near(f"q{number}", seed, weight=weight) for number, (seed, weight) in enumerate(drawn)), **fields
    ),
    queries,
    limit=st.sampled_from([1, 3, 10, 200]),
    filter=st.sampled_from([Filter(), SHOES]),
    exclude=st.lists(st.sampled_from([one.item.id for one in ITEMS]), max_size=5),
    union=st.booleans(),
    also_score=st.sampled_from([[], ["i00", "none"]]),
    accuracy=st.sampled_from(Accuracy),
    caps=st.sampled_from([Caps(), Caps(per_group=1), Caps(per_category=2, collapse_above=0.5)]),
    catalogue=st.sampled_from(["shop", "shop", "other", "none"]),
    space=st.sampled_from(["", "", SPACE.name, OTHER_SPACE.name]),
)


def alone(world: World, one: Ask) -> Outcome:
    try:
        one.request.check()
        view = world.desk.look(world.desk.shelf(one.catalogue), one.space)
        return Answered(search(one.request, view, lambda _: None, monotonic), view, 0.0)
    except (InvalidInput, NotFound, SpaceMismatch) as problem:
        return problem


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(asks=st.lists(requests, min_size=1, max_size=8))
def test_each_is_answered_as_it_would_have_been_alone(world: World, asks: list[Ask]) -> None:
    """To the last bit, whatever is asked beside it."""
    assert [told(outcome) for outcome in world.many(*asks)] == [told(alone(world, one)) for one in asks]


def test_those_that_look_in_the_same_place_are_looked_up_together(world: World) -> None:
    world.write([ITEMS[0]])
    view = world.view
    asks = [
        ask(near("a", 1), near("b", 2), limit=7, union=True),
        ask(near("a", 3), limit=30),
        ask(near("c", 9, weight=2.0)),
    ]
    world.many(*asks, ask(near("a", 1), filter=SHOES), ask(near("a", 1), accuracy=Accuracy.FAST))
    assert sorted(view.looked_up) == [(1, 10), (1, 10), (4, 30)]


def test_one_that_needs_many_does_not_make_the_others_dear(world: World) -> None:
    world.write([ITEMS[0]])
    view = world.view
    world.many(ask(near("a", 1)), ask(near("a", 2), limit=1000), ask(near("a", 3)))
    assert sorted(view.looked_up) == [(1, 1000), (2, 10)]


def test_a_bad_one_fails_alone(world: World) -> None:
    problem = InvalidInput("accuracy", "is not one of the known values")
    good = ask(near("a", 1), limit=1)
    outcomes = world.many(
        problem,
        good,
        ask(),
        ask(near("a", 1), catalogue=""),
        ask(near("a", 1), catalogue="none"),
        ask(near("a", 1), space=OTHER_SPACE.name),
        ask(Query("a", item_id="none")),
        ask(near("a", 1), min_version="nonsense"),
        ask(replace(near("a", 1), vector=b"1234")),
        good,
    )
    kinds = [type(outcome) for outcome in outcomes]
    bad = [InvalidInput, InvalidInput, NotFound, SpaceMismatch, NotFound, InvalidInput, InvalidInput]
    assert kinds == [InvalidInput, Answered, *bad, Answered]
    assert outcomes[0] is problem
    fields = [outcome.field for outcome in outcomes if isinstance(outcome, InvalidInput)]
    assert fields == ["accuracy", "queries", "catalogue", "min_version", "queries[0].vector.data"]
    assert told(outcomes[1]) == told(outcomes[9])


@pytest.mark.parametrize("count", [0, 65])
def test_a_call_has_one_search_to_sixty_four(world: World, count: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.many(*[ask(near("a", 1))] * count)
    assert refused.value.field == "searches"


def test_searches_beyond_the_work_of_a_call_belong_into_another(world: World) -> None:
    dear = ask(*(near(f"q{number}", number) for number in range(64)), limit=1000, also_score=["i00"] * 1000)
    broad = [ask(*(near(f"q{number}", number) for number in range(64)), limit=1)] * 9
    assert [type(one) for one in world.many(dear, ask(near("a", 1)))] == [Answered, Overloaded]
    assert [type(one) for one in world.many(*broad)] == [Answered] * (MAX_QUERIES_IN_ALL // 64) + [Overloaded]


@pytest.fixture
def fresh() -> Iterator[World]:
    made = World()
    yield made
    made.shelves.close()


def test_one_that_waits_for_its_version_does_not_hold_up_the_others(fresh: World) -> None:
    """The call goes on until the version is there; what the others found is of the time before."""
    before = fresh.view.version
    mark = before.marks[0]
    assert mark is not None
    next_one = replace(mark, position=Position(mark.position.milliseconds + 10**9, 0))
    seen: list[int] = []

    def wanted() -> bool:
        # Asked again and again while it waits, and after the others have been answered.
        if fresh.view.looked_up and not seen:
            seen.append(len(fresh.view.looked_up))
            fresh.shelf._apply(0, [], [], next_one)
        return True

    outcomes = fresh.many(
        ask(near("a", 1), min_version=Version((next_one,)).encode()), ask(near("a", 1)), wanted=wanted
    )
    late, early = outcomes
    assert isinstance(late, Answered)
    assert isinstance(early, Answered)
    assert (early.view.version, late.view.version) == (before, Version((next_one,)))
    assert late.wait_ms >= early.wait_ms


def test_one_that_waits_in_vain_fails_with_its_own_deadline(fresh: World) -> None:
    outcomes = fresh.many(ask(near("a", 1), min_version=NEVER, timeout_s=0.05), ask(near("a", 1), timeout_s=20))
    assert [type(outcome) for outcome in outcomes] == [TooLate, Answered]


def test_a_call_does_not_wait_longer_than_its_own_deadline(fresh: World) -> None:
    with pytest.raises(TooLate):
        fresh.many(ask(near("a", 1), min_version=NEVER), ask(near("a", 1)), budget_s=0.1)


def test_what_is_out_of_bounds_by_itself_is_refused_for_good_and_makes_no_room(world: World) -> None:
    """Sent again it would be as wrong; and a negative limit is no work that others may do."""
    greatest = ask(*(near(f"q{n}", n) for n in range(64)), limit=1000, also_score=[f"x{n}" for n in range(1000)])
    negative, huge = ask(near("a", 1), limit=-(2**31)), ask(near("a", 1), limit=5_000_000)
    outcomes = world.many(negative, huge, greatest, greatest)
    assert [type(one) for one in outcomes] == [InvalidInput, InvalidInput, Answered, Overloaded]


def test_where_too_many_wait_only_those_that_would_have_to_fail(fresh: World) -> None:
    with fresh.desk.place_to_wait():
        outcomes = fresh.many(ask(near("a", 1), min_version=NEVER), ask(near("a", 1)))
    assert [type(outcome) for outcome in outcomes] == [Overloaded, Answered]


def test_an_item_that_is_only_in_the_record_yet_is_looked_up_after_the_others(fresh: World) -> None:
    """Its vector is read where waiting is allowed."""
    new = record("new", 5)
    fresh.shelves.close()  # nobody reads the log any more
    fresh.shelf.catalogue.write(0, [new], (), None)
    outcomes = fresh.many(ask(Query("a", item_id="new"), limit=1), ask(near("a", 5), limit=1))
    assert [outcome.found.hits.ids for outcome in outcomes if isinstance(outcome, Answered)] == [["i05"], ["i05"]]
    assert [len(fresh.view.looked_up)] == [2]


def test_one_whose_time_is_up_is_not_searched_for(fresh: World) -> None:
    outcomes = fresh.many(ask(near("a", 1), timeout_s=0.0), ask(near("a", 2)))
    assert [type(outcome) for outcome in outcomes] == [TooLate, Answered]
    assert fresh.view.looked_up == [(1, 10)]


def test_nobody_is_searched_for_who_went_away(fresh: World) -> None:
    with pytest.raises(TooLate):
        fresh.many(ask(near("a", 1)), wanted=lambda: False)
    assert fresh.view.looked_up == []


@pytest.mark.parametrize("looks", range(1, 5))
def test_who_goes_away_in_the_middle_is_given_up_there(fresh: World, looks: int) -> None:
    """Whenever that is: between the stages, and within the look-up."""
    left = threading.Semaphore(looks)
    with pytest.raises(TooLate):
        fresh.many(ask(near("a", 1)), ask(near("a", 2)), wanted=lambda: left.acquire(blocking=False))


def test_vectors_are_never_mixed_up(world: World) -> None:
    """Sixty-four different searches, each of which finds the item it is of."""
    chosen = [number % 40 for number in range(64)]
    outcomes = world.many(*(ask(near("q", number), limit=1) for number in chosen))
    for number, outcome in zip(chosen, outcomes, strict=True):
        assert isinstance(outcome, Answered)
        assert outcome.found.hits.ids == [f"i{number:02}"]
        assert np.frombuffer(encode(vectors(number)[0]), "<f4") == pytest.approx(outcome.found.hits.vectors(1)[0])
