"""The record of one catalogue in Redis.

Keys of partition p of a catalogue, all in one slot, so that a write is one script and one unit of the append-only file:

    visrec:{name.incarnation:p}:items           hash   item id -> record (see record_redis)
    visrec:{name.incarnation:p}:log             stream of changed ids, the first entry made with the catalogue
    visrec:{name.incarnation:p}:epoch           8 random bytes
    visrec:{name.incarnation:p}:receipt:<key>   hash   what a write with a request_id did, for 24 hours

and `visrec:catalogues`, a hash from name to definition, says which catalogues there are (see catalogues_redis).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from services.errors import Internal, NotFound
from services.indexer.catalogue import (
    Catalogue,
    Changes,
    Definition,
    LogLost,
    RandomBytes,
    Receipt,
    Written,
    other_payload,
)
from services.indexer.item import Record
from services.indexer.record_redis import pack_record, unpack_record
from services.indexer.version import EPOCH_BYTES, Mark, Position
from services.runtime.redis import Client, open_redis, redis_errors
from services.runtime.settings import RuntimeSettings

SCRIPTS = Path(__file__).parent / "lua"
ENTRIES_AT_ONCE = 64
"""Log entries read in one look; a write has at most 100 ids."""
RECORDS_AT_ONCE = 500
"""Records fetched by one command, about a megabyte."""
RESEND_S = 600
"""Until then a client has given up sending a command again whose answer was lost."""

T = TypeVar("T")


@dataclass(frozen=True)
class LogRules:
    """What is kept of a log, about (Redis trims whole nodes), and for how long receipts are."""

    entries: int = 1_000_000
    age_s: int = 7 * 86_400
    receipt_s: int = 86_400


class Connection:
    """A client, and the Lua scripts as callables that load themselves when the server does not know them.

    `waiting`: another client, of which every follower holds a connection while it waits for its log, so that they never
    take those that writes need.
    """

    def __init__(self, client: Client, waiting: Client) -> None:
        self.client: Any = client
        self.waiting: Any = waiting
        self.write, self.follow, self.renew, self.unregister = (
            client.register_script((SCRIPTS / f"{name}.lua").read_text())
            for name in ("write", "follow", "renew", "unregister")
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
        prefix = f"visrec:{{{definition.name}.{definition.incarnation}:{partition}}}"
        self.items = f"{prefix}:items"
        self.log = f"{prefix}:log"
        self.epoch = f"{prefix}:epoch"
        self._receipt = f"{prefix}:receipt"

    def receipt(self, key: str) -> str:
        """Of a write with a request_id."""
        return f"{self._receipt}:{key}"


class RedisCatalogue(Catalogue):
    """`random_bytes`: for the epochs that begin when Redis turns out to have been restored from its past."""

    def __init__(
        self, definition: Definition, connection: Connection, rules: LogRules, random_bytes: RandomBytes
    ) -> None:
        self.definition = definition
        self._client = connection.client
        self._connection = connection
        self._rules = rules
        self._random_bytes = random_bytes
        self._keys = [Keys(definition, partition) for partition in range(definition.partitions)]

    def write(
        self, partition: int, upserts: Sequence[Record], removed: Sequence[str], receipt: Receipt | None
    ) -> Written:
        keys = self._keys[partition]
        asked, kept_s = (receipt, self._rules.receipt_s) if receipt else (self._unasked(removed), RESEND_S)
        puts = [part for record in upserts for part in (record.item.id, pack_record(record))]
        rules = (kept_s, self._rules.entries, self._rules.age_s * 1000)
        with redis_errors:
            answer = self._connection.write(
                [keys.epoch, keys.items, keys.log, keys.receipt(asked.key)],
                [asked.digest, asked.answer, *rules, len(upserts), *puts, *removed],
            )
        match answer:
            case [b"gone"]:
                raise self._gone()
            case [b"conflict"]:
                raise other_payload()
            case [_, epoch, position, count, kept]:
                return _written(epoch, position, count, kept)
        raise Internal("the write script answered something unknown")

    def remembered(self, partition: int, receipt: Receipt) -> Written | None:
        with redis_errors:
            digest, *written = self._client.hmget(
                self._keys[partition].receipt(receipt.key), ["digest", "epoch", "position", "removed", "answer"]
            )
        if digest is None:
            return None
        if digest != receipt.digest:
            raise other_payload()
        return _written(*written)

    def get(self, item_ids: Sequence[str]) -> list[Record | None]:
        found: dict[str, Record] = {}
        by_partition: dict[int, list[str]] = {}
        for item_id in item_ids:
            by_partition.setdefault(self.definition.partition_of(item_id), []).append(item_id)
        for partition, ids in by_partition.items():
            found.update(self._fetch(partition, ids))
        if not found:
            self.head(0)
        return [found.get(item_id) for item_id in item_ids]

    def scan(self, partition: int, cursor: int, count: int) -> tuple[list[Record], int]:
        with redis_errors:
            following, records = self._client.hscan(self._keys[partition].items, cursor, count=count)
        if not records:
            self.head(partition)
        return [unpack_record(data) for data in records.values()], int(following)

    def head(self, partition: int) -> Mark:
        _, epoch, position, *_ = self._look(partition, "")
        return _mark(epoch, position)

    def follow(self, partition: int, after: Mark, wait_s: float) -> Changes:
        keys = self._keys[partition]
        with redis_errors:
            self._connection.waiting.xread({keys.log: str(after.position)}, count=1, block=max(1, int(wait_s * 1000)))
        outcome, epoch, *found = self._look(partition, str(after.position))
        if outcome == b"rewound" and epoch == after.epoch:
            with redis_errors:
                self._connection.renew([keys.epoch], [epoch, self._random_bytes(EPOCH_BYTES)])
        if outcome != b"found" or epoch != after.epoch:
            raise LogLost
        position, *entries = found
        item_ids = list(
            dict.fromkeys(item_id for entry in entries for item_id in entry.decode().split("\n") if item_id)
        )
        records = self._fetch(partition, item_ids)
        gone = [item_id for item_id in item_ids if item_id not in records]
        return Changes(list(records.values()), gone, _mark(epoch, position))

    def begin(self) -> None:
        """Makes the logs of a new catalogue; without them it counts as deleted."""
        with redis_errors:
            for keys in self._keys:
                with self._client.pipeline(transaction=True) as pipe:
                    pipe.set(keys.epoch, self._random_bytes(EPOCH_BYTES))
                    pipe.xadd(keys.log, {"ids": ""})
                    pipe.execute()

    def end(self) -> int:
        """Removes everything but the receipts, which expire; returns how many items there were."""
        with redis_errors:
            # Counted before any is removed, so that a command that is sent again does not count what is gone.
            items = sum(int(self._client.hlen(keys.items)) for keys in self._keys)
            for keys in self._keys:
                self._client.unlink(keys.epoch, keys.log, keys.items)
        return items

    def _unasked(self, removed: Sequence[str]) -> Receipt:
        """For a write that nobody asked to remember. One that removes counts what was there, so it is remembered until
        its client has given up sending it again: the second time nothing is there any more."""
        return Receipt(f"once:{self._random_bytes(16).hex()}", b"once") if removed else Receipt("", b"")

    def _look(self, partition: int, position: str) -> list[bytes]:
        keys = self._keys[partition]
        with redis_errors:
            answer: list[bytes] = self._connection.follow([keys.epoch, keys.log], [position, ENTRIES_AT_ONCE])
        if answer[0] == b"gone":
            raise self._gone()
        return answer

    def _fetch(self, partition: int, item_ids: Sequence[str]) -> dict[str, Record]:
        """The records that exist, by id."""
        found: dict[str, Record] = {}
        for ids in _slices(item_ids, RECORDS_AT_ONCE):
            with redis_errors:
                data = self._client.hmget(self._keys[partition].items, ids)
            found.update((item_id, unpack_record(one)) for item_id, one in zip(ids, data, strict=True) if one)
        return found

    def _gone(self) -> NotFound:
        return NotFound("catalogue", self.definition.name)


def _written(epoch: bytes, position: bytes, removed: bytes | int, answer: bytes) -> Written:
    return Written(_mark(epoch, position), int(removed), answer)


def _mark(epoch: bytes, position: bytes) -> Mark:
    return Mark(epoch, Position.parse(position.decode()))


def _slices(sequence: Sequence[T], length: int) -> Iterator[Sequence[T]]:
    return (sequence[start : start + length] for start in range(0, len(sequence), length))
