"""A catalogue that does not answer: who waits for it, for how long, and what is known meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from services.errors import NotReady, TooLate, VisrecError
from services.profile.catalogue.items import Items, Resolved
from services.profile.catalogue.patience import PatientItems
from services.profile.events.event_store import Outcome
from services.profile.filing.store_memory import MemoryProfileStore
from services.profile.taste.folder import Folder
from services.profile.taste.liking import TasteRules
from services.profile.taste.taste_store import TasteQuery
from services.spaces import Float16, Space
from tests.profile.builders import MIDNIGHT_MS, given, parts, person, shop


class Failing(Items):
    """Raises `problem` while there is one; tells when it is asked."""

    def __init__(self) -> None:
        self.problem: VisrecError | None = None
        self.on_asked: Callable[[], object] = bool
        self._inner = shop()

    def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
        self.on_asked()
        if self.problem is not None:
            raise self.problem
        return self._inner.resolve(catalogue, item_ids, space)

    def carrying(self, catalogue: str, space: Space, word: str, limit: int) -> Sequence[Float16]:
        return []

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def items() -> Failing:
    return Failing()


@pytest.fixture
def store() -> MemoryProfileStore:
    store = MemoryProfileStore()
    store.swap(b"", person())
    return store


def test_whoever_has_no_time_is_told_what_is_known_and_the_next_one_asks(
    items: Failing, store: MemoryProfileStore
) -> None:
    made = parts(store, items)
    assert made.recorder.record([given(item="red-0")]) == [Outcome.LEARNED]
    items.problem = TooLate("no time")
    assert made.recorder.record([given(item="red-1", time_ms=MIDNIGHT_MS - 1)]) == [Outcome.PENDING]
    view = made.tastes.one(TasteQuery("ada", "shop"))
    assert (view.taste.events, view.kept.waiting) == (1, 1)
    items.problem = None
    view = made.tastes.one(TasteQuery("ada", "shop"))
    assert (view.taste.events, view.kept.waiting) == (2, 0)


def test_a_fold_looks_up_within_its_bound(items: Failing, store: MemoryProfileStore) -> None:
    made, bounds = parts(store, items), list[str]()

    @contextmanager
    def bound() -> Iterator[None]:
        bounds.append("begins")
        yield
        bounds.append("ends")

    made.recorder.record([given()])
    items.problem = TooLate("no time")
    made.recorder.record([given(item="red-1")])
    items.on_asked = lambda: bounds.append("asked")
    Folder(made.resolver, made.settler, TasteRules(), bound=bound).fold("ada", "shop", store.window("ada", "shop"))
    assert bounds == ["begins", "asked", "ends"]


def test_a_catalogue_that_comes_back_while_it_rests_fails_nobody() -> None:
    """Somebody who asked before it failed is answered just while another looks whether it has failed."""
    items = Failing()
    looks: list[Callable[[], object]] = []

    def now_ms() -> int:
        if looks:
            looks.pop()()
        return MIDNIGHT_MS

    patient = PatientItems(items, now_ms)
    items.problem = NotReady("away")
    with pytest.raises(NotReady):
        patient.resolve("shop", ["red-0"])
    looks.append(patient._failures.clear)
    with pytest.raises(NotReady):
        patient.resolve("shop", ["red-0"])


def test_what_was_looked_up_for_many_is_not_copied_for_each(items: Failing, store: MemoryProfileStore) -> None:
    made = parts(store, items)
    made.recorder.record([given(item="red-0")])
    found = made.resolver.look_up("shop", ["red-0", "green-0"])
    assert made.resolver.written("ada", "shop", store.window("ada", "shop"), found).items is found.items
