"""Collaborative vectors in Redis: a field of their person's hash for each catalogue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.profile.collaborative.placing import PutVector
from services.profile.collaborative.vector_store import Placed, Placing, VectorStore
from services.profile.filing.filing_redis import Filing
from services.profile.filing.scripts_redis import Call, Script
from services.runtime.redis import redis_errors

PUT_VECTOR = Script("put_vector")


class RedisVectors(Filing, VectorStore):
    """One script for each person."""

    def put_vectors(self, catalogue: str, placed: Sequence[Placed], learned_ms: int | None = None) -> list[Placing]:
        learned = "" if learned_ms is None else learned_ms
        with redis_errors:
            people = self._persons([each.user_id for each in placed])
            calls = [
                Call(PUT_VECTOR, [person.main], [catalogue, _pack(each), learned])
                for person, each in zip(people, placed, strict=True)
            ]
            return [Placing(word.decode()) for word in self._scripts.run_all(calls)]


def _pack(placed: Placed) -> bytes:
    return placed.space.encode() + b" " + placed.vector.astype("<f2").tobytes()


def unpack_vector(packed: bytes | None) -> PutVector | None:
    """What the script has kept: the number of events, the space, the vector."""
    if not packed:
        return None
    writes, space, numbers = packed.split(b" ", 2)
    return PutVector(space.decode(), np.frombuffer(numbers, dtype="<f2"), int(writes))
