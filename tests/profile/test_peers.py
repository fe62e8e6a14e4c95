"""The indexer over real gRPC, as this service asks it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import pytest

from services.errors import NotFound, NotReady, SpaceMismatch, TooLate
from services.profile.catalogue.items import CatalogueItem, MemoryItems, Resolved
from services.profile.catalogue.peers import IDEMPOTENT, IndexerItems, lookups_within
from services.runtime import deadlines
from services.runtime.channel import open_channel
from services.runtime.settings import RuntimeSettings
from services.spaces import Float16, Space, canonical
from tests.profile.builders import OTHER_SPACE, SPACE, near, shop
from tests.profile.fake_indexer import FakeIndexer, fake_indexer, indexer

PATIENT_S = 60.0
MOVED = canonical(np.eye(6, dtype=np.float32)[0])


@pytest.fixture
def fake() -> FakeIndexer:
    return fake_indexer(shop())


@pytest.fixture
def items(fake: FakeIndexer, runtime: RuntimeSettings) -> Iterator[IndexerItems]:
    with serving(fake, runtime) as items:
        yield items


@contextmanager
def serving(fake: FakeIndexer, runtime: RuntimeSettings, patience_s: float = PATIENT_S) -> Iterator[IndexerItems]:
    with indexer(fake) as target:
        settings = runtime.model_copy(update={"indexer_target": target})
        items = IndexerItems(open_channel("indexer", settings, idempotent=IDEMPOTENT), patience_s)
        yield items
        items.close()


def asking(known: MemoryItems, runtime: RuntimeSettings) -> AbstractContextManager[IndexerItems]:
    return serving(fake_indexer(known), runtime)


def test_items_come_with_domain_and_first_vector_and_those_missing_do_not(items: IndexerItems) -> None:
    found = items.resolve("shop", ["green-3", "unknown"])
    assert found.space == SPACE
    assert set(found.items) == {"green-3"}
    assert found.items["green-3"].domain == "furniture"
    assert np.array_equal(np.asarray(found.items["green-3"].vector), near(1, 0.05, seed=3))


def test_category_and_the_first_tags_come_with_an_item(runtime: RuntimeSettings) -> None:
    words = ("x" * 65, *(f"tag-{number}" for number in range(9)))
    known = MemoryItems({"shop": Resolved(SPACE, {"coat": CatalogueItem("fashion", near(0), "coats", words)})})
    with asking(known, runtime) as items:
        (coat,) = items.resolve("shop", ["coat"]).items.values()
    assert (coat.category, coat.tags) == ("coats", words[1:9])


def test_items_come_in_the_space_asked_for_and_without_a_vector_where_they_have_none(runtime: RuntimeSettings) -> None:
    both = {"coat": CatalogueItem("fashion", near(0)), "hat": CatalogueItem("fashion", near(1))}
    moved = {"coat": CatalogueItem("fashion", MOVED), "hat": CatalogueItem("fashion", None)}
    known = MemoryItems({"shop": Resolved(SPACE, both)}, {"shop": [Resolved(OTHER_SPACE, moved)]})
    with asking(known, runtime) as items:
        found = items.resolve("shop", ["coat", "hat"], OTHER_SPACE.name)
        assert found.space == OTHER_SPACE
        assert np.array_equal(np.asarray(found.items["coat"].vector), MOVED)
        assert found.items["hat"].vector is None
        with pytest.raises(SpaceMismatch):
            items.resolve("shop", ["coat"], "toy@0000000000000000")
        with pytest.raises(SpaceMismatch):
            items.resolve("shop", [], "toy@0000000000000000")


def test_items_that_carry_a_word_are_found_however_it_is_written(runtime: RuntimeSettings) -> None:
    rows = {
        "coat": CatalogueItem("fashion", near(0), "Minimalism"),
        "hat": CatalogueItem("fashion", near(1), "hats", ("minimalism", "wool")),
        "shoe": CatalogueItem("fashion", near(2), "shoes"),
        "sock": CatalogueItem("fashion", None, "minimalism"),
    }
    with asking(MemoryItems({"shop": Resolved(SPACE, rows)}), runtime) as items:
        found = items.carrying("shop", SPACE, "minimalism", 10)
        assert {vector.tobytes() for vector in found} == {near(0).tobytes(), near(1).tobytes()}
        assert len(items.carrying("shop", SPACE, "minimalism", 1)) == 1
        assert not items.carrying("shop", SPACE, "silk", 10)
        with pytest.raises(NotFound):
            items.carrying("nowhere", SPACE, "minimalism", 10)
        with pytest.raises(SpaceMismatch):
            items.carrying("shop", OTHER_SPACE, "minimalism", 10)


def test_the_blocks_of_a_space_are_asked_for_once(items: IndexerItems, fake: FakeIndexer) -> None:
    for number in range(3):
        items.resolve("shop", [f"red-{number}"])
    assert fake.calls == ["BatchGetItems", "ListSpaces", "BatchGetItems", "BatchGetItems"]


def test_without_items_only_the_space_is_asked_for(items: IndexerItems, fake: FakeIndexer) -> None:
    assert items.resolve("shop", []).space == SPACE
    assert fake.calls == ["ListSpaces"]


def test_an_unknown_catalogue_is_not_found(items: IndexerItems) -> None:
    with pytest.raises(NotFound) as caught:
        items.resolve("unknown", ["red-1"])
    assert (caught.value.kind, caught.value.name) == ("catalogue", "unknown")


def test_an_indexer_that_is_away_is_not_ready(runtime: RuntimeSettings) -> None:
    with indexer(fake_indexer(shop())) as target:
        pass
    settings = runtime.model_copy(update={"indexer_target": target})
    items = IndexerItems(open_channel("indexer", settings, idempotent=IDEMPOTENT), PATIENT_S)
    with pytest.raises(NotReady):
        items.resolve("shop", ["red-1"])
    items.close()


def test_an_indexer_that_does_not_answer_is_away_but_not_for_want_of_time(runtime: RuntimeSettings) -> None:
    released = threading.Event()

    class Hanging(MemoryItems):
        def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
            released.wait()
            return super().resolve(catalogue, item_ids, space)

        def carrying(self, catalogue: str, space: Space, word: str, limit: int) -> Sequence[Float16]:
            released.wait()
            return []

    with serving(fake_indexer(Hanging({})), runtime, patience_s=0.05) as items:
        try:
            for ask in (
                lambda: items.resolve("shop", ["red-1"]),
                lambda: items.resolve("shop", []),
                lambda: items.carrying("shop", SPACE, "oak", 1),
            ):
                with pytest.raises(NotReady):
                    ask()
                for bound in (deadlines.within, lookups_within):
                    with bound(0.02), pytest.raises(TooLate):
                        ask()
        finally:
            released.set()


def test_what_is_done_with_what_was_looked_up_has_the_time_of_the_call(items: IndexerItems) -> None:
    with lookups_within(0):
        with pytest.raises(TooLate):
            items.resolve("shop", ["red-1"])
        assert deadlines.remaining_s() is None
    assert items.resolve("shop", ["red-1"]).items


def test_no_lookup_outlives_the_call_it_is_for(items: IndexerItems) -> None:
    with deadlines.within(0), pytest.raises(TooLate):
        items.resolve("shop", ["red-1"])
