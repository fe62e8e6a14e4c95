"""Tastes in Redis: in the hash of their person, so that one look finds all there is to answer with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from services.profile.filing_redis import Filing, stamp
from services.profile.keys import SPACES
from services.profile.scripts_redis import Script
from services.profile.taste_store import Glance, TasteStore, Wanted
from services.runtime.redis import redis_errors
from services.spaces import Block, Space

KEEP_TASTE = Script("keep_taste")


class RedisTastes(Filing, TasteStore):
    """One round trip for a look, however many are looked at."""

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


def _glance(fields: Sequence[bytes | None], seen: Sequence[bytes]) -> Glance | None:
    consent, life, writes, taste = fields
    if consent is None:
        return None
    if not consent.startswith(b"1"):
        return Glance(personalised=False)
    return Glance(True, stamp(life, writes), taste or b"", tuple(item_id.decode() for item_id in seen))
