"""What people do, in Redis: events in a hash, their order in a sorted set beside it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from services.errors import InvalidInput
from services.profile.collaborative.vectors_redis import unpack_vector
from services.profile.events.event_store import (
    Act,
    Batch,
    EventStore,
    Filled,
    Histories,
    Recorded,
    Settlement,
    Window,
    boundary,
)
from services.profile.events.packed_event import unpack
from services.profile.filing.filing_redis import Filing, stamp
from services.profile.filing.keys import PersonKeys
from services.profile.filing.scripts_redis import Argument, Call, Script
from services.profile.filing.store_rules import StoreRules
from services.profile.filing.walk_redis import Place, Walk
from services.profile.filing.write_redis import EventWriter
from services.profile.people.person import unpack as unpack_person
from services.runtime.redis import Client, redis_errors

WINDOW = Script("window")
SETTLE = Script("packed", "settle")

SALT_BYTES = 16
NODES_END = 1_000_000
"""The number of a node that no cluster has: a walk that has only left-over keys to go."""


class RedisEvents(Filing, EventStore):
    """Written by one script for each person and catalogue; read by another, as of one moment."""

    def __init__(self, client: Client, secret: str, rules: StoreRules, formerly: Sequence[str] = ()) -> None:
        super().__init__(client, secret, rules, formerly)
        self._writer = EventWriter(client, self._scripts, rules)
        self._everybody = Walk(client)

    def record(self, batches: Sequence[Batch], now_ms: int) -> list[Recorded]:
        people = self._persons([batch.user_id for batch in batches])
        with redis_errors:
            return self._writer.record(batches, people, self._keys, now_ms)

    def window(self, user_id: str, catalogue: str) -> Window:
        return self.oldest([(user_id, catalogue, 0)])[0]

    def oldest(self, wanted: Sequence[tuple[str, str, int]]) -> list[Window]:
        people = self._persons([user_id for user_id, _, _ in wanted])
        calls = [_window(person, each[1], each[2]) for person, each in zip(people, wanted, strict=True)]
        with redis_errors:
            return [_unpack(answer) for answer in self._scripts.run_all(calls)]

    def settle(self, settlements: Sequence[Settlement]) -> list[bool]:
        with redis_errors:
            return [bool(done) for done in self._scripts.run_all([self._settlement(each) for each in settlements])]

    def _settlement(self, given: Settlement) -> Call:
        person = self._person(given.user_id)
        history = person.history(given.catalogue)
        mark = boundary(given.mark, given.acts) if given.acts else given.mark
        compared: list[Argument] = [given.catalogue, _life(given.stamp), given.mark, mark]
        put: list[Argument] = [given.memory, self._rules.retention_ms, self._rules.window]
        names = [act.name for act in given.acts]
        return Call(SETTLE, [person.main, history.acts, history.acts_order], [*compared, *put, *names])

    def fill(self, user_id: str, catalogue: str, stamp: str, filled: Sequence[Filled]) -> int:
        with redis_errors:
            return self._writer.fill(self._person(user_id), catalogue, _life(stamp), filled)

    def histories(self, catalogue: str, people: int, token: str, *, shown: bool = False) -> Histories:
        salt, place = self._opened(token)
        start = Place.of(place, self._keys)
        with redis_errors:
            names, rest = self._everybody.page(people, start)
            calls = [_window(PersonKeys(name), catalogue, 0, shown=shown) for name in names]
            windows = [_unpack(answer) for answer in self._scripts.run_all(calls)]
        found = [(name, window) for name, window in zip(names, windows, strict=True) if window.acts or window.memory]
        again = replace(rest, left_over=(*names, *rest.left_over)) if rest else Place(NODES_END, 0, tuple(names))
        return Histories(
            windows=[window for _, window in found],
            aliases=[self._keys.seal(f"alias {salt} {name}".encode()).hex() for name, _ in found],
            token=self._closed(salt, rest.token(self._keys)) if rest else "",
            again=self._closed(salt, again.token(self._keys)),
        )

    def _opened(self, token: str) -> tuple[str, str]:
        """The salt of the pseudonyms of a walk, and its place; a new salt for a new walk."""
        if not token:
            return secrets.token_hex(SALT_BYTES), ""
        salt, _, rest = token.partition(".")
        seal, _, place = rest.partition(".")
        if not secrets.compare_digest(seal.encode(), self._sealed(salt, place).encode()):
            raise InvalidInput("page_token", "is not a token of a previous page")
        return salt, place

    def _closed(self, salt: str, place: str) -> str:
        return f"{salt}.{self._sealed(salt, place)}.{place}"

    def _sealed(self, salt: str, place: str) -> str:
        return self._keys.seal(f"walk {salt} {place}".encode()).hex()


def _window(person: PersonKeys, catalogue: str, count: int, *, shown: bool = False) -> Call:
    history = person.history(catalogue)
    return Call(WINDOW, [person.main, history.acts, history.acts_order, history.shown], [catalogue, count, int(shown)])


def _unpack(answer: Sequence[Any] | None) -> Window:
    if answer is None:
        return Window()
    _, life, writes, puts, person, memory, mark, put, count, *rest = answer
    names, packed = rest[::2], rest[1::2]
    acts = [Act(name, unpack(data), data) for name, data in zip(names, packed, strict=True)]
    acts[count:] = sorted(acts[count:], key=lambda act: (act.event.time_ms, act.name))
    return Window(
        stamp(life, writes, puts), tuple(acts), memory or b"", mark or b"", unpack_person(person), unpack_vector(put)
    )


def _life(stamp: str) -> str:
    return stamp.partition(":")[0]
