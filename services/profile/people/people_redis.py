"""People in Redis: a hash each, and what was answered about them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from services.errors import Overloaded
from services.profile.filing.filing_redis import Filing, histories
from services.profile.filing.keys import PersonKeys
from services.profile.filing.scripts_redis import Argument, Script
from services.profile.filing.store_rules import StoreRules
from services.profile.filing.walk_redis import Place, Walk
from services.profile.people.people_store import Answered, Erased, Forget, Loaded, Page, PeopleStore
from services.profile.people.person import ConsentState, Person
from services.profile.people.person import pack as pack_person
from services.profile.people.person import unpack as unpack_person
from services.runtime.held_redis import Held
from services.runtime.redis import Client, redis_errors

SWAP = Script("swap")
ERASE = Script("erase")

PLACES = ("profile", "events", "seen", "taste", "requests", "event_ids", "vectors")
"""What the script that erases counts, in its order."""

MAX_ANSWERS = 64
"""Remembered answers of one person. Who repeats an older request writes it again, to the same effect."""

RECEIPT_MS = 60_000
"""An erasure that the client sends again because the answer was lost finds the answer for so long."""

ERASE_ATTEMPTS = 16
"""An attempt fails only when the person's first event in one more catalogue arrives during it, or when somebody else
erases them and they are put anew."""

ON_ITS_WAY_MS = 60_000
"""An answer that other services began when the person still consented has ended after so long."""


class RedisPeople(Filing, PeopleStore):
    """Changed by comparing and swapping, erased in one step."""

    def __init__(self, client: Client, secret: str, rules: StoreRules, formerly: Sequence[str] = ()) -> None:
        super().__init__(client, secret, rules, formerly)
        self._walk = Walk(client)
        self._held = Held(client)

    def load(self, user_id: str, request_id: str = "") -> Loaded:
        keys = self._person(user_id)
        with redis_errors, self._client.pipeline() as pipeline:
            pipeline.hget(keys.main, "person")
            pipeline.hget(keys.requests, self._keys.request(user_id, request_id))
            version, answer = pipeline.execute()
        answered = _unpack_answer(answer) if request_id and answer else None
        return Loaded(unpack_person(version) if version else None, version or b"", answered)

    def swap(
        self,
        version: bytes,
        person: Person,
        forget: Forget = Forget.NOTHING,
        request_id: str = "",
        answered: Answered | None = None,
    ) -> bool:
        keys, now_ms = self._person(person.user_id), person.updated_ms
        written: list[Argument] = [version, pack_person(person), _consent(person), _new_life(), forget.value, now_ms]
        written += [_new_alias(), self._rules.retention_ms]
        with redis_errors:
            catalogues = [] if forget is Forget.NOTHING else self._catalogues(keys)
            own = [keys.tombstone, keys.main, keys.requests, keys.event_ids, *histories(keys, catalogues)]
            arguments = [*written, *self._request(person, request_id, answered), MAX_ANSWERS, *catalogues]
            alias = self._scripts.run(SWAP, own, arguments)
        # Also when nothing else was to be forgotten: a call before may have been cut short here.
        if alias and person.consent.personalisation is not ConsentState.GIVEN:
            self._held.erase(alias.decode(), ON_ITS_WAY_MS if _consented(version) else 0)
        return bool(alias)

    def _request(self, person: Person, request_id: str, answered: Answered | None) -> list[Argument]:
        if answered is None:
            return ["", "", 1]
        digest = self._keys.request(person.user_id, request_id)
        return [digest, _pack_answer(answered), max(1, answered.until_ms - person.updated_ms)]

    def _catalogues(self, keys: PersonKeys) -> list[str]:
        """Those the person has a history in."""
        fields = [field.decode() for field in self._client.hkeys(keys.main)]
        return [field.removeprefix("writes:") for field in fields if field.startswith("writes:")]

    def erase(self, user_id: str, now_ms: int = 0, tombstone_ms: int = 0) -> list[Erased] | None:
        keys = self._person(user_id)
        # Whom a replica that does not know the ring yet put anew was not moved.
        for old in self._keys.formerly(user_id):
            self._erase(old, now_ms, tombstone_ms)
        return self._erase(keys, now_ms, tombstone_ms)

    def _erase(self, keys: PersonKeys, now_ms: int, tombstone_ms: int) -> list[Erased] | None:
        own = [keys.tombstone, keys.receipt, keys.main, keys.requests, keys.event_ids]
        attempt, held = secrets.token_hex(8), 0
        with redis_errors:
            for _ in range(ERASE_ATTEMPTS):
                # Before the pseudonym is gone with the rest: it is the way to what other services keep.
                alias = self._alias(keys)
                held += self._held.erase(alias, tombstone_ms) if alias else 0
                catalogues = self._catalogues(keys)
                arguments: list[Argument] = [attempt, RECEIPT_MS, now_ms, tombstone_ms, alias, *catalogues]
                counts = self._scripts.run(ERASE, [*own, *histories(keys, catalogues)], arguments)
                if counts is None:
                    return None
                if counts:
                    numbers = zip(PLACES, counts.split(), strict=True)
                    return [*(Erased(place, int(count)) for place, count in numbers), Erased("held", held)]
        raise Overloaded("events of this person keep coming in; ask again")

    def _alias(self, keys: PersonKeys) -> str:
        """Their pseudonym; of nobody, none."""
        with redis_errors:
            return (self._client.hget(keys.main, "alias") or b"").decode()

    def people(self, size: int, token: str) -> Page:
        start = Place.of(token, self._keys)
        with redis_errors:
            names, rest = self._walk.page(size, start)
            with self._client.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.hget(name, "person")
                found = pipeline.execute()
        return Page([unpack_person(data) for data in found if data], rest.token(self._keys) if rest else "")


def _consent(person: Person) -> str:
    """What the scripts and `GetTaste` read: a digit for each purpose, 1 when it is given."""
    given = (person.consent.personalisation, person.consent.photo_learning, person.consent.segments)
    return "".join(str(int(state)) for state in given)


def _consented(version: bytes) -> bool:
    """Whether a person as they stood did, to personalisation."""
    return bool(version) and unpack_person(version).consent.personalisation is ConsentState.GIVEN


def _new_life() -> str:
    return secrets.token_hex(8)


def _new_alias() -> str:
    return secrets.token_hex(16)


def _pack_answer(answered: Answered) -> bytes:
    """`until created payload` in words, for the script reads the first, then the person."""
    head = f"{answered.until_ms} {answered.created:d} {answered.payload.hex()} "
    return head.encode() + pack_person(answered.person)


def _unpack_answer(data: bytes) -> Answered:
    until_ms, created, payload, packed = data.split(b" ", 3)
    return Answered(bytes.fromhex(payload.decode()), unpack_person(packed), created == b"1", int(until_ms))
