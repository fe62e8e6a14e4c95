"""The store in Redis: what survives a restart, and what several replicas of the service share.

A person is a few keys under one hash tag (see `keys`), changed by scripts, each of which is one step for every other
client and one unit in the append-only file. Popularity lists belong to the catalogue. On a single server they change in
the step that writes the event; in a cluster they are in another slot and are counted right after it, so that a crash in
between loses that count, but never the event, and never counts it twice.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

from services.errors import Overloaded
from services.profile.events import unpack as unpack_event
from services.profile.keys import SPACES, Keys, PersonKeys, popular
from services.profile.person import ConsentState, Person
from services.profile.person import pack as pack_person
from services.profile.person import unpack as unpack_person
from services.profile.scripts_redis import Argument, Script, ScriptRunner
from services.profile.secret_redis import agreed_keys
from services.profile.store import (
    Answered,
    Batch,
    Erased,
    Forget,
    Glance,
    Loaded,
    Outcome,
    Page,
    ProfileStore,
    StoreRules,
    Wanted,
    Window,
)
from services.profile.walk_redis import Place, Walk
from services.profile.write_redis import EventWriter
from services.runtime.redis import Client, inspect_redis, redis_errors
from services.spaces import Block, Space

SWAP = Script("swap")
ERASE = Script("erase")
KEEP_TASTE = Script("keep_taste")

PLACES = ("profile", "events", "seen", "taste", "requests", "event_ids")
"""What the script that erases counts, in its order."""

MAX_ANSWERS = 64
"""Remembered answers of one person. Who repeats an older request writes it again, to the same effect."""

RECEIPT_MS = 60_000
"""An erasure that the client sends again because the answer was lost finds the answer for so long."""

ERASE_ATTEMPTS = 16
"""An attempt fails only when the person's first event in one more catalogue arrives during it."""


