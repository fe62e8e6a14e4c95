"""Tastes in Redis: in the hash of their person, so that one look finds all there is to answer with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache

from services.profile.filing_redis import Filing, stamp
from services.profile.keys import SPACES
from services.profile.person import Consent, ConsentState
from services.profile.scripts_redis import Argument, Script
from services.profile.taste_store import Glance, Kept, TasteStore, Wanted
from services.runtime.redis import redis_errors
from services.spaces import Block, Space

KEEP_TASTE = Script("keep_taste")


class RedisTastes(Filing, TasteStore):
    """One round trip for a look, however many are looked at."""

    def glance(self, wanted: Sequence[Wanted]) -> list[Glance | None]:
        people = self._persons([each.user_id for each in wanted])
        with redis_errors, self._client.pipeline(transaction=False) as pipeline:
            for keys, each in zip(people, wanted, strict=True):
                pipeline.hmget(keys.main, *_fields(each))
                if each.seen:
                    pipeline.zrevrange(keys.history(each.catalogue).seen, 0, self._rules.seen - 1)
            answers = iter(pipeline.execute())
        return [_glance(next(answers), next(answers) if each.seen else []) for each in wanted]

    def keep_taste(self, user_id: str, catalogue: str, stamp: str, kept: Kept) -> None:
        if not stamp:
            return
        arguments: list[Argument] = [
            catalogue,
            *stamp.split(":"),
            kept.taste,
            _field(catalogue, kept.beside),
            kept.segment,
        ]
        with redis_errors:
            self._scripts.run(KEEP_TASTE, [self._person(user_id).main], arguments)

    def keep_space(self, space: Space) -> None:
        with redis_errors:
            self._client.hsetnx(SPACES, space.name, json.dumps([asdict(block) for block in space.blocks]))

    def space(self, name: str) -> Space | None:
        with redis_errors:
            packed = self._client.hget(SPACES, name)
        return Space(name, tuple(Block(**block) for block in json.loads(packed))) if packed else None


def _field(catalogue: str, space: str) -> str:
    """Where a taste is kept: that of the space of the latest event, or that of another."""
    return f"taste:{catalogue}:{space}" if space else f"taste:{catalogue}"


def _fields(wanted: Wanted) -> list[str]:
    catalogue = wanted.catalogue
    about = ["consent", "alias", "life", f"writes:{catalogue}", "puts", f"pending:{catalogue}", _field(catalogue, "")]
    return [*about, _field(catalogue, wanted.space)] if wanted.space else about


@lru_cache(maxsize=64)  # of the 27 there are
def _consent(digits: bytes) -> Consent:
    return Consent(*(ConsentState(digit - ord("0")) for digit in digits))


def _glance(fields: Sequence[bytes | None], seen: Sequence[bytes]) -> Glance | None:
    digits, alias, life, writes, puts, pending, taste, *beside = fields
    if digits is None:
        return None
    consent, pseudonym = _consent(digits), (alias or b"").decode()
    if consent.personalisation is not ConsentState.GIVEN:
        return Glance(consent, pseudonym)
    items = tuple(item_id.decode() for item_id in seen)
    kept_beside = (beside[0] if beside else None) or b""
    kept = taste or b""
    return Glance(consent, pseudonym, stamp(life, writes, puts), kept, items, kept_beside, int(pending or 0))
