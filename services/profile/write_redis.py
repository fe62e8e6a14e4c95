"""Events on their way into Redis: one script for each person and catalogue, all in one round trip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redis.cluster import RedisCluster

from services.profile import popularity
from services.profile.event_store import Batch, Outcome
from services.profile.events import Event
from services.profile.keys import Keys, popular
from services.profile.packed_event import pack
from services.profile.scripts_redis import Argument, Call, Script, ScriptRunner
from services.profile.store_rules import StoreRules
from services.runtime.redis import Client

RECORD = Script("popularity", "record")
COUNT = Script("popularity", "count")

DAY_MS = 86_400_000


@dataclass(frozen=True)
class _Lists:
    """The popularity lists that a batch touches: the catalogue's first, then one for each domain."""

    keys: list[str]
    places: dict[str, int]


class EventWriter:
    """On a single server popularity changes in the step that writes the event, in a cluster right after it."""

    def __init__(self, client: Client, scripts: ScriptRunner, rules: StoreRules) -> None:
        self._scripts = scripts
        self._rules = rules
        self._in_one_step = not isinstance(client, RedisCluster)

    def write(self, batches: Sequence[Batch], keys: Keys, now_ms: int) -> list[list[Outcome]]:
        """See `ProfileStore.record`. Raises redis.RedisError."""
        answers = self._scripts.run_all([self._record(batch, keys, now_ms) for batch in batches])
        outcomes = [[Outcome(word.decode()) for word in answer] for answer in answers]
        if not self._in_one_step:
            self._count(batches, outcomes)
        return outcomes

    def _record(self, batch: Batch, keys: Keys, now_ms: int) -> Call:
        person = keys.person(batch.user_id)
        lists = self._lists(batch.catalogue, batch.events) if self._in_one_step else _Lists([], {})
        arguments = self._bounds(batch, now_ms)
        for event in batch.events:
            arguments += [
                keys.event(batch.user_id, event.event_id),
                event.time_ms,
                int(event.type),
                pack(event),
                event.item_id if event.is_seen else "",
                self._gained(event),
                lists.places.get(event.domain, 0),
            ]
        return Call(
            RECORD, [person.main, person.event_ids, *person.history(batch.catalogue).all(), *lists.keys], arguments
        )

    def _bounds(self, batch: Batch, now_ms: int) -> list[Argument]:
        rules = self._rules
        remembered_ms = int(rules.remembered_days * DAY_MS)
        most = (rules.remembered, rules.window, rules.shown, rules.seen, rules.popular)
        return [now_ms, now_ms - remembered_ms, remembered_ms, *most, self._lists_live_ms(), batch.catalogue]

    def _lists_live_ms(self) -> int:
        return int(popularity.FORGOTTEN_AFTER * self._rules.popular_hours * popularity.HOUR_MS)

    def _gained(self, event: Event) -> Argument:
        if not event.is_popular:
            return ""
        return repr(popularity.gain(event.weight, event.time_ms, self._rules.popular_hours))

    def _lists(self, catalogue: str, counted: Sequence[Event]) -> _Lists:
        domains = list(dict.fromkeys(event.domain for event in counted if event.is_popular))
        which = [None, *domains] if domains else []
        keys = [popular(catalogue, self._rules.popular_hours, domain) for domain in which]
        return _Lists(keys, {domain: place for place, domain in enumerate(domains, start=2)})

    def _count(self, batches: Sequence[Batch], outcomes: Sequence[Sequence[Outcome]]) -> None:
        calls = []
        for batch, ends in zip(batches, outcomes, strict=True):
            written = [
                event
                for event, end in zip(batch.events, ends, strict=True)
                if event.is_popular and end in (Outcome.LEARNED, Outcome.COUNTED)
            ]
            lists = self._lists(batch.catalogue, written)
            arguments: list[Argument] = [self._rules.popular, self._lists_live_ms()]
            for event in written:
                arguments += [event.item_id, self._gained(event), lists.places[event.domain]]
            if written:
                calls.append(Call(COUNT, lists.keys, arguments))
        self._scripts.run_all(calls)
