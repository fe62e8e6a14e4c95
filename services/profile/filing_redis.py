"""What every store in Redis stands on: the client, the scripts, the bounds, and the names people are filed under."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from services.profile.keys import Keys, PersonKeys
from services.profile.scripts_redis import ScriptRunner
from services.profile.secret_redis import agreed_keys
from services.profile.store_rules import StoreRules
from services.runtime.redis import Client, inspect_redis, redis_errors


class Filing:
    """`secret` as in `secret_redis`; Redis is asked nothing before the first call. Every method of the stores that
    stand on it raises Refused when Redis is too old, or its people are filed under another secret."""

    def __init__(self, client: Client, secret: str, rules: StoreRules) -> None:
        self._client: Any = client  # redis-py types every answer as that of its sync and its async client in one
        self._secret = secret
        self._rules = rules
        self._scripts = ScriptRunner(client)

    @cached_property
    def _keys(self) -> Keys:
        inspect_redis(self._client)
        with redis_errors:
            return agreed_keys(self._client, self._secret)


def stamp(life: bytes | None, writes: bytes | None, puts: bytes | None) -> str:
    """What changes with every event that is written, with the person, and after forgetting; empty without events."""
    return f"{life.decode()}:{writes.decode()}:{(puts or b'0').decode()}" if life and writes else ""


def histories(keys: PersonKeys, catalogues: Sequence[str]) -> list[str]:
    """The keys of a person in these catalogues, as the scripts take them."""
    return [key for catalogue in catalogues for key in keys.history(catalogue).all()]
