"""What people did in a catalogue, forgotten, in every store."""

from __future__ import annotations

import pytest

from services.errors import InvalidInput, NotReady, Refused
from services.profile.catalogue.forgetting import Forgetter
from services.profile.catalogue.items import Items, MemoryItems, Resolved
from services.profile.collaborative.vector_store import Placed
from services.profile.events.event import EventType
from services.profile.events.event_store import Batch, Outcome
from services.profile.filing.store import ProfileStore
from services.profile.people.person import Consent
from services.profile.segments.segment import NO_SEGMENTS
from services.profile.taste.taste_store import Kept, TasteQuery
from tests.profile.builders import MIDNIGHT_MS, SPACE, event, near, person
from tests.profile.test_segments import known, segment

GONE = MemoryItems({})


def tell(store: ProfileStore, user: str, catalogue: str) -> None:
    told = [event(item="coat"), event(EventType.IMPRESSION, item="lamp")]
    store.record([Batch(user, catalogue, told)], MIDNIGHT_MS)
    store.keep_taste(user, catalogue, store.window(user, catalogue).stamp, Kept(b"taste", "", ""))


@pytest.fixture
def told(store: ProfileStore) -> ProfileStore:
    for name in ("ada", "bea", "cleo"):
        store.swap(b"", person(name))
        tell(store, name, "shop")
        tell(store, name, "shop2")
    store.put_vectors("shop", [Placed("ada", SPACE.name, near(0))])
    store.swap(b"", person("dora", Consent()))
    for catalogue in ("shop", "shop2"):
        store.put_segments(catalogue, known(segment("a")))
    return store


def forgotten(store: ProfileStore, size: int = 2, items: Items = GONE) -> int:
    forgetter, people, token = Forgetter(store, items), 0, ""
    while True:
        page = forgetter.page("shop", size, token)
        people, token = people + page.people, page.token
        if not token:
            return people


def test_what_everybody_did_in_it_is_gone_and_the_rest_is_there(told: ProfileStore) -> None:
    assert forgotten(told) == 3
    for name in ("ada", "bea", "cleo"):
        held = told.held(name)
        assert held is not None
        assert [history.catalogue for history in held.histories] == ["shop2"]
        assert len(held.histories[0].events) == 2
        (glance, other) = told.glance([TasteQuery(name, "shop", include_seen=True), TasteQuery(name, "shop2")])
        assert glance is not None
        assert other is not None
        assert (glance.taste, glance.seen, other.taste) == (b"", (), b"taste")
    assert told.popular("shop", (), 9) == told.popular("shop", ("fashion",), 9) == []
    assert [item for item, _ in told.popular("shop2", (), 9)] == ["coat"]
    assert told.segments("shop") == NO_SEGMENTS
    assert told.segment_versions().keys() == {"shop2"}


def test_a_taste_that_was_being_folded_is_not_kept_after_it(told: ProfileStore) -> None:
    before = told.window("ada", "shop").stamp
    forgotten(told)
    told.keep_taste("ada", "shop", before, Kept(b"late", "", ""))
    assert told.record([Batch("ada", "shop", [event()])], MIDNIGHT_MS)[0].outcomes == [Outcome.LEARNED]
    told.keep_taste("ada", "shop", before, Kept(b"late", "", ""))
    (glance,) = told.glance([TasteQuery("ada", "shop")])
    assert glance is not None
    assert not glance.taste


def test_it_may_be_asked_again(told: ProfileStore) -> None:
    assert forgotten(told) == 3
    assert forgotten(told) == 0


def test_a_catalogue_that_exists_is_not_forgotten(told: ProfileStore) -> None:
    with pytest.raises(Refused) as caught:
        forgotten(told, items=MemoryItems({"shop": Resolved(SPACE, {})}))
    assert caught.value.reason == "CATALOGUE_EXISTS"
    assert told.window("ada", "shop").acts


def test_nor_one_that_may_exist(told: ProfileStore) -> None:
    class Away(MemoryItems):
        def resolve(self, *_: object) -> Resolved:
            raise NotReady("away")

    with pytest.raises(NotReady):
        forgotten(told, items=Away({}))


@pytest.mark.parametrize(("size", "token", "field"), [(-1, "", "page_size"), (0, "none", "page_token")])
def test_bad_input_is_named(told: ProfileStore, size: int, token: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Forgetter(told, GONE).page("shop", size, token)
    assert caught.value.field == field
