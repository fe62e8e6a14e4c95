"""Operations in Redis.

All keys are in one slot:

    visrec:{operations}:operation:<name>  hash   what is known of it, for 7 days after the last news
    visrec:{operations}:index             zset   name by time of its beginning, the newest 1000
    visrec:{operations}:running           hash   name -> subject, of those that have not ended
    visrec:{operations}:replicas          zset   replica by the time it was last there, in milliseconds
    visrec:{operations}:receipt:<key>     hash   what a request with a request_id began, for 24 hours

Leases are by the clock of Redis, the only one that all replicas share.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from services.errors import Internal
from services.indexer.operations.operation import (
    GONE_S,
    LEASE_S,
    MAX_RUNNING,
    Operation,
    Operations,
    Outcome,
    Progress,
    State,
    Subject,
    TakenOver,
    Worker,
    busy,
    replica_gone,
    too_many,
    unknown,
)
from services.indexer.record.catalogue import Receipt, other_payload
from services.indexer.wire.items import pack_error, unpack_error
from services.runtime.redis import Client, redis_errors

SCRIPTS = Path(__file__).parent / "lua"
KEPT_S = 7 * 86_400
RECEIPT_S = 86_400

_PREFIX = "visrec:{operations}"
_INDEX, _RUNNING, _REPLICAS = f"{_PREFIX}:index", f"{_PREFIX}:running", f"{_PREFIX}:replicas"


class RedisOperations(Operations):
    """The client is the caller's to close."""

    def __init__(self, client: Client) -> None:
        self._client: Any = client
        self._begin, self._claim, self._report, self._stop = (
            client.register_script((SCRIPTS / f"{name}.lua").read_text())
            for name in ("begin", "claim", "report", "stop")
        )

    def begin(self, operation: Operation, receipt: Receipt | None) -> Operation:
        name, subject = operation.name, operation.subject
        receipt_key = f"{_PREFIX}:receipt:{receipt.key if receipt else ''}"
        with redis_errors:
            outcome, known = self._begin(
                [_key(name), _INDEX, _RUNNING, receipt_key],
                [
                    name,
                    json.dumps(asdict(subject) | {"started_us": operation.started_us}),
                    subject.replica,
                    operation.started_us,
                    json.dumps(asdict(subject)),
                    MAX_RUNNING,
                    KEPT_S,
                    receipt.digest if receipt else b"",
                    RECEIPT_S,
                ],
            )
        match outcome:
            case b"conflict":
                raise other_payload()
            case b"busy":
                raise busy(known.decode())
            case b"full":
                raise too_many()
            case b"begun" | b"repeated":
                return self.get(known.decode())
        raise Internal("a script answered something unknown")

    def get(self, name: str) -> Operation:
        (found,) = self._read([name])
        if found is None:
            raise unknown(name)
        return found

    def newest(self, before: tuple[int, str] | None, count: int) -> Sequence[Operation]:
        with redis_errors:
            ranked = self._client.zrange(_INDEX, 0, -1, withscores=True)
        ages = sorted(((int(score), name.decode()) for name, score in ranked), reverse=True)
        names = [age[1] for age in ages if before is None or age < before]
        found: list[Operation] = []
        # Those that have been forgotten are still named for a while.
        for start in range(0, len(names), count):
            found += [one for one in self._read(names[start : start + count]) if one]
            if len(found) >= count:
                break
        return found[:count]

    def stop(self, name: str) -> Operation:
        with redis_errors:
            self._stop([_key(name), _RUNNING], [name])
        return self.get(name)

    def replicas(self) -> Sequence[str]:
        with redis_errors:
            return sorted(name.decode() for name in self._client.zrange(_REPLICAS, 0, -1))

    def claim(self, worker: Worker) -> Operation | None:
        with redis_errors:
            running = [name.decode() for name in self._client.hkeys(_RUNNING)]
        known = self._read(running)
        ages = {name: one.started_us if one else 0 for name, one in zip(running, known, strict=True)}
        names = sorted(running, key=lambda name: (ages[name], name))
        with redis_errors:
            name = self._claim(
                [_RUNNING, _REPLICAS, *map(_key, names)],
                [
                    worker.replica,
                    _owner(worker),
                    int(LEASE_S * 1000),
                    int(GONE_S * 1000),
                    pack_error(replica_gone()),
                    *names,
                ],
            )
        return self.get(name.decode()) if name else None

    def report(self, name: str, worker: Worker, progress: Progress) -> bool:
        return self._tell(name, worker, Outcome(State.RUNNING, progress, 0), LEASE_S)

    def release(self, name: str, worker: Worker) -> None:
        try:
            self._tell(name, worker, Outcome(State.RUNNING, Progress(), 0), 0.0, keep=True)
        except TakenOver:
            return

    def end(self, name: str, worker: Worker, outcome: Outcome) -> None:
        self._tell(name, worker, outcome, LEASE_S)

    def _tell(self, name: str, worker: Worker, outcome: Outcome, lease_s: float, *, keep: bool = False) -> bool:
        error = pack_error(outcome.error) if outcome.error else b""
        with redis_errors:
            told, stopping = self._report(
                [_key(name), _RUNNING, _REPLICAS],
                [
                    name,
                    worker.replica,
                    _owner(worker),
                    int(lease_s * 1000),
                    KEPT_S,
                    "" if keep else json.dumps(asdict(outcome.progress)),
                    outcome.state.value,
                    error,
                    outcome.ended_us,
                ],
            )
        if told != b"kept":
            raise TakenOver
        return bool(stopping)

    def _read(self, names: Sequence[str]) -> list[Operation | None]:
        with redis_errors, self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hgetall(_key(name))
            return [
                _unpack(name, fields) if fields else None for name, fields in zip(names, pipe.execute(), strict=True)
            ]


def _key(name: str) -> str:
    return f"{_PREFIX}:operation:{name}"


def _owner(worker: Worker) -> str:
    return f"{worker.replica}/{worker.token}"


def _unpack(name: str, fields: dict[bytes, bytes]) -> Operation:
    fixed = json.loads(fields[b"fixed"])
    started_us = fixed.pop("started_us")
    error = fields.get(b"error")
    return Operation(
        name,
        Subject(**fixed),
        started_us,
        State(fields[b"state"].decode()),
        Progress(**json.loads(fields.get(b"progress", b"{}"))),
        unpack_error(error) if error else None,
        int(fields.get(b"ended", 0)),
        fields[b"replica"].decode(),
        b"stopping" in fields,
    )
