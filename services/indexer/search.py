"""The use case of searching: the nearest items of several weighted queries, every part of every score exact.

    score(x) = sum_q  w_q / sum |w|  *  sum_b  v_qb / sum_b' |v_qb'|  *  <q_b, x_b>

Each query of positive weight brings its nearest items; all of them, and those that are asked for by id, are then scored
against all queries from their canonical vectors. Of an item with several photos the one with the best score counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.errors import InvalidInput, NotFound
from services.indexer.filters import NO_FILTER, Filter
from services.indexer.index.port import Accuracy, Aims, Eligible, RowArray, View
from services.indexer.item import check_item_ids
from services.spaces import Float32, Space

MAX_QUERIES = 64
MAX_LIMIT = 1000
DEFAULT_LIMIT = 10
MAX_EXCLUDED = 10_000
MAX_ALSO_SCORED = 1000
ALIAS = "visual"

FindVector = Callable[[str], Float32 | None]
"""Item id -> the canonical vector of its first photo in the record, None: there is no such item."""


@dataclass(frozen=True)
class Query:
    """What to be near to: `vector` (little-endian float32 of `space`) or `item_id`, exactly one of them."""

    name: str
    space: str = ""
    vector: bytes | None = None
    item_id: str | None = None
    weight: float = 1.0
    block_weights: Mapping[str, float] = field(default_factory=dict)

    def check(self, at: str) -> None:
        """Raises InvalidInput, naming a field below `at`, for all that needs no space."""
        if len(self.name) > 64:
            raise InvalidInput(f"{at}.name", "at most 64 letters")
        if (self.vector is None) == (self.item_id is None):
            raise InvalidInput(f"{at}.target", "needs exactly one of vector and item_id")
        if not math.isfinite(self.weight):
            raise InvalidInput(f"{at}.weight", "must be finite", reason="NOT_FINITE")


@dataclass(frozen=True)
class SearchRequest:
    """Fields and bounds are those of `visrec.v1.SearchRequest`."""

    queries: Sequence[Query] = ()
    filter: Filter = NO_FILTER
    exclude: Sequence[str] = ()
    limit: int = DEFAULT_LIMIT
    union: bool = False
    also_score: Sequence[str] = ()
    accuracy: Accuracy = Accuracy.BALANCED

    def check(self) -> None:
        """Raises InvalidInput for all that needs no space."""
        self.filter.check("filter")
        check_item_ids(self.exclude, "exclude_item_ids", least=0, most=MAX_EXCLUDED)
        check_item_ids(self.also_score, "also_score_item_ids", least=0, most=MAX_ALSO_SCORED)
        if not 1 <= self.limit <= MAX_LIMIT:
            raise InvalidInput("limit", f"must be 1 to {MAX_LIMIT}")
        self._check_queries()

    def _check_queries(self) -> None:
        if len(self.queries) > MAX_QUERIES:
            raise InvalidInput("queries", f"{len(self.queries)} given, at most {MAX_QUERIES}")
        names: set[str] = set()
        for number, query in enumerate(self.queries):
            query.check(f"queries[{number}]")
            if query.name in names:
                raise InvalidInput(f"queries[{number}].name", "is that of another query, too")
            names.add(query.name)
        if not (self.also_score or any(query.weight > 0 for query in self.queries)):
            raise InvalidInput("queries", "needs a query of positive weight, or also_score_item_ids")


@dataclass(frozen=True)
class Hits:
    """n hits, best first, equal scores by id.

    `firsts`: for the view, which item. `scores` (n,) float64. `parts` (n, queries, blocks) float32 without the queries'
    own weights. `vectors` (n, D) canonical, of the photos that scored. `found_by`: names of queries, for each hit.
    """

    ids: Sequence[str]
    firsts: Sequence[int]
    scores: NDArray[np.float64]
    parts: Float32
    vectors: Float32
    found_by: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Found:
    """`eligible`: rows that passed the filter. `search_ms`, `score_ms`: what the two stages cost."""

    hits: Hits
    eligible: int
    search_ms: float
    score_ms: float


class Candidates(NamedTuple):
    """First rows of the items to score, with the names of the queries that found them. The first `asked` of them are
    those that were asked for by id."""

    found_by: dict[int, list[str]]
    asked: int


class Prepared(NamedTuple):
    """A query whose vector is scaled by its block weights, so that one inner product is its score."""

    name: str
    weight: float
    weighed: Float32
    weights: Float32
    item: int | None


def search(request: SearchRequest, view: View, find_vector: FindVector, clock: Callable[[], float]) -> Found:
    """Searches one state of an index. `clock`: seconds, monotonic.

    Raises InvalidInput, SpaceMismatch for a vector of another space, NotFound for a query by an unknown item.
    """
    request.check()
    began = clock()
    queries = [_prepared(query, f"queries[{n}]", view, find_vector) for n, query in enumerate(request.queries)]
    eligible = view.eligible(request.filter)
    candidates = _candidates(request, queries, view, eligible)
    found = clock()
    hits = _scored(request, queries, view, candidates)
    return Found(hits, eligible.count, (found - began) * 1e3, (clock() - found) * 1e3)


def require_space(name: str, space: Space) -> None:
    """Raises SpaceMismatch unless `name` is empty, the alias of the catalogue's own space, or that space."""
    if name not in ("", ALIAS):
        space.require(name)


