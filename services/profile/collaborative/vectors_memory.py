"""Collaborative vectors in memory."""

from __future__ import annotations

from collections.abc import Sequence

from services.profile.collaborative.placing import PutVector
from services.profile.collaborative.vector_store import Placed, Placing, VectorStore
from services.profile.filing.held_memory import History, Memory


class MemoryVectors(Memory, VectorStore):
    """By person and catalogue."""

    def put_vectors(self, catalogue: str, placed: Sequence[Placed], learned_ms: int | None = None) -> list[Placing]:
        with self._lock:
            return [self._put(catalogue, each, learned_ms) for each in placed]

    def _put(self, catalogue: str, placed: Placed, learned_ms: int | None) -> Placing:
        held = self._held.get(placed.user_id)
        if held is None:
            return Placing.UNKNOWN_USER
        if not held.personalised:
            return Placing.REFUSED
        if learned_ms is not None and learned_ms <= held.since_ms:
            return Placing.OUTDATED
        history = held.histories.get(catalogue, History())
        history.writes += catalogue in held.histories
        held.vectors[catalogue] = PutVector(placed.space, placed.vector, history.writes)
        history.tastes = {}
        return Placing.PUT
