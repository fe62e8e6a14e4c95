"""Searches as bytes, and what came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.indexer import filling
from bench.indexer.grpc_line import GrpcLine, body
from bench.indexer.house import CATALOGUE, SEARCH
from bench.indexer.load import Endpoint
from bench.indexer.space import Float32, Space
from visrec.v1 import common_pb2, indexer_pb2

LIMIT = 10


@dataclass(frozen=True)
class Question:
    """One query, its weights (none: the default ones) and a filter."""

    space: Space
    vector: Float32
    weights: Mapping[str, float] = field(default_factory=dict)
    filter: common_pb2.Filter | None = None

    @property
    def aim(self) -> Float32:
        """(D,), whose inner product with an item is the item's score."""
        return self.space.weighed(self.vector, self.weights)

    def message(self) -> indexer_pb2.SearchRequest:
        """For Search."""
        vector = common_pb2.Vector(space=self.space.name, data=self.vector.astype("<f4").tobytes())
        query = indexer_pb2.Query(name="query", vector=vector, block_weights=self.weights)
        return indexer_pb2.SearchRequest(catalogue=CATALOGUE, queries=[query], filter=self.filter, limit=LIMIT)


def aims(questions: Sequence[Question]) -> Float32:
    """(questions, D)."""
    return np.stack([each.aim for each in questions])


def endpoint(address: str, questions: Sequence[Question]) -> Endpoint:
    """An indexer that is asked these."""
    return Endpoint(lambda: GrpcLine(address, SEARCH), [body(each.message().SerializeToString()) for each in questions])


def found(answer: bytes) -> list[int]:
    """Rows, best first."""
    return [filling.row(hit.item_id) for hit in indexer_pb2.SearchResponse.FromString(answer).hits]
