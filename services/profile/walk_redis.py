"""A walk over everybody by SCAN: there is no list of people to keep in step, or to erase from."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass
from typing import Any

from redis.cluster import RedisCluster

from services.errors import InvalidInput
from services.profile.keys import ANY_PERSON, DIGEST_BYTES, Keys

MAX_STEPS = 200
"""SCAN calls for one page. A keyspace full of other things makes short pages, not slow ones."""


@dataclass(frozen=True)
class Place:
    """How far a walk has come: the number of the cluster's node, its SCAN cursor, keys that did not fit the page."""

    node: int = 0
    cursor: int = 0
    left_over: tuple[str, ...] = ()

    def token(self, keys: Keys) -> str:
        """For the caller to bring back: sealed, for it names keys that will be read."""
        place = json.dumps([self.node, self.cursor, self.left_over], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(keys.seal(place) + place).decode()

    @classmethod
    def of(cls, token: str, keys: Keys) -> Place:
        """The inverse; an empty token is the start. Raises InvalidInput, naming `page_token`, for any that was not made
        here under the same secret."""
        if not token:
            return cls()
        sealed = _decoded(token)
        seal, place = sealed[:DIGEST_BYTES], sealed[DIGEST_BYTES:]
        if not hmac.compare_digest(seal, keys.seal(place)):
            raise InvalidInput("page_token", "is not a token of a previous page")
        node, cursor, left_over = json.loads(place)
        return cls(node, cursor, tuple(left_over))


def _decoded(token: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(token)
    except ValueError:
        return b""


class Walk:
    """Over the main keys of everybody on a server or, node by node, on a cluster."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._is_cluster = isinstance(client, RedisCluster)

    def page(self, size: int, start: Place) -> tuple[list[str], Place | None]:
        """At most `size` keys from `start`, and where to go on; None at the end. Raises redis.RedisError."""
        found, at = list(start.left_over), Place(start.node, start.cursor)
        for _ in range(MAX_STEPS):
            if len(found) >= size or at.node >= self._nodes():
                break
            cursor, keys = self._scan(at, size)
            found += [key.decode() for key in keys]
            at = Place(at.node, cursor) if cursor else Place(at.node + 1)
        rest = tuple(found[size:])
        is_over = at.node >= self._nodes() and not rest
        return found[:size], None if is_over else Place(at.node, at.cursor, rest)

    def _nodes(self) -> int:
        return len(self._client.get_primaries()) if self._is_cluster else 1

    def _scan(self, at: Place, size: int) -> tuple[int, list[bytes]]:
        if not self._is_cluster:
            cursor, keys = self._client.scan(at.cursor, match=ANY_PERSON, count=size)
            return int(cursor), keys
        node = sorted(self._client.get_primaries(), key=lambda each: each.name)[at.node]
        cursors, keys = self._client.scan(at.cursor, match=ANY_PERSON, count=size, target_nodes=node)
        return int(cursors[node.name]), keys
