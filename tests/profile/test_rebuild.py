"""Tastes made anew, page by page: in a space that is new, of what is kept and of what is remembered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from services.errors import InvalidInput, NotFound, NotReady, SpaceMismatch
from services.profile.catalogue.items import CatalogueItem, MemoryItems, Resolved
from services.profile.events import memory
from services.profile.events.event import Event, EventType
from services.profile.events.event_store import Batch
from services.profile.filing.store import ProfileStore
from services.profile.filing.store_rules import StoreRules
from services.profile.people.person import Consent
from services.profile.taste.rebuild import Rebuilder, Rebuilt
from services.profile.taste.taste_store import TasteQuery
from services.spaces import Float16, canonical
from tests.profile.builders import MIDNIGHT_MS, MINUTE_MS, OTHER_SPACE, SPACE, Parts, event, parts, person, shop
from tests.profile.conftest import MakeStore

BOUNDS = StoreRules(window=6, block=3, per_minute=1000)
PEOPLE = [f"person-{number}" for number in range(7)]


class Moving(MemoryItems):
    """A catalogue that has a second space; `blue` items have no vector there. Counts its lookups."""

    def __init__(self) -> None:
        names = [f"{colour}-{number}" for colour in ("red", "green", "blue") for number in range(60)]
        known = shop().resolve("shop", names)
        moved = {
            name: CatalogueItem(item.domain, None if name.startswith("blue") else there(name))
            for name, item in known.items.items()
        }
        super().__init__({"shop": known}, {"shop": [Resolved(OTHER_SPACE, moved)]})
        self.lookups = 0
        self.away = False

    def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
        if self.away:
            raise NotReady("indexer cannot be reached")
        self.lookups += bool(item_ids)
        return super().resolve(catalogue, item_ids, space)


def there(name: str) -> Float16:
    """Red and green at right angles, in the other space, too."""
    return canonical(np.eye(6, dtype=np.float32)[0 if name.startswith("red") else 1])


@pytest.fixture
def items() -> Moving:
    return Moving()


@pytest.fixture
def store(make_store: MakeStore) -> ProfileStore:
    store = make_store(BOUNDS)
    for name in PEOPLE:
        store.swap(b"", person(name))
    store.swap(b"", person("bob", Consent()))
    store.keep_space(SPACE)
    return store


@pytest.fixture
def made(store: ProfileStore, items: Moving) -> Parts:
    return parts(store, items, bounds=BOUNDS)


def learn(store: ProfileStore, user: str, *names: str, type_: EventType = EventType.LIKE) -> None:
    catalogue = shop()
    told: list[Event] = []
    for number, name in enumerate(names):
        item = catalogue.resolve("shop", [name]).items[name]
        time_ms = MIDNIGHT_MS - (len(names) - number) * MINUTE_MS
        told.append(event(type_, name, time_ms, vector=item.vector))
    store.record([Batch(user, "shop", told)], MIDNIGHT_MS)


def walk(rebuilder: Rebuilder, size: int, space: str = OTHER_SPACE.name) -> list[Rebuilt]:
    pages = [rebuilder.page("shop", space, size)]
    while pages[-1].token:
        pages.append(rebuilder.page("shop", space, size, pages[-1].token))
    return pages


def total(pages: list[Rebuilt]) -> tuple[int, int, int]:
    return sum(each.people for each in pages), sum(each.rebuilt for each in pages), sum(each.lost for each in pages)


def test_every_taste_is_there_in_the_new_space_before_anybody_asks(
    store: ProfileStore, made: Parts, items: Moving
) -> None:
    for name in PEOPLE[:5]:
        learn(store, name, "red-1", "green-2", "blue-3")
    learn(store, "bob", "red-1")
    pages = walk(made.rebuilder, 3)
    assert total(pages) == (5, 5, 5)
    asked = items.lookups
    for name in PEOPLE[:5]:
        view = made.tastes.one(TasteQuery(name, "shop", OTHER_SPACE.name))
        assert (view.taste.space, view.taste.events) == (OTHER_SPACE.name, 2)
        assert made.tastes.one(TasteQuery(name, "shop")).taste.space == SPACE.name
    assert items.lookups == asked


def test_a_page_looks_up_each_item_once(store: ProfileStore, made: Parts, items: Moving) -> None:
    for name in PEOPLE:
        learn(store, name, "red-1", "green-2")
    made.rebuilder.page("shop", OTHER_SPACE.name, 1000)
    assert items.lookups == 1


def test_once_more_makes_the_same(store: ProfileStore, made: Parts) -> None:
    for name in PEOPLE:
        learn(store, name, "red-1", "blue-1")
    assert total(walk(made.rebuilder, 2)) == total(walk(made.rebuilder, 50)) == (7, 7, 7)


def test_without_a_space_it_is_the_present_one(store: ProfileStore, made: Parts) -> None:
    learn(store, PEOPLE[0], "red-1")
    (page,) = walk(made.rebuilder, 50, "")
    assert (page.people, page.rebuilt, page.lost) == (1, 1, 0)


def test_what_is_remembered_in_the_long_term_moves_by_its_items(store: ProfileStore, made: Parts) -> None:
    """Red was liked long ago: only the memory knows of it."""
    ada = PEOPLE[0]
    learn(store, ada, "red-1", "red-2", "red-3", *[f"green-{n}" for n in range(6)])
    assert made.settler.settle(made.settler.due(ada, "shop", 9)) == [True]
    walk(made.rebuilder, 50)
    taste = made.tastes.one(TasteQuery(ada, "shop", OTHER_SPACE.name)).taste
    liked = {int(np.argmax(interest.vector)) for interest in taste.interests}
    assert liked == {0, 1}
    kept = memory.unpack(store.window(ada, "shop").memory)
    assert set(kept.centres) == {SPACE.name, OTHER_SPACE.name}
    assert kept.events == 3


def test_it_moves_with_somebody_who_is_not_looked_at_meanwhile(store: ProfileStore, made: Parts, items: Moving) -> None:
    """What was done in the new space is settled before anybody asks for a taste there."""
    ada = PEOPLE[0]
    learn(store, ada, "red-1", "red-2", "red-3", *[f"blue-{n}" for n in range(6)])
    assert made.settler.settle(made.settler.due(ada, "shop", 9)) == [True]
    after = [
        event(item=f"green-{n}", time_ms=MIDNIGHT_MS + n, space=OTHER_SPACE.name, vector=there(f"green-{n}"))
        for n in range(12)
    ]
    store.record([Batch(ada, "shop", after[:6])], MIDNIGHT_MS)
    store.keep_space(OTHER_SPACE)
    items.away = True
    assert made.settler.settle(made.settler.due(ada, "shop", 12)) == [True]
    store.record([Batch(ada, "shop", after[6:])], MIDNIGHT_MS)
    assert made.settler.settle(made.settler.due(ada, "shop", 12)) == [False]
    items.away = False
    moved = parts(store, items, bounds=BOUNDS)
    assert moved.settler.settle(moved.settler.due(ada, "shop", 12)) == [True]
    kept = memory.unpack(store.window(ada, "shop").memory)
    liked = {int(np.argmax(centre.vector)) for centre in kept.centres[OTHER_SPACE.name]}
    assert liked == {0, 1}


def test_photos_have_no_vector_there_and_are_told_as_lost(store: ProfileStore, made: Parts) -> None:
    ada = PEOPLE[0]
    store.record([Batch(ada, "shop", [event(EventType.UPLOAD), event(EventType.IMPRESSION)])], MIDNIGHT_MS)
    assert total(walk(made.rebuilder, 50)) == (1, 1, 1)


def test_what_waits_is_looked_up(store: ProfileStore, made: Parts) -> None:
    ada = PEOPLE[0]
    waits = event(item="red-5", pending=True, vectors={}, domain="")
    store.record([Batch(ada, "shop", [waits])], MIDNIGHT_MS)
    assert total(walk(made.rebuilder, 50, "")) == (1, 1, 0)
    assert [item_id for item_id, _ in store.popular("shop", (), 10)] == ["red-5"]
    assert made.tastes.one(TasteQuery(ada, "shop")).taste.events == 1


def test_bad_requests_are_refused(made: Parts, items: Moving) -> None:
    for wrong, problem in [
        (("Shop {1}", "", 0, ""), InvalidInput),
        (("shop", "", -1, ""), InvalidInput),
        (("shop", "", 0, "no token"), InvalidInput),
        (("unknown", "", 0, ""), NotFound),
        (("shop", "toy@0000000000000000", 0, ""), SpaceMismatch),
    ]:
        with pytest.raises(problem):
            made.rebuilder.page(*wrong)


def test_while_the_catalogue_is_away_nothing_is_done(store: ProfileStore, made: Parts, items: Moving) -> None:
    learn(store, PEOPLE[0], "red-1")
    items.away = True
    with pytest.raises(NotReady):
        made.rebuilder.page("shop", OTHER_SPACE.name)
