"""Collaborative vectors as a job puts them: each fails alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from services.errors import InvalidInput, NotFound, NotReady, Refused, SpaceMismatch, VisrecError
from services.profile.catalogue.items import MemoryItems, Resolved
from services.profile.collaborative.given_vector import GivenVector
from services.profile.collaborative.placer import MAX_VECTORS, GivenPlace, Placer
from services.profile.collaborative.vector_store import Placed, Placing, VectorStore
from services.spaces import encode
from tests.profile.builders import OTHER_SPACE, SPACE, near
from tests.profile.test_collaborative import FACTORS, factors


class FakeStore(VectorStore):
    """Knows Ada, and Bob, who does not consent."""

    def __init__(self) -> None:
        self.put: dict[str, Placed] = {}

    def put_vectors(self, catalogue: str, placed: Sequence[Placed], learned_ms: int | None = None) -> list[Placing]:
        return [self._put(each) for each in placed] if learned_ms is None else [Placing.OUTDATED] * len(placed)

    def _put(self, placed: Placed) -> Placing:
        if placed.user_id != "ada":
            return Placing.REFUSED if placed.user_id == "bob" else Placing.UNKNOWN_USER
        self.put[placed.user_id] = placed
        return Placing.PUT


class CountingItems(MemoryItems):
    """Counts what it is asked."""

    asked = 0

    def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
        self.asked += 1
        return super().resolve(catalogue, item_ids, space)


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def items() -> CountingItems:
    return CountingItems({"shop": Resolved(SPACE, {})}, {"shop": [Resolved(FACTORS, {})]})


def place(user: str = "ada", space: str = FACTORS.name, data: bytes = encode(2 * factors(0, 1))) -> GivenPlace:
    return GivenPlace(user, GivenVector(space, data))


def kinds(results: Sequence[VisrecError | None]) -> list[type]:
    return [type(each) for each in results]


def test_a_vector_is_put_normalised(store: FakeStore, items: CountingItems) -> None:
    assert Placer(store, items).put("shop", [place()]) == [None]
    put = store.put["ada"]
    assert put.space == FACTORS.name
    np.testing.assert_allclose(put.vector, factors(0, 1), atol=1e-3)


def test_each_fails_alone(store: FakeStore, items: CountingItems) -> None:
    given = [place("nobody"), place("bob"), place(), place(""), place(data=b"1234"), place(space=OTHER_SPACE.name)]
    results = Placer(store, items).put("shop", [*given, place(space="")])
    assert kinds(results) == [
        NotFound,
        Refused,
        type(None),
        InvalidInput,
        InvalidInput,
        SpaceMismatch,
        InvalidInput,
    ]
    assert isinstance(results[4], InvalidInput)
    assert results[4].field == "vectors[4].vector.data"
    assert results[1] is not None
    assert results[1].reason == "CONSENT_MISSING"


def test_a_space_is_looked_up_once(store: FakeStore, items: CountingItems) -> None:
    Placer(store, items).put("shop", [place(), place("bob"), place(space=OTHER_SPACE.name), place()])
    assert items.asked == 3  # and the present one


def test_how_many_may_be_put_is_bounded(store: FakeStore, items: CountingItems) -> None:
    for number in (0, MAX_VECTORS + 1):
        with pytest.raises(InvalidInput):
            Placer(store, items).put("shop", [place()] * number)


def test_an_unknown_catalogue_and_an_indexer_that_is_away_fail_the_call(store: FakeStore, items: CountingItems) -> None:
    class Away(CountingItems):
        def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
            raise NotReady("the indexer is away")

    with pytest.raises(NotFound):
        Placer(store, items).put("nowhere", [place()])
    with pytest.raises(NotReady):
        Placer(store, Away({})).put("shop", [place()])


def test_what_was_learned_before_something_was_forgotten_is_refused(store: FakeStore, items: CountingItems) -> None:
    (problem,) = Placer(store, items).put("shop", [place()], learned_ms=1)
    assert isinstance(problem, Refused)
    assert problem.reason == "LEARNED_BEFORE"
    assert not store.put


def test_the_catalogue_is_not_asked_about_a_thousand_spaces(store: FakeStore, items: CountingItems) -> None:
    with pytest.raises(InvalidInput, match="spaces"):
        Placer(store, items).put("shop", [place(space=f"space-{number}@1") for number in range(100)])
    assert items.asked == 0


def test_a_person_is_not_placed_among_photos(store: FakeStore, items: CountingItems) -> None:
    visual = GivenVector(SPACE.name, encode(near(0)))
    (problem,) = Placer(store, items).put("shop", [replace(place(), vector=visual)])
    assert isinstance(problem, InvalidInput)
    assert problem.field == "vectors[0].vector.space"
    assert not store.put
