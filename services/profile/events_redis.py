"""What people do, in Redis: events in a hash, their order in a sorted set beside it."""

from __future__ import annotations

from collections.abc import Sequence

from services.profile.event_store import Batch, EventStore, Outcome, Window
from services.profile.filing_redis import Filing, stamp
from services.profile.packed_event import unpack
from services.profile.store_rules import StoreRules
from services.profile.write_redis import EventWriter
from services.runtime.redis import Client, redis_errors


class RedisEvents(Filing, EventStore):
    """Written by one script for each person and catalogue."""

    def __init__(self, client: Client, secret: str, rules: StoreRules) -> None:
        super().__init__(client, secret, rules)
        self._writer = EventWriter(client, self._scripts, rules)

    def record(self, batches: Sequence[Batch], now_ms: int) -> list[list[Outcome]]:
        with redis_errors:
            return self._writer.write(batches, self._keys, now_ms)

    def window(self, user_id: str, catalogue: str) -> Window:
        keys = self._keys.person(user_id)
        with redis_errors, self._client.pipeline() as pipeline:
            pipeline.hmget(keys.main, "life", f"writes:{catalogue}")
            pipeline.hvals(keys.history(catalogue).acts)
            (life, writes), packed = pipeline.execute()
        return Window(stamp(life, writes), tuple(map(unpack, packed)))
