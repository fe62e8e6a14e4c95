"""What the records in Redis share: the clients, the Lua scripts, the names of keys.

Keys of partition p of a catalogue, all in one slot, so that a write is one script and one unit of the append-only file:

    visrec:{name.incarnation:p}:items            hash   item id -> record (see record_redis)
    visrec:{name.incarnation:p}:vectors:<space>  hash   item id -> its vectors in a further space
    visrec:{name.incarnation:p}:raw              hash   item id -> its raw features, where they are kept
    visrec:{name.incarnation:p}:log              stream of changed ids, the first entry made with the catalogue; an
                                                 entry without ids says that the layout changed
    visrec:{name.incarnation:p}:layout           hash   the layout, and its generation for the scripts to compare
    visrec:{name.incarnation:p}:epoch            8 random bytes
    visrec:{name.incarnation:p}:receipt:<key>    hash   what a write with a request_id did, for 24 hours

and `visrec:catalogues`, a hash from name to definition, says which catalogues there are (see catalogues_redis).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from services.indexer.definition import Definition
from services.runtime.redis import Client, open_redis
from services.runtime.settings import RuntimeSettings

SCRIPTS = Path(__file__).parent / "lua"


@dataclass(frozen=True)
class RecordRules:
    """What is kept of a log, about (Redis trims whole nodes), for how long receipts are, and how many items a catalogue
    may have that names no number; 0: any."""

    entries: int = 1_000_000
    age_s: int = 7 * 86_400
    receipt_s: int = 86_400
    max_items: int = 0


class Connection:
    """A client, and the Lua scripts as callables that load themselves when the server does not know them.

    `waiting`: another client, of which every follower holds a connection while it waits for its log, so that they never
    take those that writes need.
    """

    def __init__(self, client: Client, waiting: Client) -> None:
        self.client: Any = client
        self.waiting: Any = waiting
        self.write, self.put, self.relayout, self.follow, self.scan, self.renew, self.unregister = (
            client.register_script((SCRIPTS / f"{name}.lua").read_text())
            for name in ("write", "put", "relayout", "follow", "scan", "renew", "unregister")
        )

    @classmethod
    def open(cls, runtime: RuntimeSettings, followers: int, wait_s: float) -> Self:
        """Both clients; they connect when they are first used. `followers` wait at once, each for up to `wait_s`, which
        comes on top of the time that any command may take."""
        waiting = {"redis_connections": followers, "redis_timeout_s": runtime.redis_timeout_s + wait_s}
        return cls(open_redis(runtime), open_redis(runtime.model_copy(update=waiting)))

    def close(self) -> None:
        """Closes both."""
        self.waiting.close()
        self.client.close()


class Keys:
    """The keys of one partition."""

    def __init__(self, definition: Definition, partition: int) -> None:
        self._prefix = f"visrec:{{{definition.name}.{definition.incarnation}:{partition}}}"
        self.items = f"{self._prefix}:items"
        self.log = f"{self._prefix}:log"
        self.epoch = f"{self._prefix}:epoch"
        self.layout = f"{self._prefix}:layout"
        self.raw = f"{self._prefix}:raw"

    def receipt(self, key: str) -> str:
        """Of a write with a request_id."""
        return f"{self._prefix}:receipt:{key}"

    def vectors(self, space: str) -> str:
        """Of a further space."""
        return f"{self._prefix}:vectors:{space}"

    def contents(self, spaces: Iterable[str]) -> list[str]:
        """All that holds anything, but the receipts, which expire. Without the epoch it counts as gone."""
        return [self.epoch, self.log, self.layout, self.items, self.raw, *map(self.vectors, spaces)]
