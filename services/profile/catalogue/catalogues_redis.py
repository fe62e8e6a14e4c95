"""What is kept of people in one catalogue, forgotten in Redis."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from services.profile.catalogue.catalogue_store import CatalogueStore, Forgotten
from services.profile.filing.keys import PersonKeys, popular_lists
from services.profile.filing.scripts_redis import Call, Script
from services.profile.filing.store_rules import StoreRules
from services.profile.filing.walk_redis import Place, Walk
from services.profile.segments.segment import NO_SEGMENTS
from services.profile.segments.segments_redis import RedisSegments
from services.runtime.redis import Client, redis_errors

FORGET = Script("forget_catalogue")
AT_ONCE = 1000


class RedisCatalogues(RedisSegments, CatalogueStore):
    """A walk over everybody, one step for each of them. The lists of a catalogue are found by a walk over all keys: it
    is done once, and nothing else needs to know of all."""

    def __init__(self, client: Client, secret: str, rules: StoreRules, formerly: Sequence[str] = ()) -> None:
        super().__init__(client, secret, rules, formerly)
        self._all = Walk(client)

    def forget(self, catalogue: str, people: int, token: str) -> Forgotten:
        start = Place.of(token, self._keys)
        with redis_errors:
            names, rest = self._all.page(people, start)
            done = self._scripts.run_all([_forget(PersonKeys(name), catalogue) for name in names])
        return Forgotten(sum(done), rest.token(self._keys) if rest else "")

    def forget_popularity(self, catalogue: str) -> None:
        self.put_segments(catalogue, NO_SEGMENTS)
        with redis_errors:
            for name in self._client.scan_iter(match=popular_lists(catalogue), count=AT_ONCE):
                self._client.unlink(name)


def _forget(person: PersonKeys, catalogue: str) -> Call:
    return Call(FORGET, [person.main, *person.history(catalogue).all()], [catalogue, secrets.token_hex(8)])
