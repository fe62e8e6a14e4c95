"""Events on their way into Redis: one script for each person and catalogue, all in one round trip."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

from redis.cluster import RedisCluster

from services.profile.events.event import Event
from services.profile.events.event_store import Batch, Filled, Outcome, Recorded, counted
from services.profile.events.packed_event import pack
from services.profile.filing.keys import DIGEST_BYTES, Keys, PersonKeys
from services.profile.filing.lists_redis import Lists, count, live_ms
from services.profile.filing.scripts_redis import Argument, Call, Script, ScriptRunner
from services.profile.filing.store_rules import DAY_MS, StoreRules
from services.profile.segments.segment import segment_of
from services.profile.taste.tidying import AGAIN_MS, MOST_ALIKE
from services.runtime.redis import Client

RECORD = Script("popularity", "packed", "record")
FILL = Script("popularity", "packed", "fill")

OUTCOMES = {outcome.value.encode(): outcome for outcome in Outcome}

_BOUNDS = struct.Struct("<14d")
_EVENT = struct.Struct("<16s16sdH")
"""One argument for each event, for there are many: its digest, that of what was done to what, what it adds and the
number of the list of its domain; the packed event comes after it."""
_NO_ACT = bytes(DIGEST_BYTES)

NOTHING: tuple[Event, ...] = ()


class EventWriter:
    """On a single server popularity changes in the step that writes the event, in a cluster right after it."""

    def __init__(self, client: Client, scripts: ScriptRunner, rules: StoreRules) -> None:
        self._scripts = scripts
        self._rules = rules
        self._in_one_step = not isinstance(client, RedisCluster)

    def record(self, batches: Sequence[Batch], people: Sequence[PersonKeys], keys: Keys, now_ms: int) -> list[Recorded]:
        """See `EventStore.record`. Raises redis.RedisError."""
        bounds = _BOUNDS.pack(*self._bounds(now_ms))
        calls = [self._record(batch, person, keys, bounds) for batch, person in zip(batches, people, strict=True)]
        answers = self._scripts.run_all(calls)
        recorded = [_recorded(answer) for answer in answers]
        self._count_recorded(batches, recorded)
        return recorded

    def _bounds(self, now_ms: int) -> list[int]:
        rules = self._rules
        remembered_ms = int(rules.remembered_days * DAY_MS)
        times = (now_ms, now_ms - remembered_ms, remembered_ms, rules.retention_ms, rules.first_ms(now_ms))
        most = (rules.remembered, rules.most, rules.shown, rules.seen, rules.popular, rules.per_minute)
        return [*times, *most, live_ms(rules), AGAIN_MS, MOST_ALIKE]

    def _record(self, batch: Batch, person: PersonKeys, keys: Keys, bounds: bytes) -> Call:
        lists = Lists(batch.catalogue, batch.events if self._in_one_step else NOTHING, self._rules)
        events = [
            _EVENT.pack(
                keys.event(batch.user_id, event.event_id),
                _act(batch.user_id, event, keys),
                lists.gained(event),
                lists.place(event),
            )
            + pack(event)
            for event in batch.events
        ]
        own = [person.main, person.event_ids, *person.history(batch.catalogue).all()]
        return Call(RECORD, [*own, *lists.keys], [batch.catalogue, bounds, *events])

    def _count_recorded(self, batches: Sequence[Batch], recorded: Sequence[Recorded]) -> None:
        calls = []
        for batch, record in zip(batches, recorded, strict=True):
            calls += self._counts(batch.catalogue, counted(batch, record), record.segment)
        self._scripts.run_all(calls)

    def _counts(self, catalogue: str, events: Sequence[Event], segment: str) -> list[Call]:
        """What remains to be counted of events that were written."""
        calls = [] if self._in_one_step else count(catalogue, events, self._rules)
        return [*calls, *(count(catalogue, events, self._rules, segment_of(segment)) if segment else ())]

    def fill(self, person: PersonKeys, catalogue: str, life: str, filled: Sequence[Filled]) -> int:
        """See `EventStore.fill`. Raises redis.RedisError."""
        events = [each.event for each in filled if each.event is not None]
        lists = Lists(catalogue, events if self._in_one_step else NOTHING, self._rules)
        arguments: list[Argument] = [catalogue, life, self._rules.popular, live_ms(self._rules), AGAIN_MS]
        for each in filled:
            known = each.event
            arguments += [
                each.act.name,
                hashlib.sha1(each.act.packed, usedforsecurity=False).hexdigest(),
                "" if known is None else pack(known),
                each.act.event.time_ms,
                each.act.event.item_id,
                "" if known is None or not lists.place(known) else repr(lists.gained(known)),
                0 if known is None else lists.place(known),
            ]
        history = person.history(catalogue)
        own = [person.main, history.acts, history.acts_order, history.seen]
        answer = self._scripts.run(FILL, [*own, *lists.keys], arguments)
        if not answer:
            return 0
        *done, segment = answer
        ends = zip(filled, done, strict=True)
        waited = [each.event for each, end in ends if end == WAITED and each.event is not None]
        self._scripts.run_all(self._counts(catalogue, waited, segment.decode()))
        return sum(end != 0 for end in done)


WAITED = 2
"""What the script that fills answers for an event whose popularity had waited."""


def _act(user_id: str, event: Event, keys: Keys) -> bytes:
    """Tells, of an event that popularity counts, what was done to what: no id of an event has such letters."""
    return keys.event(user_id, f"\0{event.type}\0{event.item_id}") if event.is_popular else _NO_ACT


def _recorded(answer: bytes) -> Recorded:
    *words, acts, pending, segment = answer.split(b" ")
    again = frozenset(number for number, word in enumerate(words) if word.endswith(b"+"))
    return Recorded([OUTCOMES[word.rstrip(b"+")] for word in words], int(acts), int(pending), segment.decode(), again)