def _prepared(query: Query, at: str, view: View, find_vector: FindVector) -> Prepared:
    weights = view.space.weights(query.block_weights, f"{at}.block_weights")
    item = None
    if query.item_id is None:
        view.space.require(query.space)
        vector = view.space.decode(query.vector or b"", f"{at}.vector.data")
    else:
        item = view.find(query.item_id)
        # An item that was written a moment ago may be in the record and not yet in this view.
        known = find_vector(query.item_id) if item is None else view.vectors(np.array([item]))[0]
        if known is None:
            raise NotFound("item", query.item_id)
        vector = known
    return Prepared(query.name, query.weight, view.space.weigh(vector, weights), weights, item)


def _candidates(request: SearchRequest, queries: Sequence[Prepared], view: View, eligible: Eligible) -> Candidates:
    banned = {first for first in map(view.find, request.exclude) if first is not None}
    banned |= {query.item for query in queries if query.item is not None}
    asked = (first for first in map(view.find, request.also_score) if first is not None)
    found_by: dict[int, list[str]] = {first: [] for first in asked if first not in banned and eligible.has(first)}
    candidates = Candidates(found_by, len(found_by))
    seeking = [query for query in queries if query.weight > 0]
    if seeking:
        aims = Aims(np.array([query.weighed for query in seeking]), np.array([query.weights for query in seeking]))
        wanted = request.limit + len(banned)
        for query, nearest in zip(
            seeking, view.nearest(aims, wanted, eligible, request.accuracy, lambda: None), strict=True
        ):
            for first in [first for first in nearest if first not in banned][: request.limit]:
                found_by.setdefault(first, []).append(query.name)
    return candidates


def _scored(request: SearchRequest, queries: Sequence[Prepared], view: View, candidates: Candidates) -> Hits:
    firsts = list(candidates.found_by)
    rows, owners = view.expand(firsts)
    vectors = view.vectors(rows)
    parts = _parts(view.space, queries, vectors)
    scores = parts.sum(axis=2, dtype=np.float64) @ _shares(queries)
    best = _best_rows(scores, owners, len(firsts))
    ids = [view.item_id(first) for first in firsts]
    order = sorted(range(len(firsts)), key=lambda at: (-scores[best[at]], ids[at]))
    if not request.union:
        order = [at for place, at in enumerate(order) if place < request.limit or at < candidates.asked]
    kept = best[order]
    return Hits(
        ids=[ids[at] for at in order],
        firsts=[firsts[at] for at in order],
        scores=scores[kept],
        parts=parts[kept],
        vectors=vectors[kept],
        found_by=[candidates.found_by[firsts[at]] for at in order],
    )


def _parts(space: Space, queries: Sequence[Prepared], vectors: Float32) -> Float32:
    """(rows, queries, blocks) float32, as `Space.parts` for each query."""
    weighed = np.array([query.weighed for query in queries], np.float32).reshape(-1, space.dimension)
    parts = np.empty((len(vectors), len(queries), len(space.blocks)), np.float32)
    for number, (_, at) in enumerate(space.slices()):
        # Not a matrix product: BLAS adds up in an order that depends on how many rows there are, and the part of an
        # item must not depend on who else is a candidate.
        parts[:, :, number] = np.einsum("rd,qd->rq", vectors[:, at], weighed[:, at])
    return parts


def _shares(queries: Sequence[Prepared]) -> NDArray[np.float64]:
    """(queries,): the weights, scaled to a sum of absolute values of 1."""
    weights = np.array([query.weight for query in queries], np.float64)
    # Scaled by the largest first, so that no sum of finite weights overflows.
    weights /= np.abs(weights).max(initial=0) or 1
    return weights / (np.abs(weights).sum() or 1)


def _best_rows(scores: NDArray[np.float64], owners: RowArray, items: int) -> RowArray:
    """For each item, the row of the greatest score; the earlier of equal ones."""
    order = np.lexsort((-scores, owners))
    starts = np.searchsorted(owners[order], np.arange(items))
    best: RowArray = order[starts]
    return best
