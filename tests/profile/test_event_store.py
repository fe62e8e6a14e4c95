"""What every store does with events: the window and what is settled, what waits, what is dropped, walks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from services.errors import InvalidInput
from services.profile.events.event import Event, EventType
from services.profile.events.event_store import Act, Batch, Filled, Histories, Outcome, Recorded, Settlement, Window
from services.profile.filing.store import ProfileStore
from services.profile.filing.store_rules import StoreRules
from services.profile.people.people_store import Forget
from services.profile.people.person import Consent, Person
from services.profile.popularity import decay as popularity
from services.profile.taste.taste_store import Kept, TasteQuery
from tests.profile.builders import (
    ALL_GIVEN,
    DAY_MS,
    GIVEN,
    MIDNIGHT_MS,
    MINUTE_MS,
    OTHER_SPACE,
    SPACE,
    event,
    near,
    person,
)
from tests.profile.conftest import SMALL, MakeStore

MEMORY = b"\x00what came of older events\xff"


def put(store: ProfileStore, user_id: str = "ada", consent: Consent = ALL_GIVEN) -> Person:
    someone = person(user_id, consent)
    assert store.swap(store.load(user_id).version, someone)
    return someone


def write(
    store: ProfileStore, *events: Event, user: str = "ada", catalogue: str = "shop", at_ms: int = MIDNIGHT_MS
) -> Recorded:
    return store.record([Batch(user, catalogue, events)], at_ms)[0]


def outcomes(store: ProfileStore, *events: Event, **where: Any) -> list[Outcome]:
    return write(store, *events, **where).outcomes


def minutes(count: int, **changes: Any) -> list[Event]:
    """Events a minute apart, oldest first, the last of them now."""
    times = [MIDNIGHT_MS - (count - 1 - n) * MINUTE_MS for n in range(count)]
    return [event(item=f"item-{n}", time_ms=time_ms, **changes) for n, time_ms in enumerate(times)]


def names(events: tuple[Event, ...] | list[Event]) -> list[str]:
    return [each.event_id for each in events]


def window(store: ProfileStore, user: str = "ada") -> Window:
    return store.window(user, "shop")


def settle(store: ProfileStore, count: int, memory: bytes = MEMORY) -> bool:
    (oldest,) = store.oldest([("ada", "shop", count)])
    return store.settle([settlement(oldest, memory)])[0]


def settlement(oldest: Window, memory: bytes = MEMORY) -> Settlement:
    return Settlement("ada", "shop", oldest.stamp, oldest.mark, oldest.acts, memory)


class TestWindow:
    def test_events_come_in_the_order_of_their_times_however_they_came(self, store: ProfileStore) -> None:
        put(store)
        stream = minutes(10)
        for each in stream[1::2] + stream[::2][::-1]:
            write(store, each)
        assert names(window(store).events) == names(stream)

    def test_it_holds_the_person_and_of_others_nothing(self, store: ProfileStore) -> None:
        put(store), put(store, "bob", Consent())
        write(store, event())
        found = window(store).person
        assert found is not None
        assert found.user_id == "ada"
        assert window(store, "bob") == window(store, "nobody") == Window()

    def test_the_oldest_come_alone(self, store: ProfileStore) -> None:
        put(store)
        stream = minutes(5)
        write(store, *stream)
        (some, none) = store.oldest([("ada", "shop", 2), ("nobody", "shop", 2)])
        assert names(some.events) == names(stream[:2])
        assert none == Window()

    def test_no_more_are_taken_than_may_be_kept(self, store: ProfileStore) -> None:
        put(store)
        stream = minutes(SMALL.most + 2)
        recorded = write(store, *stream)
        assert recorded.outcomes == [Outcome.LEARNED] * SMALL.most + [Outcome.FULL] * 2
        assert recorded.acts == SMALL.most
        assert outcomes(store, stream[-1]) == [Outcome.FULL]
        assert store.levels("shop", (), [stream[-1].item_id]) == [None]


class TestSettling:
    @pytest.fixture
    def stream(self, store: ProfileStore) -> list[Event]:
        put(store)
        stream = minutes(13)
        write(store, *stream[:3], *stream[4:])
        return stream

    def test_what_is_settled_gives_place_to_the_memory(self, store: ProfileStore, stream: list[Event]) -> None:
        before = window(store)
        assert settle(store, 4)
        after = window(store)
        assert names(after.events) == names(before.events[4:])
        assert (before.memory, after.memory) == (b"", MEMORY)
        assert after.mark != before.mark

    def test_a_taste_that_was_kept_before_still_holds(self, store: ProfileStore, stream: list[Event]) -> None:
        stamp = window(store).stamp
        settle(store, 4)
        assert window(store).stamp == stamp

    def test_a_late_event_after_the_boundary_is_taken_and_one_before_it_refused(
        self, store: ProfileStore, stream: list[Event]
    ) -> None:
        settle(store, 4)
        boundary = stream[4]
        late = event(time_ms=boundary.time_ms + 1)
        early = event(time_ms=boundary.time_ms - 1, item="early")
        assert outcomes(store, late, early) == [Outcome.LEARNED, Outcome.TOO_OLD]
        assert names(window(store).events)[0] == late.event_id
        assert store.levels("shop", (), ["early"]) == [None]

    def test_events_of_the_same_millisecond_stand_as_they_came_also_after_those_that_were_settled(
        self, make_store: MakeStore
    ) -> None:
        store = make_store(replace(SMALL, remembered=1000))
        put(store)
        write(store, *[event(event_id=f"m-{number}") for number in range(14)])
        assert settle(store, 6)
        late = [event(event_id=f"{letter}-{number}") for letter in "az" for number in range(12)]
        assert set(outcomes(store, *late)) == {Outcome.LEARNED}
        assert set(outcomes(store, *late)) == {Outcome.DUPLICATE}
        assert names(window(store).events) == [*(f"m-{number}" for number in range(6, 14)), *names(late)]

    def test_what_was_settled_is_refused_when_its_id_is_forgotten_also_of_the_last_millisecond(
        self, make_store: MakeStore
    ) -> None:
        store = make_store(replace(SMALL, remembered=3, window=8))
        put(store)
        stream = [event(event_id=f"m-{number}") for number in range(20)]
        write(store, *stream)
        assert settle(store, 4)
        assert settle(store, 4)
        assert set(outcomes(store, *stream[:8])) - {Outcome.DUPLICATE} == {Outcome.TOO_OLD}
        assert outcomes(store, event(event_id="m-")) == [Outcome.LEARNED]

    def test_an_event_that_is_looked_up_later_keeps_its_place_in_its_millisecond(self, make_store: MakeStore) -> None:
        store = make_store(SMALL)
        put(store)
        write(store, event(event_id="one", pending=True, vectors={}), event(event_id="two"), event(event_id="three"))
        acts = window(store).acts
        filled = [Filled(acts[0], replace(acts[0].event, pending=False, vectors=acts[1].event.vectors))]
        assert store.fill("ada", "shop", window(store).stamp, filled) == 1
        write(store, event(event_id="four"))
        assert names(window(store).events) == ["one", "two", "three", "four"]

    def test_nothing_is_done_when_they_are_no_longer_the_oldest(self, store: ProfileStore, stream: list[Event]) -> None:
        (oldest,) = store.oldest([("ada", "shop", 4)])
        write(store, stream[3])
        assert store.settle([settlement(oldest)]) == [False]
        assert len(window(store).events) == 13

    def test_nothing_is_done_that_would_leave_less_than_a_window(
        self, store: ProfileStore, stream: list[Event]
    ) -> None:
        """Two who counted at the same time settle one after the other."""
        assert not settle(store, 12 - SMALL.window + 1)
        assert settle(store, 12 - SMALL.window)
        assert not settle(store, 1)

    def test_of_two_who_settle_the_same_one_does(self, store: ProfileStore, stream: list[Event]) -> None:
        (oldest,) = store.oldest([("ada", "shop", 4)])
        assert store.settle([settlement(oldest), settlement(oldest, b"other")]) == [True, False]
        assert window(store).memory == MEMORY

    def test_nothing_is_done_for_who_changed_their_mind(self, store: ProfileStore, stream: list[Event]) -> None:
        (oldest,) = store.oldest([("ada", "shop", 4)])
        store.swap(store.load("ada").version, person(), Forget.EVERYTHING)
        write(store, *stream)
        assert store.settle([settlement(oldest)]) == [False]
        assert window(store).memory == b""

    def test_the_memory_goes_when_everything_is_forgotten_and_late_events_may_come_again(
        self, store: ProfileStore, stream: list[Event]
    ) -> None:
        settle(store, 4)
        store.swap(store.load("ada").version, person(), Forget.EVERYTHING)
        assert window(store).memory == window(store).mark == b""
        assert outcomes(store, stream[0]) == [Outcome.LEARNED]

    def test_a_memory_that_photos_went_into_goes_with_the_consent_to_them(self, store: ProfileStore) -> None:
        put(store)
        photo = event(EventType.UPLOAD, time_ms=MIDNIGHT_MS - DAY_MS)
        write(store, photo, *minutes(SMALL.window + 1))
        settle(store, 2)
        store.swap(store.load("ada").version, person(), Forget.UPLOADS)
        assert window(store).memory == b""
        assert outcomes(store, event(time_ms=photo.time_ms)) == [Outcome.TOO_OLD]

    def test_a_memory_without_photos_stays(self, store: ProfileStore, stream: list[Event]) -> None:
        settle(store, 2)
        store.swap(store.load("ada").version, person(), Forget.UPLOADS)
        assert window(store).memory == MEMORY


class TestFilling:
    WAITS = staticmethod(lambda item: event(item=item, pending=True, vectors={}, domain=""))

    def test_pending_events_are_told_of_and_not_counted(self, store: ProfileStore) -> None:
        put(store)
        recorded = write(store, self.WAITS("coat"), event())
        assert recorded.outcomes == [Outcome.PENDING, Outcome.LEARNED]
        assert (recorded.acts, recorded.pending) == (2, 1)
        assert store.levels("shop", (), ["coat"]) == [None]
        (glance,) = store.glance([TasteQuery("ada", "shop", include_seen=True)])
        assert glance is not None
        assert "coat" in glance.seen

    def test_of_who_does_not_consent_they_are_not_kept(self, store: ProfileStore) -> None:
        put(store, consent=Consent())
        waits = self.WAITS("coat")
        assert outcomes(store, waits) == [Outcome.UNKNOWN_ITEM]
        assert outcomes(store, replace(waits, pending=False)) == [Outcome.COUNTED]

    def test_what_was_found_is_written_and_counted_once(self, store: ProfileStore) -> None:
        put(store)
        write(store, self.WAITS("coat"))
        before = window(store)
        filled = [Filled(before.acts[0], known(before.acts[0]))]
        assert store.fill("ada", "shop", before.stamp, filled) == 1
        assert store.fill("ada", "shop", before.stamp, filled) == 0
        (after,) = window(store).events
        assert (after.pending, after.domain, list(after.vectors)) == (False, "art", [SPACE.name])
        assert np.array_equal(np.asarray(after.vector), near(2))
        for domains in ((), ("art",)):
            ((item_id, level),) = store.popular("shop", domains, 10)
            assert item_id == "coat"
            assert level == pytest.approx(popularity.gain(after.weight, after.time_ms, SMALL.popular_hours))
        assert window(store).stamp != before.stamp
        assert write(store, event()).pending == 0

    def test_one_without_an_item_is_dropped_and_not_seen(self, store: ProfileStore) -> None:
        put(store)
        write(store, self.WAITS("gone"), event(item="coat"))
        found = window(store)
        waits = next(act for act in found.acts if act.event.pending)
        assert store.fill("ada", "shop", found.stamp, [Filled(waits, None)]) == 1
        assert [each.item_id for each in window(store).events] == ["coat"]
        (glance,) = store.glance([TasteQuery("ada", "shop", include_seen=True)])
        assert glance is not None
        assert glance.seen == ("coat",)
        assert store.levels("shop", (), ["gone"]) == [None]

    def test_another_vector_does_not_move_what_is_kept(self, store: ProfileStore) -> None:
        put(store)
        write(store, event())
        found = window(store)
        (act,) = found.acts
        vectors = {**act.event.vectors, OTHER_SPACE.name: np.ones(6, dtype=np.float16)}
        assert store.fill("ada", "shop", found.stamp, [Filled(act, replace(act.event, vectors=vectors))]) == 1
        assert window(store).stamp == found.stamp
        assert list(window(store).events[0].vectors) == [SPACE.name, OTHER_SPACE.name]

    def test_nothing_is_written_for_who_changed_their_mind(self, store: ProfileStore) -> None:
        put(store)
        write(store, self.WAITS("coat"))
        found = window(store)
        store.swap(store.load("ada").version, person(), Forget.EVERYTHING)
        assert store.fill("ada", "shop", found.stamp, [Filled(found.acts[0], known(found.acts[0]))]) == 0
        assert window(store).events == ()
        assert store.popular("shop", (), 10) == []


def known(act: Act) -> Event:
    return replace(act.event, pending=False, domain="art", vectors={SPACE.name: near(2)})


class TestDropping:
    def test_what_is_too_old_is_dropped_by_the_next_write_and_refused(self, make_store: MakeStore) -> None:
        store = make_store(replace(SMALL, event_days=10))
        put(store)
        old = event(item="old", time_ms=MIDNIGHT_MS - 9 * DAY_MS)
        shown = event(EventType.IMPRESSION, time_ms=MIDNIGHT_MS - 9 * DAY_MS)
        write(store, old, shown, event(item="new"))
        before = window(store).stamp
        later_ms = MIDNIGHT_MS + 2 * DAY_MS
        recorded = write(store, event(EventType.IMPRESSION, time_ms=later_ms), at_ms=later_ms)
        assert recorded.acts == 1
        assert [each.item_id for each in window(store).events] == ["new"]
        assert window(store).stamp != before
        (glance,) = store.glance([TasteQuery("ada", "shop", include_seen=True)])
        assert glance is not None
        assert glance.seen == ("new",)
        late = event(time_ms=MIDNIGHT_MS - 9 * DAY_MS)
        assert outcomes(store, late, at_ms=later_ms) == [Outcome.EXPIRED]

    def test_one_that_waits_is_not_waited_for_any_longer(self, make_store: MakeStore) -> None:
        store = make_store(replace(SMALL, event_days=10))
        put(store)
        assert write(store, event(pending=True, vectors={})).pending == 1
        later_ms = MIDNIGHT_MS + 11 * DAY_MS
        assert write(store, event(time_ms=later_ms), at_ms=later_ms).pending == 0


class TestBursts:
    def test_of_a_minute_only_so_many_count_and_the_next_minute_is_another(self, make_store: MakeStore) -> None:
        store = make_store(replace(SMALL, per_minute=3))
        put(store)
        burst = [event(item="coat", time_ms=MIDNIGHT_MS + n) for n in range(5)]
        assert outcomes(store, *burst) == [Outcome.LEARNED] * 3 + [Outcome.IGNORED] * 2
        later = replace(burst[-1], time_ms=MIDNIGHT_MS - 5 * MINUTE_MS)
        assert outcomes(store, burst[-1], later) == [Outcome.IGNORED, Outcome.LEARNED]
        assert outcomes(store, event(time_ms=MIDNIGHT_MS + MINUTE_MS)) == [Outcome.LEARNED]
        assert outcomes(store, event(EventType.IMPRESSION, time_ms=MIDNIGHT_MS)) == [Outcome.LEARNED]
        assert len(window(store).events) == 5

    def test_of_who_does_not_consent_it_is_the_minute_of_arrival(self, make_store: MakeStore) -> None:
        store = make_store(replace(SMALL, per_minute=3))
        put(store, consent=Consent())
        assert outcomes(store, *minutes(5)) == [Outcome.COUNTED] * 3 + [Outcome.IGNORED] * 2
        later_ms = MIDNIGHT_MS + MINUTE_MS + 1
        assert outcomes(store, event(), at_ms=later_ms) == [Outcome.COUNTED]


class TestTastesInSeveralSpaces:
    def test_one_is_kept_beside_that_of_the_latest_event(self, store: ProfileStore) -> None:
        put(store)
        write(store, event())
        stamp = window(store).stamp
        for kept in (Kept(b"own"), Kept(b"first", beside="a@00000000"), Kept(b"second", beside="b@00000000")):
            store.keep_taste("ada", "shop", stamp, kept)
        tastes = {}
        for space in ("", "a@00000000", "b@00000000"):
            (glance,) = store.glance([TasteQuery("ada", "shop", space=space)])
            assert glance is not None
            tastes[space] = (glance.taste, glance.beside)
        assert tastes == {"": (b"own", b""), "a@00000000": (b"own", b""), "b@00000000": (b"own", b"second")}

    def test_all_go_with_the_uploads_and_are_counted_by_an_erasure(self, store: ProfileStore) -> None:
        put(store)
        write(store, event())

        def keep() -> None:
            stamp = window(store).stamp
            store.keep_taste("ada", "shop", stamp, Kept(b"own"))
            store.keep_taste("ada", "shop", stamp, Kept(b"other", beside="a@00000000"))

        keep()
        store.swap(store.load("ada").version, person(), Forget.UPLOADS)
        (glance,) = store.glance([TasteQuery("ada", "shop", space="a@00000000")])
        assert glance is not None
        assert (glance.taste, glance.beside) == (b"", b"")
        keep()
        erased = store.erase("ada")
        assert erased is not None
        assert {each.place: each.entries for each in erased}["taste"] == 2

    def test_whatever_is_put_about_the_person_makes_it_stale(self, store: ProfileStore) -> None:
        put(store)
        write(store, event())
        before = window(store).stamp
        put(store)
        assert window(store).stamp != before
        store.keep_taste("ada", "shop", before, Kept(b"own"))
        (glance,) = store.glance([TasteQuery("ada", "shop")])
        assert glance is not None
        assert glance.taste == b""

    def test_the_segment_is_told_with_events_of_who_consents_to_it(self, store: ProfileStore) -> None:
        put(store), put(store, "bob", Consent(GIVEN, GIVEN))
        for user in ("ada", "bob"):
            write(store, event(), user=user)
            store.keep_taste(user, "shop", store.window(user, "shop").stamp, Kept(b"own", segment="v1:friends"))
        assert write(store, event()).segment == "v1:friends"
        assert write(store, event(), user="bob").segment == ""
        assert write(store, event(), catalogue="other").segment == ""


class TestHistories:
    PEOPLE = frozenset(f"person-{number}" for number in range(23))

    def fill(self, store: ProfileStore) -> None:
        for name in self.PEOPLE:
            put(store, name)
            write(store, event(), event(EventType.IMPRESSION), user=name)
        put(store, "refuses", Consent())
        write(store, event(), user="refuses")
        put(store, "elsewhere")
        write(store, event(), user="elsewhere", catalogue="other")

    def walk(self, store: ProfileStore, people: int, *, shown: bool = False) -> list[Histories]:
        pages = [store.histories("shop", people, "", shown=shown)]
        while pages[-1].token:
            pages.append(store.histories("shop", people, pages[-1].token, shown=shown))
        return pages

    def test_everybody_who_did_something_and_consents_comes_once(self, store: ProfileStore) -> None:
        self.fill(store)
        pages = self.walk(store, 5)
        assert all(len(page.windows) <= 5 for page in pages)
        people = [each.person.user_id for page in pages for each in page.windows if each.person]
        assert sorted(people) == sorted(self.PEOPLE)
        assert {len(each.acts) for page in pages for each in page.windows} == {1}

    def test_impressions_come_when_asked_for(self, store: ProfileStore) -> None:
        self.fill(store)
        shown = [each for page in self.walk(store, 50, shown=True) for each in page.windows]
        assert {len(each.acts) for each in shown} == {2}

    def test_a_pseudonym_is_the_same_within_a_walk_and_another_in_the_next(self, store: ProfileStore) -> None:
        self.fill(store)
        first = store.histories("shop", 5, "")
        again = store.histories("shop", 5, first.again)
        assert names_of(again) == names_of(first)
        assert list(again.aliases) == list(first.aliases)
        assert again.token
        walks = [self.walk(store, 4), self.walk(store, 50)]
        one, other = ({alias for page in pages for alias in page.aliases} for pages in walks)
        assert len(one) == len(other) == len(self.PEOPLE)
        assert not one & other
        assert not any("person" in alias for alias in one)

    def test_the_last_page_can_be_asked_for_again(self, store: ProfileStore) -> None:
        self.fill(store)
        last = self.walk(store, 50)[-1]
        again = store.histories("shop", 50, last.again)
        assert names_of(again) == names_of(last)
        assert again.token == ""

    @pytest.mark.parametrize("token", ["x", "a.b.c", "!!!!", "e30=", "..", "\N{SNOWMAN}.\N{SNOWMAN}."])
    def test_a_token_that_is_none_is_refused(self, store: ProfileStore, token: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            store.histories("shop", 10, token)
        assert caught.value.field == "page_token"


def names_of(page: Histories) -> list[str]:
    return [each.person.user_id for each in page.windows if each.person]


def test_every_event_counts_towards_the_same_popularity_whenever_it_is_looked_up(make_store: MakeStore) -> None:
    store = make_store(StoreRules())
    put(store), put(store, "bob")
    waits = event(item="coat", pending=True, vectors={}, domain="", time_ms=MIDNIGHT_MS - DAY_MS)
    write(store, waits)
    found = window(store)
    store.fill("ada", "shop", found.stamp, [Filled(found.acts[0], replace(known(found.acts[0])))])
    write(store, event(item="hat", domain="art", time_ms=MIDNIGHT_MS - DAY_MS), user="bob")
    coat, hat = store.levels("shop", ("art",), ["coat", "hat"])
    assert coat == pytest.approx(hat)
