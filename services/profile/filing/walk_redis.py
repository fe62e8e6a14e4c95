"""A walk over everybody by SCAN: there is no list of people to keep in step, or to erase from."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass, replace
from typing import Any

from redis.cluster import RedisCluster

from services.errors import InvalidInput
from services.profile.filing.keys import ANY_PERSON, DIGEST_BYTES, Keys

MAX_STEPS = 200
"""SCAN calls for one page. A keyspace full of other things makes short pages, not slow ones."""


@dataclass(frozen=True)
class Place:
    """How far a walk has come: the number of the cluster's node, its SCAN cursor, keys that did not fit the page, and
    the run of the node: after a restart, as in the replica that takes over, people lie in another order."""

    node: int = 0
    cursor: int = 0
    left_over: tuple[str, ...] = ()
    run: str = ""

    def token(self, keys: Keys) -> str:
        """For the caller to bring back: sealed, for it names keys that will be read."""
        place = json.dumps([self.node, self.cursor, self.left_over, self.run], separators=(",", ":")).encode()
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
        node, cursor, left_over, run = json.loads(place)
        return cls(node, cursor, tuple(left_over), run)


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
        """At most `size` different keys from `start`, and where to go on; None at the end. Raises redis.RedisError, and
        InvalidInput, naming `page_token`, when the server was restarted in the middle of its keys."""
        found, at = dict.fromkeys(start.left_over), Place(start.node, start.cursor, run=start.run)
        for _ in range(MAX_STEPS):
            if len(found) >= size or at.node >= self._nodes():
                break
            if not at.run:
                at = replace(at, run=self._run(at.node))
            cursor, keys = self._scan(at, size)
            found |= dict.fromkeys(key.decode() for key in keys)
            if not cursor:
                self._require(at)
            at = replace(at, cursor=cursor) if cursor else Place(at.node + 1)
        if at.cursor:
            self._require(at)
        names, is_over = list(found), at.node >= self._nodes()
        rest = tuple(names[size:])
        return names[:size], None if is_over and not rest else replace(at, left_over=rest)

    def _nodes(self) -> int:
        return len(self._client.get_primaries()) if self._is_cluster else 1

    def _require(self, at: Place) -> None:
        if at.run != self._run(at.node):
            raise InvalidInput("page_token", "Redis was restarted meanwhile: begin again")

    def _node(self, number: int) -> Any:
        return sorted(self._client.get_primaries(), key=lambda each: each.name)[number]

    def _run(self, number: int) -> str:
        where = {"target_nodes": self._node(number)} if self._is_cluster else {}
        return str(self._client.info("server", **where)["run_id"])

    def _scan(self, at: Place, size: int) -> tuple[int, list[bytes]]:
        if not self._is_cluster:
            cursor, keys = self._client.scan(at.cursor, match=ANY_PERSON, count=size)
            return int(cursor), keys
        node = self._node(at.node)
        cursors, keys = self._client.scan(at.cursor, match=ANY_PERSON, count=size, target_nodes=node)
        return int(cursors[node.name]), keys
