"""Tastes in Redis: in the hash of their person, so that one look finds all there is to answer with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property, lru_cache

from services.profile.filing.filing_redis import Filing, stamp
from services.profile.filing.keys import SPACES
from services.profile.filing.scripts_redis import Argument, Call, Script
from services.profile.people.person import Consent, ConsentState
from services.profile.taste.taste_store import Glance, Keeping, TasteQuery, TasteStore
from services.runtime.redis import redis_errors
from services.runtime.redis_looks import Line, Look, open_line
from services.spaces import Block, Space

KEEP_TASTE = Script("keep_taste")


class RedisTastes(Filing, TasteStore):
    """One round trip for a look, however many are looked at."""

    @cached_property
    def _line(self) -> Line:
        return open_line(self._client)

    def glance(self, queries: Sequence[TasteQuery]) -> list[Glance | None]:
        people = self._persons([query.user_id for query in queries])
        looks: list[tuple[Look, str]] = []
        for keys, query in zip(people, queries, strict=True):
            looks.append((_known(query.catalogue, query.space), keys.main))
            if query.include_seen:
                looks.append((_latest(self._rules.seen), keys.history(query.catalogue).seen))
        with redis_errors:
            answers = iter(self._line.ask(looks))
        return [_glance(next(answers), next(answers) if query.include_seen else ()) for query in queries]

    def keep_tastes(self, tastes: Sequence[Keeping]) -> None:
        those = [each for each in tastes if each.stamp]
        if not those:
            return
        people = self._persons([each.user_id for each in those])
        with redis_errors:
            self._scripts.run_all([_kept(keys.main, each) for keys, each in zip(people, those, strict=True)])

    def keep_space(self, space: Space) -> None:
        with redis_errors:
            self._client.hsetnx(SPACES, space.name, json.dumps([asdict(block) for block in space.blocks]))

    def space(self, name: str) -> Space | None:
        with redis_errors:
            packed = self._client.hget(SPACES, name)
        return Space(name, tuple(Block(**block) for block in json.loads(packed))) if packed else None


def _kept(main: str, keeping: Keeping) -> Call:
    catalogue, kept = keeping.catalogue, keeping.kept
    arguments: list[Argument] = [
        catalogue,
        *keeping.stamp.split(":"),
        kept.taste,
        _field(catalogue, kept.beside),
        kept.segment,
    ]
    return Call(KEEP_TASTE, [main], arguments)


def _field(catalogue: str, space: str) -> str:
    """Where a taste is kept: that of the space of the latest event, or that of another."""
    return f"taste:{catalogue}:{space}" if space else f"taste:{catalogue}"


@lru_cache(maxsize=1024)
def _known(catalogue: str, space: str) -> Look:
    about = ("consent", "alias", "life", f"writes:{catalogue}", "puts", _field(catalogue, ""))
    return Look("HMGET", *about, _field(catalogue, space)) if space else Look("HMGET", *about)


@lru_cache(maxsize=1)  # the bound is that of the service
def _latest(count: int) -> Look:
    return Look("ZREVRANGE", 0, count - 1)


@lru_cache(maxsize=64)  # of the 27 there are
def _consent(digits: bytes) -> Consent:
    return Consent(*(ConsentState(digit - ord("0")) for digit in digits))


def _glance(fields: Sequence[bytes | None], seen: Sequence[bytes]) -> Glance | None:
    digits, alias, life, writes, puts, taste, *beside = fields
    if digits is None:
        return None
    consent, pseudonym = _consent(digits), (alias or b"").decode()
    if consent.personalisation is not ConsentState.GIVEN:
        return Glance(consent, pseudonym)
    items = tuple([item_id.decode() for item_id in seen])
    return Glance(
        consent, pseudonym, stamp(life, writes, puts), taste or b"", items, (beside[0] if beside else None) or b""
    )
