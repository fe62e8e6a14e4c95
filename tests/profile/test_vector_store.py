"""Collaborative vectors, and popularity among the people of a segment, in every store."""

from __future__ import annotations

import numpy as np
import pytest

from services.profile.collaborative.vector_store import Placed, Placing
from services.profile.events.event import EventType
from services.profile.events.event_store import Batch
from services.profile.filing.store import ProfileStore
from services.profile.people.people_store import Forget
from services.profile.people.person import Consent
from services.profile.segments.segment import NO_SEGMENTS
from services.profile.taste.taste_store import Kept, TasteQuery
from tests.profile.builders import GIVEN, MIDNIGHT_MS, REFUSED, event, person
from tests.profile.test_collaborative import FACTORS, factors
from tests.profile.test_segments import known, segment

SEGMENTS = known(segment("lamps"), segment("rugs"))
LAMPS = SEGMENTS.filed(SEGMENTS.segments[0])
EVERYTHING = Forget.EVERYTHING


def placed(user: str = "ada", seed: int = 1) -> Placed:
    return Placed(user, FACTORS.name, factors(0, seed))


def act(store: ProfileStore, *items: str, user: str = "ada", type_: EventType = EventType.LIKE) -> None:
    store.record([Batch(user, "shop", [event(type_, item) for item in items])], MIDNIGHT_MS)


def belongs(store: ProfileStore, user: str = "ada", segment: str = LAMPS) -> None:
    store.keep_taste(user, "shop", store.window(user, "shop").stamp, Kept(b"a taste", segment=segment))


def change(store: ProfileStore, consent: Consent, forget: Forget = Forget.NOTHING) -> None:
    assert store.swap(store.load("ada").version, person(consent=consent), forget)


class TestVectors:
    def test_a_vector_is_found_with_the_window_and_knows_how_much_was_done_then(self, store: ProfileStore) -> None:
        store.swap(b"", person())
        act(store, "a", "b")
        assert store.window("ada", "shop").put is None
        assert store.put_vectors("shop", [placed()]) == [Placing.PUT]
        act(store, "c")
        window = store.window("ada", "shop")
        assert window.put is not None
        assert (window.put.space, window.writes - window.put.writes) == (FACTORS.name, 1)
        np.testing.assert_array_equal(window.put.vector, factors(0, 1))
        assert store.window("ada", "other").put is None

    def test_a_later_vector_replaces_it(self, store: ProfileStore) -> None:
        store.swap(b"", person())
        store.put_vectors("shop", [placed(seed=1)])
        store.put_vectors("shop", [placed(seed=2)])
        put = store.window("ada", "shop").put
        assert put is not None
        np.testing.assert_array_equal(put.vector, factors(0, 2))
        assert put.writes == 0

    def test_people_who_are_unknown_or_do_not_consent_have_none(self, store: ProfileStore) -> None:
        store.swap(b"", person("bob", Consent(REFUSED, GIVEN, GIVEN)))
        results = store.put_vectors("shop", [placed("bob"), placed("nobody")])
        assert results == [Placing.REFUSED, Placing.UNKNOWN_USER]

    def test_what_was_learned_of_somebody_who_was_erased_is_not_put_to_who_came_after(
        self, store: ProfileStore
    ) -> None:
        store.swap(b"", person())
        store.erase("ada", MIDNIGHT_MS, 10_000)
        store.swap(b"", person(at_ms=MIDNIGHT_MS + 1))
        assert store.put_vectors("shop", [placed()], MIDNIGHT_MS - 1) == [Placing.OUTDATED]
        assert store.window("ada", "shop").put is None
        assert store.put_vectors("shop", [placed()], MIDNIGHT_MS + 2) == [Placing.PUT]

    def test_what_was_learned_before_consent_was_taken_back_is_not_put_when_it_is_given_again(
        self, store: ProfileStore
    ) -> None:
        store.swap(b"", person())
        for consent, after_ms in ((Consent(REFUSED), 10), (Consent(GIVEN), 20)):
            version = store.load("ada").version
            assert store.swap(version, person(consent=consent, at_ms=MIDNIGHT_MS + after_ms), EVERYTHING)
        assert store.put_vectors("shop", [placed()], MIDNIGHT_MS + 5) == [Placing.OUTDATED]

    def test_other_changes_of_a_person_keep_nothing_from_being_put(self, store: ProfileStore) -> None:
        store.swap(b"", person())
        assert store.swap(store.load("ada").version, person(at_ms=MIDNIGHT_MS + 10))
        assert store.put_vectors("shop", [placed()], MIDNIGHT_MS + 5) == [Placing.PUT]

    def test_a_taste_that_was_kept_without_it_is_forgotten(self, store: ProfileStore) -> None:
        store.swap(b"", person())
        act(store, "a")
        belongs(store)
        store.put_vectors("shop", [placed()])
        (glance,) = store.glance([TasteQuery("ada", "shop")])
        assert glance is not None
        assert not glance.taste

    def test_a_taste_that_is_overtaken_by_it_is_not_kept(self, store: ProfileStore) -> None:
        store.swap(b"", person())
        act(store, "a")
        read = store.window("ada", "shop")
        store.put_vectors("shop", [placed()])
        store.keep_taste("ada", "shop", read.stamp, Kept(b"a taste of before"))
        (glance,) = store.glance([TasteQuery("ada", "shop")])
        assert glance is not None
        assert not glance.taste

    def test_it_goes_with_the_consent_also_where_nothing_was_done(self, store: ProfileStore) -> None:
        store.swap(b"", person())
        store.put_vectors("shop", [placed()])
        change(store, Consent(REFUSED), EVERYTHING)
        change(store, Consent(GIVEN))
        assert store.window("ada", "shop").put is None

    def test_it_goes_with_the_person(self, store: ProfileStore) -> None:
        store.swap(b"", person())
        store.put_vectors("shop", [placed()])
        store.erase("ada")
        store.swap(b"", person())
        assert store.window("ada", "shop").put is None


