"""Reading tastes: kept while they hold, folded when they do not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from services.errors import InvalidInput, NotFound, NotReady, SpaceMismatch
from services.profile.event_store import Batch, Window
from services.profile.events import Event, EventType
from services.profile.person import Consent
from services.profile.reader import MAX_TASTES, TasteQuery, TasteReader, TasteView
from services.profile.store import ProfileStore
from services.profile.store_memory import MemoryProfileStore
from services.profile.taste import Taste, TasteRules
from services.profile.taste_store import Glance, Wanted
from services.spaces import canonical
from tests.profile.builders import MIDNIGHT_MS, MINUTE_MS, OTHER_SPACE, SPACE, event, near, person

ADA = TasteQuery("ada", "shop")


class CountingStore(MemoryProfileStore):
    """Remembers how often it was asked for looks and for windows."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = self.windows = 0

    def glance(self, wanted: Sequence[Wanted]) -> list[Glance | None]:
        self.looks += 1
        return super().glance(wanted)

    def window(self, user_id: str, catalogue: str) -> Window:
        self.windows += 1
        return super().window(user_id, catalogue)


@pytest.fixture
def store() -> CountingStore:
    store = CountingStore()
    store.swap(b"", person("ada"))
    store.swap(b"", person("bob", Consent()))
    store.keep_space(SPACE)
    store.keep_space(OTHER_SPACE)
    return store


@pytest.fixture
def reader(store: CountingStore) -> TasteReader:
    return TasteReader(store, TasteRules())


def learn(store: ProfileStore, *events: Event) -> None:
    store.record([Batch("ada", "shop", events)], MIDNIGHT_MS)


def same(one: TasteView, other: TasteView) -> bool:
    mine, theirs = one.taste.interests, other.taste.interests
    vectors = all(np.array_equal(a.vector, b.vector) for a, b in zip(mine, theirs, strict=True))
    return vectors and [(each.weight, each.sources) for each in mine] == [
        (each.weight, each.sources) for each in theirs
    ]


def test_a_taste_is_folded_once_and_then_only_looked_at(store: CountingStore, reader: TasteReader) -> None:
    learn(store, event(vector=near(0)), event(vector=near(1)))
    first = reader.one(ADA)
    again = [reader.one(ADA) for _ in range(3)]
    assert len(first.taste.interests) == 2
    assert all(same(first, each) for each in again)
    assert (store.looks, store.windows) == (4, 1)


def test_one_more_event_is_in_the_next_answer(store: CountingStore, reader: TasteReader) -> None:
    learn(store, event(vector=near(0)))
    assert len(reader.one(ADA).taste.interests) == 1
    learn(store, event(vector=near(1)))
    assert len(reader.one(ADA).taste.interests) == 2


def test_other_rules_do_not_use_what_was_kept_under_the_old_ones(store: CountingStore, reader: TasteReader) -> None:
    learn(store, event(vector=near(0)), event(vector=near(1)))
    reader.one(ADA)
    assert len(TasteReader(store, TasteRules(max_interests=1)).one(ADA).taste.interests) == 1


def test_somebody_without_events_has_an_empty_taste(reader: TasteReader, store: CountingStore) -> None:
    assert reader.one(ADA) == TasteView(personalised=True)
    learn(store, event(EventType.IMPRESSION))
    assert reader.one(ADA).taste == Taste()


def test_without_consent_there_is_nothing_but_that(reader: TasteReader) -> None:
    assert reader.one(TasteQuery("bob", "shop", include_seen=True)) == TasteView(personalised=False)


def test_seen_items_come_when_asked_for(store: CountingStore, reader: TasteReader) -> None:
    learn(store, event(item="old", time_ms=MIDNIGHT_MS - MINUTE_MS), event(item="new"))
    assert reader.one(ADA).seen == ()
    assert reader.one(TasteQuery("ada", "shop", include_seen=True)).seen == ("new", "old")


def moved(store: ProfileStore) -> Event:
    """An event from before the catalogue moved to another space."""
    before = event(
        space=OTHER_SPACE.name, vector=canonical(np.ones(6, dtype=np.float32)), time_ms=MIDNIGHT_MS - MINUTE_MS
    )
    learn(store, before)
    return before


def test_the_space_is_that_of_the_latest_event_unless_asked_for(store: CountingStore, reader: TasteReader) -> None:
    moved(store)
    learn(store, event())
    assert reader.one(ADA).taste.space == SPACE.name
    old = reader.one(TasteQuery("ada", "shop", OTHER_SPACE.name)).taste
    assert (old.space, old.events) == (OTHER_SPACE.name, 1)
    assert reader.one(ADA).taste.space == SPACE.name


def test_a_space_without_an_event_of_theirs_is_a_mismatch(store: CountingStore, reader: TasteReader) -> None:
    moved(store)
    with pytest.raises(SpaceMismatch) as caught:
        reader.one(TasteQuery("ada", "shop", SPACE.name))
    assert (caught.value.expected, caught.value.given) == (SPACE.name, OTHER_SPACE.name)


def test_a_space_whose_blocks_were_lost_is_not_ready(store: CountingStore, reader: TasteReader) -> None:
    learn(store, event(space="toy@0000000000000000"))
    with pytest.raises(NotReady):
        reader.one(ADA)


def test_several_are_answered_from_one_look_each_with_its_own_end(store: CountingStore, reader: TasteReader) -> None:
    learn(store, event())
    reader.one(ADA)
    store.looks = store.windows = 0
    ada, nobody, wrong, bob = reader.several(
        [ADA, TasteQuery("nobody", "shop"), TasteQuery("ada", "no such name"), TasteQuery("bob", "shop")]
    )
    assert isinstance(ada, TasteView)
    assert len(ada.taste.interests) == 1
    assert isinstance(nobody, NotFound)
    assert isinstance(wrong, InvalidInput)
    assert wrong.field == "requests[2].catalogue"
    assert bob == TasteView(personalised=False)
    assert (store.looks, store.windows) == (1, 0)


@pytest.mark.parametrize("count", [0, MAX_TASTES + 1])
def test_one_to_sixty_four_can_be_asked_for(reader: TasteReader, count: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        reader.several([ADA] * count)
    assert caught.value.field == "requests"


@pytest.mark.parametrize(
    ("query", "field"),
    [(TasteQuery("", "shop"), "user_id"), (TasteQuery("ada", ""), "catalogue"), (TasteQuery("ada", "{"), "catalogue")],
)
def test_bad_input_is_named(reader: TasteReader, query: TasteQuery, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        reader.one(query)
    assert caught.value.field == field
