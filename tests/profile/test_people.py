"""Putting, reading, listing and erasing people, and what a change of consent takes with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.errors import Conflict, InvalidInput, NotFound, Overloaded
from services.profile.events.event_store import Batch, Outcome
from services.profile.filing.store_memory import MemoryProfileStore
from services.profile.people.people import MAX_PAGE, REMEMBER_MS, SWAP_ATTEMPTS, People
from services.profile.people.people_store import Answered, Forget
from services.profile.people.person import Attributes, Consent, ConsentState, Person
from tests.profile.builders import (
    ALL_GIVEN,
    GIVEN,
    MIDNIGHT_MS,
    MINUTE_MS,
    REFUSED,
    UNASKED,
    Clock,
    event,
)

ADA = Person("ada", Attributes(age=36), ALL_GIVEN)


@pytest.fixture
def store() -> MemoryProfileStore:
    return MemoryProfileStore()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(store: MemoryProfileStore, clock: Clock) -> People:
    return People(store, clock)


class Contended(MemoryProfileStore):
    """Somebody else writes between every load and swap, for the first `conflicts` times."""

    def __init__(self, conflicts: int) -> None:
        super().__init__()
        self._conflicts = conflicts

    def swap(
        self,
        version: bytes,
        person: Person,
        forget: Forget = Forget.NOTHING,
        request_id: str = "",
        answered: Answered | None = None,
    ) -> bool:
        if self._conflicts:
            self._conflicts -= 1
            other = Person(person.user_id, Attributes(interests=(f"art-{self._conflicts}",)), person.consent)
            super().swap(self.load(person.user_id).version, other)
        return super().swap(version, person, forget, request_id, answered)


def test_putting_somebody_new_creates_them_with_the_times_of_the_service(people: People) -> None:
    put = people.put(replace(ADA, created_ms=1, updated_ms=2))
    assert put.created
    assert put.person == replace(ADA, created_ms=MIDNIGHT_MS, updated_ms=MIDNIGHT_MS)
    assert people.get("ada") == put.person


def test_putting_them_again_changes_what_the_mask_names(people: People, clock: Clock) -> None:
    people.put(ADA)
    clock.now_ms += MINUTE_MS
    put = people.put(Person("ada", Attributes(age=37)), ["attributes.age"])
    assert not put.created
    assert put.person == Person("ada", Attributes(age=37), ALL_GIVEN, MIDNIGHT_MS, MIDNIGHT_MS + MINUTE_MS)


def test_a_repeated_request_is_answered_as_before_and_acts_once(people: People, clock: Clock) -> None:
    first = people.put(ADA, request_id="r1")
    clock.now_ms += MINUTE_MS
    people.put(Person("ada", Attributes(age=50)), ["attributes.age"])
    assert people.put(ADA, request_id="r1") == first
    assert people.get("ada").attributes.age == 50


@pytest.mark.parametrize(("given", "mask"), [(Person("ada"), []), (ADA, ["attributes"])])
def test_a_repeated_request_with_other_content_is_a_conflict(people: People, given: Person, mask: list[str]) -> None:
    people.put(ADA, request_id="r1")
    with pytest.raises(Conflict) as caught:
        people.put(given, mask, request_id="r1")
    assert caught.value.reason == "REQUEST_ID_REUSED"


def test_a_request_is_forgotten_after_a_day(people: People, clock: Clock) -> None:
    people.put(ADA, request_id="r1")
    clock.now_ms += REMEMBER_MS
    assert not people.put(Person("ada"), request_id="r1").created


def test_a_change_that_others_get_in_between_of_is_made_on_top_of_theirs() -> None:
    people = People(Contended(conflicts=3), Clock())
    put = people.put(Person("ada", Attributes(age=36)), ["attributes.age"])
    assert put.person.attributes == Attributes(age=36, interests=("art-0",))


def test_a_person_whom_everybody_changes_all_the_time_is_overloaded() -> None:
    people = People(Contended(conflicts=SWAP_ATTEMPTS), Clock())
    with pytest.raises(Overloaded):
        people.put(ADA)


@pytest.mark.parametrize(
    ("given", "mask", "request_id", "field"),
    [
        (Person(""), [], "", "user.user_id"),
        (Person("ada", Attributes(age=121)), [], "", "user.attributes.age"),
        (ADA, ["attributes.shoe"], "", "update_mask.paths[0]"),
        (ADA, [], "x" * 129, "request_id"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(
    people: People, given: Person, mask: list[str], request_id: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        people.put(given, mask, request_id)
    assert caught.value.field == field
    assert not people.page(10, "").people


def test_somebody_unknown_is_not_found(people: People) -> None:
    for ask in (people.get, people.erase, lambda name: people.consent(name, ALL_GIVEN)):
        with pytest.raises(NotFound) as caught:
            ask("nobody")
        assert (caught.value.kind, caught.value.reason) == ("user", "USER_NOT_FOUND")


def test_pages_are_clamped_and_never_negative(people: People) -> None:
    for number in range(60):
        people.put(Person(f"person-{number:02}"))
    assert len(people.page(0, "").people) == 50
    assert len(people.page(MAX_PAGE + 1, "").people) == 60
    with pytest.raises(InvalidInput) as caught:
        people.page(-1, "")
    assert caught.value.field == "page_size"


class TestConsent:
    def learn(self, people: People, store: MemoryProfileStore) -> None:
        people.put(ADA)
        store.record([Batch("ada", "shop", [event(item="coat"), event(item="upload-like")])], MIDNIGHT_MS)

    def kept(self, store: MemoryProfileStore) -> int:
        return len(store.window("ada", "shop").events)

    def test_unanswered_purposes_stay_as_they_are(self, people: People) -> None:
        people.put(ADA)
        consent = people.consent("ada", Consent(segments=REFUSED))
        assert consent == people.get("ada").consent == Consent(GIVEN, GIVEN, REFUSED)

    def test_refusing_personalisation_erases_what_was_learned(self, people: People, store: MemoryProfileStore) -> None:
        self.learn(people, store)
        people.consent("ada", Consent(personalisation=REFUSED))
        assert self.kept(store) == 0

    @pytest.mark.parametrize("state", [UNASKED, REFUSED])
    def test_so_does_putting_the_person_without_that_consent(
        self, people: People, store: MemoryProfileStore, state: ConsentState
    ) -> None:
        self.learn(people, store)
        people.put(Person("ada", consent=Consent(personalisation=state)), ["consent"])
        assert self.kept(store) == 0

    def test_a_refusal_that_stays_one_erases_nothing_more(self, people: People, store: MemoryProfileStore) -> None:
        """The ids of events that were counted since: without them a repeated call would count again."""
        people.put(Person("ada", consent=Consent(personalisation=REFUSED)))
        coat = [Batch("ada", "shop", [event(item="coat")])]
        assert store.record(coat, MIDNIGHT_MS)[0].outcomes == [Outcome.COUNTED]
        people.put(Person("ada", Attributes(age=37)), ["attributes"])
        people.consent("ada", Consent(personalisation=REFUSED))
        assert store.record(coat, MIDNIGHT_MS)[0].outcomes == [Outcome.DUPLICATE]

    def test_other_changes_erase_nothing(self, people: People, store: MemoryProfileStore) -> None:
        self.learn(people, store)
        people.put(Person("ada", Attributes(age=37)), ["attributes"])
        people.consent("ada", Consent(segments=REFUSED))
        assert self.kept(store) == 2
