"""What every store in Redis stands on: the client, the scripts, the bounds, and the names people are filed under."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from services.profile.filing.keys import SECRET, Keys, PersonKeys
from services.profile.filing.scripts_redis import Call, Script, ScriptRunner
from services.profile.filing.secret_redis import agreed_keys
from services.profile.filing.store_rules import StoreRules
from services.runtime.redis import Client, redis_errors
from services.runtime.redis_facts import inspect_redis

MOVE = Script("move")


class Filing:
    """`secret` and those it was `formerly` as in `secret_redis`; Redis is asked nothing before the first call. Every
    method of the stores that stand on it raises Refused when Redis is too old, or its people are filed under none of
    these secrets."""

    def __init__(self, client: Client, secret: str, rules: StoreRules, formerly: Sequence[str] = ()) -> None:
        self._client: Any = client  # redis-py types every answer as that of its sync and its async client in one
        self._secret = secret
        self._former_secrets = tuple(formerly)
        self._rules = rules
        self._scripts = ScriptRunner(client)

    @cached_property
    def _keys(self) -> Keys:
        inspect_redis(self._client)
        with redis_errors:
            return agreed_keys(self._client, self._secret, self._former_secrets)

    def _agree_again(self) -> None:
        """On the secrets, if Redis tells of others: it came back empty, or from a copy. Else whoever starts later would
        file people under a secret of its own, and each would find only theirs."""
        with redis_errors:
            present = self._client.hget(SECRET, "fingerprint")
        if present != self._keys.fingerprint:
            self.__dict__.pop("_keys", None)

    def _person(self, user_id: str) -> PersonKeys:
        """The keys of a person, who is moved there first if they are filed under a former secret."""
        return self._persons((user_id,))[0]

    def _persons(self, user_ids: Sequence[str]) -> list[PersonKeys]:
        """The same of several, in at most one round trip."""
        found = [self._keys.person(user_id) for user_id in user_ids]
        if self._keys.is_ring:
            self._move(user_ids, found)
        return found

    def _move(self, user_ids: Sequence[str], found: Sequence[PersonKeys]) -> None:
        # Each time: a replica that has not heard of the new order may have moved somebody back.
        who = {each.main: user_id for each, user_id in zip(found, user_ids, strict=True)}
        calls = [Call(MOVE, [old.main, main], []) for main, name in who.items() for old in self._keys.formerly(name)]
        with redis_errors:
            self._scripts.run_all(calls)


def stamp(life: bytes | None, writes: bytes | None, puts: bytes | None) -> str:
    """What changes with every event that is written, with the person, and after forgetting; empty without events."""
    return f"{life.decode()}:{writes.decode()}:{(puts or b'0').decode()}" if life and writes else ""


def histories(keys: PersonKeys, catalogues: Sequence[str]) -> list[str]:
    """The keys of a person in these catalogues, as the scripts take them."""
    return [key for catalogue in catalogues for key in keys.history(catalogue).all()]
