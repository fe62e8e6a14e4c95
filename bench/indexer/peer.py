"""Another server that finds the nearest of vectors, running and filled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from bench.embedder.meter import Meter
from bench.indexer.load import Endpoint

Say = Callable[[str], None]
"""Told what is being done, for people."""


class Peer(ABC):
    """`settings`: those that matter, for people. `build_s`: what filling it took."""

    name: str
    settings: str
    build_s: float
    meter: Meter

    @abstractmethod
    def endpoint(self, ef: int) -> Endpoint:
        """The queries that it was made with, with this efSearch."""

    @abstractmethod
    def found(self, answers: Sequence[bytes]) -> list[list[int]]:
        """The rows that answers name, best first."""