class TestPopularityOfSegments:
    @pytest.fixture(autouse=True)
    def people(self, store: ProfileStore) -> None:
        store.put_segments("shop", SEGMENTS)
        for user in ("ada", "bob"):
            store.swap(b"", person(user))
            act(store, "before", user=user)
        belongs(store)

    def test_what_its_people_do_counts_once_they_were_told(self, store: ProfileStore) -> None:
        act(store, "lamp", "coat")
        act(store, "rug", user="bob")
        act(store, "shown", type_=EventType.IMPRESSION)
        assert [item for item, _ in store.popular("shop", [], 9, "lamps")] == ["lamp", "coat"]
        assert {item for item, _ in store.popular("shop", [], 9)} >= {"lamp", "coat", "rug"}
        assert not store.popular("shop", [], 9, "rugs")
        (told, untold) = store.levels("shop", ["fashion"], ["lamp", "rug"], "lamps")
        assert told is not None
        assert untold is None

    def test_it_is_counted_by_domain_and_once(self, store: ProfileStore) -> None:
        twice = event(item="lamp")
        for _ in range(2):
            store.record([Batch("ada", "shop", [twice])], MIDNIGHT_MS)
        among, of_all = (store.levels("shop", ["fashion"], ["lamp"], which) for which in ("lamps", ""))
        assert among == of_all
        assert not store.popular("shop", ["furniture"], 9, "lamps")

    def test_who_withdrew_their_consent_to_segments_is_not_counted(self, store: ProfileStore) -> None:
        change(store, Consent(GIVEN, GIVEN, REFUSED))
        act(store, "lamp")
        change(store, Consent(GIVEN, GIVEN, GIVEN))
        act(store, "coat")
        assert not store.popular("shop", [], 9, "lamps")

    def test_a_taste_in_a_space_that_is_being_filled_moves_nobody(self, store: ProfileStore) -> None:
        store.keep_taste("ada", "shop", store.window("ada", "shop").stamp, Kept(b"a taste", beside="a@00000000"))
        act(store, "lamp")
        assert store.popular("shop", [], 9, "lamps")
        belongs(store, segment="")
        act(store, "coat")
        assert [item for item, _ in store.popular("shop", [], 9, "lamps")] == ["lamp"]

    def test_counts_stay_with_an_id_and_go_without_it(self, store: ProfileStore) -> None:
        act(store, "lamp")
        store.put_segments("shop", known(segment("lamps", people=90)))
        assert store.popular("shop", [], 9, "lamps")
        store.put_segments("shop", known(segment("rugs")))
        assert not store.popular("shop", [], 9, "lamps")
        assert store.popular("shop", [], 9)

    def test_counts_go_with_the_last_segment(self, store: ProfileStore) -> None:
        act(store, "lamp")
        store.put_segments("shop", NO_SEGMENTS)
        assert not store.popular("shop", [], 9, "lamps")
