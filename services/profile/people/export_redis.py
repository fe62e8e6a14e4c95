"""All that is held about a person in Redis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.profile.collaborative.vectors_redis import unpack_vector
from services.profile.events.packed_event import unpack
from services.profile.filing.filing_redis import Filing
from services.profile.filing.keys import PersonKeys
from services.profile.people.export_store import ANSWER, ExportStore, HeldRecord, HistoryHeld, PersonHeld
from services.profile.people.person import unpack as unpack_person
from services.profile.segments.segment import segment_of
from services.runtime.held_redis import Held
from services.runtime.redis import redis_errors

CATALOGUES = ("writes:", "collaborative:")
"""Fields of a person that name every catalogue there is something of them in."""


class RedisExport(Filing, ExportStore):
    """One look at who they are, one at what they did."""

    def held(self, user_id: str) -> PersonHeld | None:
        keys = self._person(user_id)
        with redis_errors, self._client.pipeline() as pipeline:
            pipeline.hgetall(keys.main)
            pipeline.zcard(keys.event_ids)
            pipeline.pttl(keys.main)
            pipeline.hvals(keys.requests)
            fields, event_ids, ends_in_ms, answers = pipeline.execute()
        if b"person" not in fields:
            return None
        main = {name.decode(): value for name, value in fields.items()}
        alias = main.get("alias", b"").decode()
        records = Held(self._client).all(alias) if alias else []
        return PersonHeld(
            unpack_person(main["person"]),
            alias,
            [self._history(keys, main, catalogue) for catalogue in _catalogues(main)],
            event_ids,
            ends_in_ms if ends_in_ms >= 0 else None,
            [HeldRecord(record.kind, record.content) for record in records]
            + [HeldRecord(ANSWER, answer) for answer in answers],
            int(main["erased"].partition(b":")[0]) if "erased" in main else None,
        )

    def _history(self, keys: PersonKeys, main: Mapping[str, Any], catalogue: str) -> HistoryHeld:
        history, own = keys.history(catalogue), f"taste:{catalogue}"
        with redis_errors, self._client.pipeline() as pipeline:
            pipeline.hvals(history.acts)
            pipeline.hvals(history.shown)
            pipeline.zrevrange(history.seen, 0, -1)
            acts, shown, seen = pipeline.execute()
        return HistoryHeld(
            catalogue,
            [unpack(packed) for packed in (*acts, *shown)],
            [item_id.decode() for item_id in seen],
            main.get(f"memory:{catalogue}", b""),
            [packed for name, packed in main.items() if name == own or name.startswith(f"{own}:")],
            unpack_vector(main.get(f"collaborative:{catalogue}")),
            segment_of(main.get(f"segment:{catalogue}", b"").decode()),
        )


def _catalogues(main: Mapping[str, Any]) -> list[str]:
    found = {name.removeprefix(kind) for kind in CATALOGUES for name in main if name.startswith(kind)}
    return sorted(found)
