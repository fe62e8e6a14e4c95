"""The use case of searching: the nearest items of several weighted queries, every part of every score exact.

Each query of positive weight brings its nearest items; all of them, and those that are asked for by id, are then scored
against all queries (see `scoring`). Searches that look in the same view, through the same filter and as accurately, ask
the index together, with the greatest effort that one of them needs; each is then finished on its own, so that its
answer is what it would have got alone, or better.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from services.errors import NotFound
from services.indexer.index.port import Aims, Proceed, RowArray, View
from services.indexer.searching.candidates import FEW_BANNED, Directory, Seeker, Terms, first_fetch, ranking
from services.indexer.searching.request import SearchRequest
from services.indexer.searching.scoring import Gathered, Prepared, Scored, aims_of, score
from services.indexer.searching.variety import Chosen
from services.spaces import Float32

Clock = Callable[[], float]
"""Monotonic seconds."""

FindVector = Callable[[str], Float32 | None]
"""Item id -> the canonical vector of its first photo in the record, None: there is no such item."""


NOBODY: frozenset[str] = frozenset()
NONE: list[str] = []
"""Of hits of which it is not told which query found them."""


@dataclass(frozen=True, slots=True)
class Hits:
    """n hits, best first, equal scores by id. `firsts`: for the view, which item. `found_by`: names of queries, for
    each hit. Those of a loose request are in the order in which they were found, by which query is not told. `scored`,
    `places`: exact numbers of all candidates, and which of them each hit is."""

    ids: list[str]
    firsts: list[int]
    scores: list[float]
    found_by: list[list[str]]
    scored: Scored
    places: list[int]

    @property
    def parts(self) -> Float32:
        """(n, queries, blocks) float32, without the queries' own weights."""
        return self.scored.parts.transpose(1, 2, 0)[self.places]

    def vectors(self, most: int) -> Float32:
        """(up to `most`, D) canonical, of each the photo that is best for all queries together."""
        best = self.scored.best
        return self.scored.vectors[[best[place] for place in self.places[:most]]]


@dataclass(frozen=True, slots=True)
class Found:
    """`eligible`: rows that passed the filter. `search_ms`, `score_ms`: what the two stages cost."""

    hits: Hits
    eligible: int
    search_ms: float
    score_ms: float


@dataclass(frozen=True, slots=True)
class Answered:
    """A search and the state of the index that answered it; `wait_ms`: for its version."""

    found: Found
    view: View
    wait_ms: float