class RedisProfileStore(ProfileStore):
    """`secret` as in `secret_redis`; `client` is closed with the store. Redis is asked nothing before the first call.
    Every method raises Refused when Redis is too old, or its people are filed under another secret."""

    def __init__(self, client: Client, secret: str, rules: StoreRules) -> None:
        self._client: Any = client  # redis-py types every answer as that of its sync and its async client in one
        self._secret = secret
        self._rules = rules
        self._scripts = ScriptRunner(client)
        self._writer = EventWriter(client, self._scripts, rules)
        self._walk = Walk(client)

    @cached_property
    def _keys(self) -> Keys:
        inspect_redis(self._client)
        with redis_errors:
            return agreed_keys(self._client, self._secret)

    def load(self, user_id: str, request_id: str = "") -> Loaded:
        keys = self._keys.person(user_id)
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
        keys, now_ms = self._keys.person(person.user_id), person.updated_ms
        written: list[Argument] = [version, pack_person(person), _consent(person), _new_life(), forget.value, now_ms]
        with redis_errors:
            catalogues = [] if forget is Forget.NOTHING else self._catalogues(keys)
            own = [keys.main, keys.requests, keys.event_ids, *_histories(keys, catalogues)]
            arguments = [*written, *self._request(person, request_id, answered), MAX_ANSWERS, *catalogues]
            return bool(self._scripts.run(SWAP, own, arguments))

    def _request(self, person: Person, request_id: str, answered: Answered | None) -> list[Argument]:
        if answered is None:
            return ["", "", 1]
        digest = self._keys.request(person.user_id, request_id)
        return [digest, _pack_answer(answered), max(1, answered.until_ms - person.updated_ms)]

    def _catalogues(self, keys: PersonKeys) -> list[str]:
        """Those the person has a history in."""
        fields = [field.decode() for field in self._client.hkeys(keys.main)]
        return [field.removeprefix("writes:") for field in fields if field.startswith("writes:")]

    def erase(self, user_id: str) -> list[Erased] | None:
        keys = self._keys.person(user_id)
        own, attempt = [keys.receipt, keys.main, keys.requests, keys.event_ids], secrets.token_hex(8)
        with redis_errors:
            for _ in range(ERASE_ATTEMPTS):
                catalogues = self._catalogues(keys)
                arguments: list[Argument] = [attempt, RECEIPT_MS, *catalogues]
                counts = self._scripts.run(ERASE, [*own, *_histories(keys, catalogues)], arguments)
                if counts is None:
                    return None
                if counts:
                    return [Erased(place, int(count)) for place, count in zip(PLACES, counts.split(), strict=True)]
        raise Overloaded("events of this person keep coming in; ask again")

    def people(self, size: int, token: str) -> Page:
        start = Place.of(token, self._keys)
        with redis_errors:
            names, rest = self._walk.page(size, start)
            with self._client.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.hget(name, "person")
                found = pipeline.execute()
        return Page([unpack_person(data) for data in found if data], rest.token(self._keys) if rest else "")

    def record(self, batches: Sequence[Batch], now_ms: int) -> list[list[Outcome]]:
        with redis_errors:
            return self._writer.write(batches, self._keys, now_ms)

    def glance(self, wanted: Sequence[Wanted]) -> list[Glance | None]:
        with redis_errors, self._client.pipeline(transaction=False) as pipeline:
            for each in wanted:
                keys = self._keys.person(each.user_id)
                fields = ("consent", "life", f"writes:{each.catalogue}", f"taste:{each.catalogue}")
                pipeline.hmget(keys.main, *fields)
                if each.seen:
                    pipeline.zrevrange(keys.history(each.catalogue).seen, 0, self._rules.seen - 1)
            answers = iter(pipeline.execute())
        return [_glance(next(answers), next(answers) if each.seen else []) for each in wanted]

    def window(self, user_id: str, catalogue: str) -> Window:
        keys = self._keys.person(user_id)
        with redis_errors, self._client.pipeline() as pipeline:
            pipeline.hmget(keys.main, "life", f"writes:{catalogue}")
            pipeline.hvals(keys.history(catalogue).acts)
            (life, writes), packed = pipeline.execute()
        return Window(_stamp(life, writes), tuple(map(unpack_event, packed)))

    def keep_taste(self, user_id: str, catalogue: str, stamp: str, taste: bytes) -> None:
        life, _, writes = stamp.partition(":")
        with redis_errors:
            self._scripts.run(KEEP_TASTE, [self._keys.person(user_id).main], [catalogue, life, writes, taste])

    def keep_space(self, space: Space) -> None:
        with redis_errors:
            self._client.hsetnx(SPACES, space.name, json.dumps([asdict(block) for block in space.blocks]))

    def space(self, name: str) -> Space | None:
        with redis_errors:
            packed = self._client.hget(SPACES, name)
        return Space(name, tuple(Block(**block) for block in json.loads(packed))) if packed else None

    def popular(self, catalogue: str, domains: Sequence[str], limit: int) -> list[tuple[str, float]]:
        with redis_errors, self._client.pipeline(transaction=False) as pipeline:
            for name in self._lists(catalogue, domains):
                pipeline.zrevrange(name, 0, limit - 1, withscores=True)
            merged = {item_id.decode(): level for found in pipeline.execute() for item_id, level in found}
        return sorted(merged.items(), key=lambda pair: (pair[1], pair[0]), reverse=True)[:limit]

    def levels(self, catalogue: str, domains: Sequence[str], item_ids: Sequence[str]) -> list[float | None]:
        with redis_errors, self._client.pipeline(transaction=False) as pipeline:
            for name in self._lists(catalogue, domains):
                pipeline.zmscore(name, list(item_ids))
            columns = pipeline.execute()
        return [max((level for level in row if level is not None), default=None) for row in zip(*columns, strict=True)]

    def _lists(self, catalogue: str, domains: Sequence[str]) -> list[str]:
        return [popular(catalogue, self._rules.popular_hours, domain) for domain in domains or (None,)]

    def ping(self) -> None:
        self.load("nobody")

    def close(self) -> None:
        self._client.close()


def _histories(keys: PersonKeys, catalogues: Sequence[str]) -> list[str]:
    return [key for catalogue in catalogues for key in keys.history(catalogue).all()]


def _consent(person: Person) -> str:
    """What the scripts read: a digit for each purpose, 1 when it is given."""
    given = (person.consent.personalisation, person.consent.photo_learning, person.consent.segments)
    return "".join("1" if state is ConsentState.GIVEN else "0" for state in given)


def _new_life() -> str:
    return secrets.token_hex(8)


def _stamp(life: bytes | None, writes: bytes | None) -> str:
    return f"{life.decode()}:{writes.decode()}" if life and writes else ""


def _glance(fields: Sequence[bytes | None], seen: Sequence[bytes]) -> Glance | None:
    consent, life, writes, taste = fields
    if consent is None:
        return None
    if not consent.startswith(b"1"):
        return Glance(personalised=False)
    return Glance(True, _stamp(life, writes), taste or b"", tuple(item_id.decode() for item_id in seen))


def _pack_answer(answered: Answered) -> bytes:
    """`until created payload` in words, for the script reads the first, then the person."""
    head = f"{answered.until_ms} {answered.created:d} {answered.payload.hex()} "
    return head.encode() + pack_person(answered.person)


def _unpack_answer(data: bytes) -> Answered:
    until_ms, created, payload, packed = data.split(b" ", 3)
    return Answered(bytes.fromhex(payload.decode()), unpack_person(packed), created == b"1", int(until_ms))
