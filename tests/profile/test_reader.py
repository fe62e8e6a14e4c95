"""Reading tastes: kept while they hold, folded when they do not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from services.errors import InvalidInput, NotFound, NotReady, SpaceMismatch
from services.profile.catalogue.items import CatalogueItem, MemoryItems, Resolved
from services.profile.events.event import Event, EventType
from services.profile.events.event_store import Batch, Window
from services.profile.filing.store import ProfileStore
from services.profile.filing.store_memory import MemoryProfileStore
from services.profile.filing.store_rules import StoreRules
from services.profile.people.person import Consent
from services.profile.taste.liking import Taste, TasteRules
from services.profile.taste.reader import MAX_TASTES, TasteReader, TasteView
from services.profile.taste.taste_store import Glance, TasteQuery
from services.profile.wire.kept import FORMS
from services.spaces import canonical
from tests.profile.builders import MIDNIGHT_MS, MINUTE_MS, OTHER_SPACE, SPACE, Clock, event, near, parts, person, shop

ADA = TasteQuery("ada", "shop")
MOVED = canonical(np.eye(6, dtype=np.float32)[0])


class CountingStore(MemoryProfileStore):
    """Remembers how often it was asked for looks and for windows."""

    def __init__(self, bounds: StoreRules | None = None) -> None:
        super().__init__(bounds)
        self.looks = self.windows = 0

    def glance(self, queries: Sequence[TasteQuery]) -> list[Glance | None]:
        self.looks += 1
        return super().glance(queries)

    def window(self, user_id: str, catalogue: str) -> Window:
        self.windows += 1
        return super().window(user_id, catalogue)


class MovingItems(MemoryItems):
    """A catalogue in two spaces, away when told so. Remembers in which space it was asked for how many items."""

    away = False

    def __init__(self) -> None:
        known = shop().resolve("shop", ["red-0", "green-0", "blue-0"])
        moved = {name: CatalogueItem(item.domain, MOVED) for name, item in known.items.items() if name != "blue-0"}
        super().__init__({"shop": known}, {"shop": [Resolved(OTHER_SPACE, moved)]})
        self.asked: list[tuple[str, int]] = []

    def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
        if self.away:
            raise NotReady("indexer cannot be reached")
        self.asked.append((space, len(item_ids)))
        return super().resolve(catalogue, item_ids, space)


@pytest.fixture
def store() -> CountingStore:
    store = CountingStore()
    store.swap(b"", person("ada"))
    store.swap(b"", person("bob", Consent()))
    store.keep_space(SPACE)
    store.keep_space(OTHER_SPACE)
    return store


@pytest.fixture
def items() -> MovingItems:
    return MovingItems()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reader(store: CountingStore, items: MovingItems, clock: Clock) -> TasteReader:
    return parts(store, items, clock).tastes


def learn(store: ProfileStore, *events: Event) -> None:
    store.record([Batch("ada", "shop", events)], MIDNIGHT_MS)


def bare(view: object) -> object:
    """Without the pseudonym, which is there by chance, and what they consent to."""
    return view._replace(alias="", consent=Consent()) if isinstance(view, TasteView) else view


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
    assert len(parts(store, rules=TasteRules(max_interests=1)).tastes.one(ADA).taste.interests) == 1


def test_somebody_without_events_has_an_empty_taste(reader: TasteReader, store: CountingStore) -> None:
    view = reader.one(ADA)
    assert (view.personalised, view.taste, view.seen) == (True, Taste(), ())
    learn(store, event(EventType.IMPRESSION))
    assert reader.one(ADA).taste == Taste()


def test_without_consent_there_is_nothing_but_that(reader: TasteReader) -> None:
    assert bare(reader.one(TasteQuery("bob", "shop", include_seen=True))) == TasteView(personalised=False)


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


class TestAnotherSpace:
    @pytest.fixture(autouse=True)
    def told(self, store: CountingStore) -> None:
        learn(store, event(item="red-0"), event(item="green-0"), event(item="blue-0"), event(EventType.UPLOAD))

    MOVED_QUERY = TasteQuery("ada", "shop", OTHER_SPACE.name)

    def test_vectors_are_looked_up_once_and_the_taste_is_kept_beside(
        self, store: CountingStore, reader: TasteReader, items: MovingItems
    ) -> None:
        present = reader.one(ADA)
        first = reader.one(self.MOVED_QUERY)
        assert (first.taste.space, first.taste.events) == (OTHER_SPACE.name, 2)
        store.windows = 0
        assert same(reader.one(self.MOVED_QUERY), first)
        assert same(reader.one(ADA), present)
        assert store.windows == 0
        assert items.asked == [(OTHER_SPACE.name, 3)]

    def test_what_was_looked_up_is_written_back(self, store: CountingStore, reader: TasteReader) -> None:
        reader.one(self.MOVED_QUERY)
        spaces = {each.item_id: list(each.vectors) for each in store.window("ada", "shop").events}
        both = [SPACE.name, OTHER_SPACE.name]
        assert spaces == {"red-0": both, "green-0": both, "blue-0": [SPACE.name], "": [SPACE.name]}

    def test_one_that_the_catalogue_does_not_have_is_a_mismatch(self, reader: TasteReader) -> None:
        with pytest.raises(SpaceMismatch) as caught:
            reader.one(TasteQuery("ada", "shop", "toy@0000000000000000"))
        assert caught.value.given == "toy@0000000000000000"

    def test_while_the_catalogue_is_away_it_is_made_of_what_is_known_and_made_anew_after(
        self, reader: TasteReader, items: MovingItems, clock: Clock
    ) -> None:
        items.away = True
        before = reader.one(self.MOVED_QUERY)
        assert (before.taste.events, before.kept.waiting) == (0, 3)
        items.away = False
        assert reader.one(self.MOVED_QUERY).kept.waiting == 3
        clock.now_ms += 2000
        after = reader.one(self.MOVED_QUERY)
        assert (after.taste.events, after.kept.waiting) == (2, 0)


def test_pending_events_are_looked_up_by_whoever_reads_and_counted_once(
    store: CountingStore, reader: TasteReader, items: MovingItems, clock: Clock
) -> None:
    waits = [event(item=name, pending=True, vectors={}, domain="") for name in ("red-0", "gone")]
    learn(store, *waits)
    items.away = True
    assert reader.one(ADA).kept.waiting == 2
    items.away = False
    clock.now_ms += 2000
    view = reader.one(ADA)
    assert (view.taste.events, view.kept.waiting, view.taste.space) == (1, 0, SPACE.name)
    assert [item_id for item_id, _ in store.popular("shop", (), 10)] == ["red-0"]
    store.windows = 0
    assert same(reader.one(ADA), view)
    assert store.windows == 0


def test_what_is_due_is_folded_by_whoever_reads_as_if_it_were_settled() -> None:
    bounds = StoreRules(window=4, block=3)
    store = CountingStore(bounds)
    store.swap(b"", person("ada"))
    store.keep_space(SPACE)
    made = parts(store, bounds=bounds)
    learn(store, *[event(item=f"red-{n}", time_ms=MIDNIGHT_MS - n * MINUTE_MS) for n in range(12)])
    before = made.tastes.one(ADA)
    assert made.settler.settle(made.settler.due("ada", "shop", 12)) == [True]
    assert len(store.window("ada", "shop").events) == 6
    learn(store, event(EventType.IMPRESSION))
    fresh = made.folder.fold("ada", "shop", store.window("ada", "shop"))
    assert same(before, TasteView(True, sealed=FORMS.seal(fresh.kept), forms=FORMS))


def test_when_the_space_of_the_latest_event_is_gone_the_taste_is_in_the_present_one(
    store: CountingStore, reader: TasteReader
) -> None:
    gone = "toy@0000000000000000"
    learn(store, event(item="red-0", space=gone), event(item="green-0", pending=True, vectors={}, domain=""))
    view = reader.one(ADA)
    assert (view.taste.space, view.taste.events, view.kept.waiting) == (SPACE.name, 2, 0)
    with pytest.raises(SpaceMismatch):
        reader.one(TasteQuery("ada", "shop", gone))


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
    assert bare(bob) == TasteView(personalised=False)
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


@pytest.mark.parametrize("name", ["ada", "bob"])
def test_a_catalogue_that_does_not_exist_is_told_to_who_would_get_nothing(reader: TasteReader, name: str) -> None:
    with pytest.raises(NotFound, match="misspelt"):
        reader.one(TasteQuery(name, "misspelt"))


def test_while_it_cannot_be_asked_a_catalogue_may_exist(reader: TasteReader, items: MovingItems) -> None:
    items.away = True
    assert bare(reader.one(TasteQuery("bob", "misspelt"))) == TasteView(False)


def test_whether_it_exists_is_asked_once_in_a_while(reader: TasteReader, items: MovingItems) -> None:
    for _ in range(3):
        reader.one(TasteQuery("bob", "shop"))
    assert items.asked == [("", 0)]