class Search:
    """A request that has been checked, against one view."""

    def __init__(self, request: SearchRequest, view: View, find_vector: FindVector) -> None:
        """Raises InvalidInput for weights or vectors that the space cannot have, SpaceMismatch for a vector of another
        space, NotFound for a query by an unknown item."""
        self.request = request
        self.view = view
        self._queries = _prepared(request, view, find_vector)
        self._aims = aims_of(self._queries, view.space)
        self.seeking = [] if request.score_only else [query for query in self._queries if query.weight > 0]
        by_item = [query.item_id for query in request.queries if query.item_id is not None]
        self._banned = frozenset((*request.exclude, *by_item)) if request.exclude or by_item else NOBODY

    @property
    def aims(self) -> Aims:
        """Those of `seeking`."""
        everything = len(self.seeking) == len(self._queries)
        return self._aims if everything else aims_of(self.seeking, self.view.space)

    @property
    def few_banned(self) -> Collection[str]:
        """Items that may not come back, unless they are so many that each hit is looked at instead."""
        return self._banned if len(self._banned) <= FEW_BANNED else NOBODY

    @property
    def fetch(self) -> int:
        """How many of the nearest items of each of `seeking` it needs at first."""
        return first_fetch(self.request, len(self._banned))

    def finish(
        self,
        directory: Directory,
        nearest: Sequence[list[int]],
        proceed: Proceed,
    ) -> Hits:
        """`nearest`: for each of `seeking`, `fetch` items, fewer when no more are eligible. `directory`: of the same
        view and of what may come back."""
        if self.request.loose:
            firsts = self.found(directory, nearest, proceed)
            return self.hits(Gathered(self.view, firsts), firsts)
        terms, seekers = self._seekers(directory, nearest, proceed)
        depth = self.request.depth
        while True:
            brought = [seeker.bring(depth) for seeker in seekers]
            proceed()
            hits, full = self._choose(terms, brought)
            # What several queries bring may be alike, so that too few remain; then each must bring more.
            if full or not any(len(firsts) == depth for firsts in brought):
                return hits
            depth *= 2

    def found(self, directory: Directory, nearest: Sequence[list[int]], proceed: Proceed) -> RowArray:
        """Of a loose request: the first rows of all that comes back, ascending: what lies together is read together.
        As `finish`."""
        terms, seekers = self._seekers(directory, nearest, proceed)
        depth = self.request.depth
        brought = chain.from_iterable(seeker.bring(depth) for seeker in seekers)
        return np.array(sorted({*terms.asked, *brought}), np.int64)

    def hits(self, gathered: Gathered, firsts: RowArray) -> Hits:
        """Of a loose request, whose items are among those that were gathered."""
        scored = gathered.score(self._queries, self._aims, firsts)
        return Hits(
            ids=gathered.ids(firsts),
            firsts=firsts.tolist(),
            scores=scored.scores,
            found_by=[NONE] * len(firsts),
            scored=scored,
            places=list(range(len(firsts))),
        )

    def _seekers(
        self, directory: Directory, nearest: Sequence[list[int]], proceed: Proceed
    ) -> tuple[Terms, list[Seeker]]:
        terms = Terms(self.request, self.view, self._banned, directory, proceed)
        return terms, [Seeker(terms, query, found) for query, found in zip(self.seeking, nearest, strict=True)]

    def _choose(self, terms: Terms, brought: Sequence[list[int]]) -> tuple[Hits, bool]:
        """The hits, and whether there are as many as are wanted."""
        request = self.request
        found_by: dict[int, list[str]] = {first: [] for first in terms.asked}
        for query, firsts in zip(self.seeking, brought, strict=True):
            for first in firsts:
                found_by.setdefault(first, []).append(query.name)
        firsts = list(found_by)
        scored = score(self.view, self._queries, self._aims, firsts)
        ids = self.view.item_ids(firsts)
        order = self._order(terms, firsts, ranking(ids, scored.scores), scored)
        hits = Hits(
            ids=[ids[at] for at in order],
            firsts=[firsts[at] for at in order],
            scores=[scored.scores[at] for at in order],
            found_by=[found_by[firsts[at]] for at in order],
            scored=scored,
            places=order,
        )
        return hits, not request.caps or request.union or _full(request.limit, hits.found_by)

    def _order(self, terms: Terms, firsts: list[int], ranked: list[int], scored: Scored) -> list[int]:
        """Of ranked positions those that come back. What was asked for comes back anyway, and no cap binds it."""
        request = self.request
        if not request.caps and (request.union or len(ranked) <= request.limit):
            return ranked
        chosen = Chosen(request.caps, self.view, scored.vectors if request.caps.collapse_above else None)
        kept: list[int] = []
        for at in ranked:
            room = request.union or len(kept) < request.limit
            if at < len(terms.asked) or (room and (not request.caps or chosen.admit(firsts[at], scored.best[at]))):
                kept.append(at)
        return kept


def search(
    request: SearchRequest, view: View, find_vector: FindVector, clock: Clock, proceed: Proceed = lambda: None
) -> Found:
    """Searches one state of an index. `proceed` is called between the stages and within long ones, and raises to give
    the search up. Raises as `Search`."""
    began = clock()
    one = Search(request, view, find_vector)
    eligible = view.eligible(request.filter)
    proceed()
    nearest: list[list[int]] = []
    if one.seeking:
        nearest = view.nearest(one.aims, one.fetch, eligible, request.accuracy, proceed)
    proceed()
    found = clock()
    hits = one.finish(Directory(view, eligible), nearest, proceed)
    return Found(hits, eligible.count, (found - began) * 1e3, (clock() - found) * 1e3)


def _full(limit: int, found_by: Sequence[list[str]]) -> bool:
    """Whether the best `limit` hits stand, however many more the queries bring: what was only asked for by id may rank
    below items that have not been brought yet."""
    return max((place for place, names in enumerate(found_by, 1) if names), default=0) >= limit


def _prepared(request: SearchRequest, view: View, find_vector: FindVector) -> list[Prepared]:
    space, queries = view.space, request.queries
    mixes: dict[tuple[tuple[str, float], ...], Float32] = {}  # of many queries most weigh the blocks alike
    weights = []
    for number, query in enumerate(queries):
        mix = tuple(query.block_weights.items())
        if mix not in mixes:
            mixes[mix] = space.weights(query.block_weights, f"queries[{number}].block_weights")
        weights.append(mixes[mix])
        if query.item_id is None:
            space.require(query.space)
    given = [number for number, query in enumerate(queries) if query.item_id is None]
    data = [queries[number].vector or b"" for number in given]
    decoded = iter(space.decode_all(data, [f"queries[{number}].vector.data" for number in given]))
    return [
        Prepared(
            query.name,
            query.weight,
            space.weigh(next(decoded) if query.item_id is None else _known(query.item_id, view, find_vector), own),
            own,
        )
        for query, own in zip(queries, weights, strict=True)
    ]


def _known(item_id: str, view: View, find_vector: FindVector) -> Float32:
    first = view.find(item_id)
    # An item that was written a moment ago may be in the record and not yet in this view.
    known = find_vector(item_id) if first is None else view.vectors(np.array([first]))[0]
    if known is None:
        raise NotFound("item", item_id)
    return known
