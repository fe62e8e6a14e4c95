"""What callers do with people: put, get, list, consent, erase."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from services.errors import Conflict, InvalidInput, NotFound, Overloaded
from services.profile.filing.store import ProfileStore
from services.profile.filing.store_rules import DAY_MS
from services.profile.filing.token_store import closed, opened
from services.profile.identifiers import identifier, text
from services.profile.people.people_store import Answered, Erased, Forget, Page
from services.profile.people.person import Consent, ConsentState, Person, changed, checked, pack

REMEMBER_MS = 24 * 3_600_000
SWAP_ATTEMPTS = 16
DEFAULT_PAGE = 50
MAX_PAGE = 1000
MAX_REQUEST_LETTERS = 128

REMAINS = (
    "for a minute, the numbers of this receipt, under a keyed hash of the id, in case an answer is lost on the way",
    "for as long as late events are refused, the time of this erasure, under a keyed hash of the id",
    "for a day, where a job is reading everybody page by page, a keyed hash of the id as the place where it goes on",
    "popularity keeps the counts of their events, without a trace of who they are from, until they have decayed",
    "what jobs have learned from many people keeps their share until the jobs run again",
    "the append-only file of the store holds what was written until Redis has written it anew",
    "the embedder has what it saw in the latest photos in memory, not whose they are, until later ones come",
    "the slow log of the store, unless it is off, holds the beginnings of slow commands until later ones come",
    "backups and replicas' files, where there are any, hold it until they are replaced",
)
"""What an erasure leaves, and for how long."""


TOMBSTONE_DAYS = 30.0


@dataclass(frozen=True)
class Receipt:
    """Of an erasure: what was removed and when, until when events from before it are refused, and whether the store
    was asked to write its files anew. Milliseconds since 1970."""

    erased: Sequence[Erased]
    at_ms: int
    tombstone_until_ms: int
    rewrite_asked: bool


@dataclass(frozen=True)
class Put:
    """A person as they stand after it. `created`: they did not exist before."""

    person: Person
    created: bool


class People:
    """Everything about people but what they do. `now_ms` is the clock, milliseconds since 1970."""

    def __init__(
        self,
        store: ProfileStore,
        now_ms: Callable[[], int],
        tombstone_days: float = TOMBSTONE_DAYS,
        rewrite: Callable[[], bool] = lambda: False,
    ) -> None:
        """`rewrite`: asks the store to write its files anew, without what is gone; False when it does not let us."""
        self._store = store
        self._now_ms = now_ms
        self._tombstone_ms = int(tombstone_days * DAY_MS)
        self._rewrite = rewrite

    def put(self, given: Person, mask: Sequence[str] = (), request_id: str = "") -> Put:
        """Makes a person or changes the fields of `mask` (empty: all).

        Raises InvalidInput naming the field, Conflict when `request_id` came before with other content.
        """
        checked(given)
        text(request_id, "request_id", MAX_REQUEST_LETTERS)
        payload = hashlib.sha256(pack(given) + "\0".join(mask).encode()).digest()[:16]
        for _ in range(SWAP_ATTEMPTS):
            loaded = self._store.load(given.user_id, request_id)
            if loaded.answered and loaded.answered.until_ms > self._now_ms():
                return _repeated(loaded.answered, payload)
            now_ms = self._now_ms()
            before = loaded.person or Person(given.user_id, created_ms=now_ms)
            after = replace(changed(before, given, mask), updated_ms=now_ms)
            put = Put(after, loaded.person is None)
            answered = Answered(payload, after, put.created, now_ms + REMEMBER_MS) if request_id else None
            if self._store.swap(loaded.version, after, _forget(before, after), request_id, answered):
                return put
        raise _too_busy()

    def get(self, user_id: str) -> Person:
        """Raises NotFound."""
        person = self._store.load(identifier(user_id, "user_id")).person
        if person is None:
            raise NotFound("user", user_id)
        return person

    def page(self, size: int, token: str) -> Page:
        """People from where `token` points, empty for the start. 0: 50 of them; at most 1000.

        Raises InvalidInput for a negative size or a token that is none.
        """
        if size < 0:
            raise InvalidInput("page_size", "must not be negative")
        place = opened(self._store, "ListUsers", token)
        page = self._store.people(min(size or DEFAULT_PAGE, MAX_PAGE), place)
        return Page(page.people, closed(self._store, "ListUsers", page.token, token))

    def consent(self, user_id: str, given: Consent) -> Consent:
        """Changes the purposes that `given` answers; what was kept for a purpose goes with its consent.

        Raises NotFound.
        """
        identifier(user_id, "user_id")
        for _ in range(SWAP_ATTEMPTS):
            loaded = self._store.load(user_id)
            if loaded.person is None:
                raise NotFound("user", user_id)
            consent = _answered(loaded.person.consent, given)
            after = replace(loaded.person, consent=consent, updated_ms=self._now_ms())
            if self._store.swap(loaded.version, after, _forget(loaded.person, after)):
                return consent
        raise _too_busy()

    def erase(self, user_id: str) -> Receipt:
        """Removes all that is kept under a person, by whichever service. Raises NotFound."""
        now_ms = self._now_ms()
        erased = self._store.erase(identifier(user_id, "user_id"), now_ms, self._tombstone_ms)
        if erased is None:
            raise NotFound("user", user_id)
        return Receipt(erased, now_ms, now_ms + self._tombstone_ms, self._rewrite())


def _repeated(answered: Answered, payload: bytes) -> Put:
    if answered.payload != payload:
        raise Conflict("this request_id was used before, with other content", reason="REQUEST_ID_REUSED")
    return Put(answered.person, answered.created)


def _answered(before: Consent, given: Consent) -> Consent:
    def state(old: ConsentState, new: ConsentState) -> ConsentState:
        return old if new is ConsentState.UNASKED else new

    return Consent(
        state(before.personalisation, given.personalisation),
        state(before.photo_learning, given.photo_learning),
        state(before.segments, given.segments),
    )


def _forget(before: Person, after: Person) -> Forget:
    """What is kept only by consent goes as soon as the consent is no longer given, refused or cleared alike."""
    if after.consent.personalisation is not ConsentState.GIVEN:
        changed_mind = after.consent.personalisation is not before.consent.personalisation
        return Forget.EVERYTHING if changed_mind else Forget.NOTHING
    withdrawn = before.consent.photo_learning is ConsentState.GIVEN is not after.consent.photo_learning
    return Forget.UPLOADS if withdrawn else Forget.NOTHING


def _too_busy() -> Overloaded:
    return Overloaded("this person is being changed by too many callers at once")
