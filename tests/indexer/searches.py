"""Searches for tests: requests, states of an index, and small worlds in which all arithmetic is exact.

In those worlds every vector has four numbers of ±1/2 in each block, so that every inner product, in whatever order it
is added up, is a multiple of 1/8 without rounding. Duplicates and equal scores are frequent there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from services.indexer.index.exact import ExactIndex
from services.indexer.index.port import Proceed, View
from services.indexer.item import Item, Record
from services.indexer.searching.request import Query, SearchRequest
from services.indexer.searching.search import Found, search
from services.indexer.version import Version
from services.indexer.wire.items import pack_item
from services.spaces import Float32, encode
from tests.indexer.builders import NOW_US, SPACE, vectors

HALVES = {"content": 1.0, "colour": 1.0}
"""Block weights of a half each, which rounds nothing."""


def view_of(records: Sequence[Record]) -> View:
    """The state of an index that compares everything."""
    index = ExactIndex(SPACE, 1, pack_item)
    index.apply(records, (), Version.nothing(1))
    return index.view()


def nobody(_: str) -> Float32 | None:
    return None


def near(name: str, seed: int, **fields: Any) -> Query:
    """A query by the vector of a seed."""
    return Query(name, SPACE.name, encode(vectors(seed)[0]), **fields)


def run(view: View, *queries: Query, proceed: Proceed = lambda: None, **fields: Any) -> Found:
    return search(SearchRequest(queries, **fields), view, nobody, lambda: 0.0, proceed)


@st.composite
def exact_vectors(draw: st.DrawFn) -> np.ndarray:
    """(16,) float32; few different ones."""
    out = np.zeros(16, np.float32)
    for start, positions in ((0, draw(st.sampled_from([(0, 1, 2, 3), (0, 1, 4, 5)]))), (12, (0, 1, 2, 3))):
        for position in positions:
            out[start + position] = draw(st.sampled_from([0.5, 0.5, -0.5]))
    return out


def exact_query(name: str, vector: np.ndarray, weight: float = 1.0) -> Query:
    return Query(name, SPACE.name, encode(vector), weight=weight, block_weights=HALVES)


@st.composite
def exact_records(draw: st.DrawFn, most: int = 30) -> list[Record]:
    """Items of one to three photos; their ids are in the order in which they come."""
    records = []
    for number in range(draw(st.integers(1, most))):
        photos = np.array(draw(st.lists(exact_vectors(), min_size=1, max_size=draw(st.sampled_from([1, 1, 3])))))
        item = Item(
            f"i{number:03}",
            category=draw(st.sampled_from(["", "x", "y"])),
            group_id=draw(st.sampled_from(["", "g1", "g2", "g3"])),
        )
        records.append(Record(item, photos.astype(np.float16), NOW_US))
    return records


def words_of(records: Sequence[Record], field: str) -> Mapping[str, str]:
    """Item id to its word, for those that have one."""
    return {one.item.id: getattr(one.item, field) for one in records if getattr(one.item, field)}


Score = Callable[[Record], tuple[float, np.ndarray]]


def score_of(queries: Sequence[Query]) -> Score:
    """An item's score, and the photo that is best for all of these exact queries together."""
    shares = np.array([query.weight for query in queries])
    shares = shares / np.abs(shares).sum()
    targets = [np.frombuffer(query.vector or b"", "<f4").astype(np.float64) / 2 for query in queries]

    def score(record: Record) -> tuple[float, np.ndarray]:
        rows = record.vectors.astype(np.float64)
        likeness = np.array([[float(target @ row) for target in targets] for row in rows])
        return float(likeness.max(axis=0) @ shares), rows[int(np.argmax(likeness @ shares))]

    return score
