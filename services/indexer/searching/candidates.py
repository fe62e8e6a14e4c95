"""Which items a search scores: what each query of positive weight brings, and what was asked for by id.

Items that may not come back are not looked up and masked: a little more than wanted is fetched, they are dropped from
it, and only if too few remain is more fetched, up to a bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from services.indexer.index.port import Aims, Eligible, Proceed, View
from services.indexer.searching.request import Caps, SearchRequest
from services.indexer.searching.scoring import Prepared, score
from services.indexer.searching.variety import Chosen

SPARE = 16
"""Items fetched beyond what is wanted, where some may have to be dropped."""
MORE = 4
"""How many times as many are fetched next, when too few remained."""
MAX_LOOKED_AT = 4096
"""Of the nearest items of a query, so many at most are looked at to fill a group-by or to replace near duplicates,
those that are excluded not counted."""


FEW_BANNED = 256
"""So many are looked up; of more, the ids of what was found are compared with them."""


class Directory:
    """First rows of items by their ids, looked up once for all requests that ask for the same ones, such as what is
    popular. `passing`: what may come back."""

    def __init__(self, view: View, passing: Eligible) -> None:
        self.view = view
        self.passing = passing
        self._known: dict[tuple[str, ...], list[int]] = {}
        self._firsts: dict[str, int | None] = {}

    def learn(self, item_ids: Sequence[str]) -> None:
        """These are going to be asked for."""
        self._firsts.update(zip(item_ids, self.view.find_all(item_ids), strict=True))

    def firsts(self, item_ids: Iterable[str]) -> frozenset[int | None]:
        """None stands for those that do not exist."""
        known = self._firsts
        if missing := [item_id for item_id in item_ids if item_id not in known]:
            self.learn(missing)
        return frozenset(map(known.__getitem__, item_ids))

    def eligible(self, item_ids: Sequence[str]) -> list[int]:
        """Those that exist and may come back, each once."""
        key = tuple(item_ids)
        if key not in self._known:
            found = dict.fromkeys(self.view.find_all(item_ids))
            self._known[key] = [first for first in found if first is not None and self.passing.has(first)]
        return self._known[key]


class Terms:
    """What holds for all queries of one request on one view. `banned`: ids that never come back; `asked`: first rows of
    the items to score anyway, which no cap applies to."""

    def __init__(
        self,
        request: SearchRequest,
        view: View,
        banned: frozenset[str],
        directory: Directory,
        proceed: Proceed,
    ) -> None:
        self._directory = directory
        self.request = request
        self.view = view
        self.eligible = directory.passing
        self.banned = banned
        self.proceed = proceed
        self.asked = self._asked()
        depth = request.depth
        self.most = (max(depth, MAX_LOOKED_AT) if request.caps else depth) + len(banned)
        self.first_fetch = first_fetch(request, len(banned))

    def allowed(self, firsts: list[int]) -> list[int]:
        """Those that may come back."""
        if not (self.banned and firsts):
            return firsts
        if len(self.banned) <= FEW_BANNED:
            barred = self._barred
            return [first for first in firsts if first not in barred]
        ids = self.view.item_ids(firsts)
        return [first for first, item_id in zip(firsts, ids, strict=True) if item_id not in self.banned]

    @cached_property
    def _barred(self) -> frozenset[int | None]:
        return self._directory.firsts(self.banned)

    def _asked(self) -> list[int]:
        if not self.request.also_score:
            return []
        return self.allowed(self._directory.eligible(self.request.also_score))


def first_fetch(request: SearchRequest, banned: int) -> int:
    """How many of its nearest items are fetched of each query at first."""
    if request.caps:
        return 2 * request.depth + SPARE + min(banned, SPARE)
    return request.depth + min(banned, SPARE)


class Seeker:
    """One query of positive weight, and its nearest items as far as they have been fetched."""

    def __init__(self, terms: Terms, query: Prepared, nearest: list[int]) -> None:
        """`nearest`: up to `terms.first_fetch` of them."""
        self._terms = terms
        self._query = query
        self._aims = Aims(query.weighed[None], query.weights[None])
        self._fetched = terms.first_fetch
        self._nearest = nearest

    def bring(self, depth: int) -> list[int]:
        """First rows of the `depth` best items that may come back, best first; fewer only when there are no more, or
        when as many have been looked at as may be."""
        while True:
            kept = self._keep(depth)
            if len(kept) >= depth or not self._fetch_more():
                return kept[:depth]

    def _fetch_more(self) -> bool:
        terms = self._terms
        if len(self._nearest) < self._fetched or self._fetched >= terms.most:
            return False
        terms.proceed()
        self._fetched = min(MORE * self._fetched, terms.most)
        (self._nearest,) = terms.view.nearest(
            self._aims, self._fetched, terms.eligible, terms.request.accuracy, terms.proceed
        )
        return True

    def _keep(self, depth: int) -> list[int]:
        terms = self._terms
        allowed = terms.allowed(self._nearest)
        return self._varied(allowed, depth) if terms.request.caps else allowed

    def _varied(self, firsts: list[int], depth: int) -> list[int]:
        terms = self._terms
        caps: Caps = terms.request.caps
        alone = self._query._replace(weight=1.0)
        scored = score(terms.view, [alone], self._aims, firsts)
        ids = terms.view.item_ids(firsts)
        chosen = Chosen(caps, terms.view, scored.vectors if caps.collapse_above else None)
        asked = set(terms.asked)
        kept: list[int] = []
        for at in ranking(ids, scored.scores):
            if len(kept) == depth:
                break
            if firsts[at] in asked or chosen.admit(firsts[at], scored.best[at]):
                kept.append(firsts[at])
        return kept


def ranking(ids: Sequence[str], scores: Sequence[float]) -> list[int]:
    """Positions of items, best first, equal scores by id."""
    keys = [(-score, item_id, at) for at, (score, item_id) in enumerate(zip(scores, ids, strict=True))]
    keys.sort()
    return [at for _, _, at in keys]
