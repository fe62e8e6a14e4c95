"""The use case of many searches in one call, each with its own catalogue, version, deadline and outcome.

Those that need not wait for anything are answered first, together where they look in the same view through the same
filter and as accurately; then those whose version has been reached meanwhile, and so on until the call's time is up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np

from services.errors import InvalidInput, Overloaded, TooLate, VisrecError
from services.indexer.filters import Filter
from services.indexer.index.port import Accuracy, RowArray, View
from services.indexer.searching.candidates import Directory
from services.indexer.searching.request import MAX_ALSO_SCORED, MAX_LIMIT, MAX_QUERIES, SearchRequest
from services.indexer.searching.scoring import Gathered, aims_of
from services.indexer.searching.search import Answered, Clock, Found, Hits, Search
from services.indexer.serving.desk import LOOK_UP_S, SHORT_WAIT_S, Attention, Desk
from services.indexer.serving.shelf import Shelf
from services.indexer.version import Version
from services.spaces import Float32, Space

MAX_SEARCHES = 64
MAX_QUERIES_IN_ALL = 512
MAX_WORK = MAX_QUERIES * (MAX_LIMIT + MAX_ALSO_SCORED)
"""Of all searches of a call together: as much as one `Search` may ask for."""

WIDE = 128
"""Up to so many nearest items cost an index the same; searches that need more are not looked up with those that need
less."""


AT_ONCE = 8
"""Searches whose items are read together: two or three megabytes, which a processor's own memory has room for."""

T = TypeVar("T")


@dataclass(frozen=True)
class Ask:
    """One search. `min_version`: a token, empty: none. `timeout_s`: None: that of the call."""

    catalogue: str
    space: str
    request: SearchRequest
    min_version: str = ""
    timeout_s: float | None = None


Outcome = Answered | VisrecError


class _Later(Exception):
    """Raised where a search would have to wait for the record."""


@dataclass
class _Pending:
    """A search that has no outcome yet."""

    place: int
    ask: Ask
    attention: Attention
    shelf: Shelf | None = None
    version: Version | None = None


class _Ready(NamedTuple):
    pending: _Pending
    search: Search
    wait_ms: float


class _Key(NamedTuple):
    """What searches have in common that ask the index together."""

    view: int
    filter: Filter
    accuracy: Accuracy
    width: int


def search_many(asks: Sequence[Ask | VisrecError], desk: Desk, attention: Attention, clock: Clock) -> list[Outcome]:
    """The outcome of each, in order; an ask that is an error already stays what it is.

    Raises InvalidInput for none or too many, TooLate when the call's time is up or nobody waits for it any more.
    """
    if not 1 <= len(asks) <= MAX_SEARCHES:
        raise InvalidInput("searches", f"{len(asks)} given, must be 1 to {MAX_SEARCHES}")
    return _Call(asks, desk, attention, clock).outcomes()


class _Call:
    def __init__(self, asks: Sequence[Ask | VisrecError], desk: Desk, attention: Attention, clock: Clock) -> None:
        self._desk = desk
        self._attention = attention
        self._clock = clock
        self._began = clock()
        self._outcomes: dict[int, Outcome] = {
            place: ask for place, ask in enumerate(asks) if isinstance(ask, VisrecError)
        }
        self._pending = [
            _Pending(place, ask, attention if ask.timeout_s is None else attention.within(ask.timeout_s))
            for place, ask in enumerate(asks)
            if isinstance(ask, Ask)
        ]

    def outcomes(self) -> list[Outcome]:
        self._attention.proceed()
        self._each(_check)
        self._bound()
        self._each(self._take_up)
        self._answer(self._reached(0), may_wait=False)
        if self._pending:
            # Most versions are a few milliseconds away, which needs no place to wait.
            self._answer(self._reached(SHORT_WAIT_S), may_wait=False)
        if self._pending:
            self._answer_those_that_wait()
        return [outcome for _, outcome in sorted(self._outcomes.items(), key=lambda entry: entry[0])]

    def _bound(self) -> None:
        """What is beyond the bounds of a call fails with Overloaded."""
        queries = work = 0
        for pending in list(self._pending):
            request = pending.ask.request
            if queries + len(request.queries) > MAX_QUERIES_IN_ALL or work + request.work > MAX_WORK:
                self._end(pending, Overloaded("the searches of this call are too many together: send it in another"))
            else:
                queries += len(request.queries)
                work += request.work

    def _answer_those_that_wait(self) -> None:
        try:
            with self._desk.place_to_wait():
                self._each(self._look_up)
                while self._pending:
                    self._attention.proceed()
                    self._each(lambda pending: pending.attention.proceed())
                    if not self._pending:
                        break
                    self._answer(self._reached(SHORT_WAIT_S if self._pending[1:] else LOOK_UP_S), may_wait=True)
        except Overloaded as full:
            for pending in list(self._pending):
                self._end(pending, full)

    def _take_up(self, pending: _Pending) -> None:
        """Finds what can be found without waiting. Raises what is wrong with it."""
        pending.attention.proceed()
        pending.shelf = self._desk.known(pending.ask.catalogue)
        self._come_to(pending)

    def _look_up(self, pending: _Pending) -> None:
        if pending.shelf is None:
            pending.shelf = self._desk.look_up(pending.ask.catalogue)
            self._come_to(pending)

    def _come_to(self, pending: _Pending) -> None:
        if pending.shelf is not None:
            self._desk.admit(pending.shelf)
            if pending.ask.min_version:
                pending.version = self._desk.version(pending.shelf, pending.ask.min_version)

    def _reached(self, wait_s: float) -> list[_Pending]:
        """Those that can be answered now; when there are none, waits a moment for the first of the others."""
        located = [pending for pending in self._pending if pending.shelf is not None]
        reached = [pending for pending in located if _has_reached(pending, 0)]
        if reached or not wait_s or not located:
            return reached
        soonest = min(pending.attention.left_s() for pending in self._pending)
        return [located[0]] if _has_reached(located[0], min(wait_s, soonest)) else []

    def _answer(self, reached: Sequence[_Pending], *, may_wait: bool) -> None:
        views: dict[tuple[int, str], View] = {}
        groups: dict[_Key, list[_Ready]] = {}
        for pending in reached:
            try:
                pending.attention.proceed()
                view = self._view(pending, views)
                search = Search(pending.ask.request, view, self._finder(pending, view.space, may_wait=may_wait))
            except _Later:
                continue
            except VisrecError as problem:
                self._end(pending, problem)
                continue
            ready = _Ready(pending, search, (self._clock() - self._began) * 1e3)
            request = pending.ask.request
            width = (max(WIDE, search.fetch) - 1).bit_length()
            groups.setdefault(_Key(id(view), request.filter, request.accuracy, width), []).append(ready)
        for group in groups.values():
            self._search(group)

    def _view(self, pending: _Pending, views: dict[tuple[int, str], View]) -> View:
        """One for all that look in the same space of the same catalogue now."""
        assert pending.shelf is not None  # only what has been located is answered
        key = (id(pending.shelf), pending.ask.space)
        if key not in views:
            views[key] = self._desk.look(pending.shelf, pending.ask.space)
        return views[key]

    def _finder(self, pending: _Pending, space: Space, *, may_wait: bool) -> Callable[[str], Float32 | None]:
        def find(item_id: str) -> Float32 | None:
            if not may_wait:
                raise _Later
            pending.attention.proceed()
            assert pending.shelf is not None  # as above
            return self._desk.read_vector(pending.shelf, item_id, space)

        return find

    def _search(self, group: Sequence[_Ready]) -> None:
        """One look-up for all of the group, then each on its own."""
        began = self._clock()
        view, request = group[0].search.view, group[0].search.request
        seeking = [query for ready in group for query in ready.search.seeking]
        eligible = view.eligible(request.filter)
        self._attention.proceed()
        nearest: list[list[int]] = []
        if seeking:
            fetch = max(ready.search.fetch for ready in group)
            try:
                nearest = view.nearest(
                    aims_of(seeking, view.space), fetch, eligible, request.accuracy, lambda: self._proceed(group)
                )
            except TooLate:
                self._attention.proceed()
                nearest = [[] for _ in seeking]  # each of them is too late, as it will find
        search_ms = (self._clock() - began) * 1e3
        lists = iter(nearest)
        mine = [[next(lists)[: ready.search.fetch] for _ in ready.search.seeking] for ready in group]
        directory = Directory(view, eligible)
        directory.learn([item_id for ready in group for item_id in ready.search.few_banned])
        for some in _pieces(list(zip(group, mine, strict=True))):
            self._finish(some, directory, search_ms)

    def _finish(self, some: Sequence[tuple[_Ready, list[list[int]]]], directory: Directory, search_ms: float) -> None:
        """Those whose answer has no order are scored of items that are read together."""
        began = self._clock()
        loose: list[tuple[_Ready, RowArray]] = []
        for ready, nearest in some:
            with self._ending(ready.pending):
                ready.pending.attention.proceed()
                if ready.search.request.loose:
                    loose.append((ready, ready.search.found(directory, nearest, ready.pending.attention.proceed)))
                else:
                    hits = ready.search.finish(directory, nearest, ready.pending.attention.proceed)
                    self._answered(ready, hits, directory, search_ms, began)
        if not loose:
            return
        gathered = Gathered(directory.view, np.unique(np.concatenate([firsts for _, firsts in loose])))
        for ready, firsts in loose:
            with self._ending(ready.pending):
                ready.pending.attention.proceed()
                self._answered(ready, ready.search.hits(gathered, firsts), directory, search_ms, began)

    def _answered(self, ready: _Ready, hits: Hits, directory: Directory, search_ms: float, began: float) -> None:
        found = Found(hits, directory.passing.count, search_ms, (self._clock() - began) * 1e3)
        self._end(ready.pending, Answered(found, directory.view, ready.wait_ms))

    @contextmanager
    def _ending(self, pending: _Pending) -> Iterator[None]:
        """What is raised is the outcome of this search."""
        try:
            yield
        except VisrecError as problem:
            self._end(pending, problem)

    def _proceed(self, group: Sequence[_Ready]) -> None:
        """Raises TooLate when none of the group is waited for any more."""
        self._attention.proceed()
        if not any(ready.pending.attention.left_s() for ready in group):
            raise TooLate("the time for these searches is up")

    def _each(self, step: Callable[[_Pending], None]) -> None:
        """Does the step for each that is pending; what it raises is that one's outcome."""
        for pending in list(self._pending):
            try:
                step(pending)
            except VisrecError as problem:
                self._end(pending, problem)

    def _end(self, pending: _Pending, outcome: Outcome) -> None:
        if isinstance(outcome, TooLate):
            self._attention.proceed()  # is it the whole call?
        self._outcomes[pending.place] = outcome
        self._pending.remove(pending)


def _pieces(group: Sequence[T]) -> Iterator[Sequence[T]]:
    return (group[start : start + AT_ONCE] for start in range(0, len(group), AT_ONCE))


def _check(pending: _Pending) -> None:
    if not pending.ask.catalogue:
        raise InvalidInput("catalogue", "is required")
    pending.ask.request.check()


def _has_reached(pending: _Pending, wait_s: float) -> bool:
    if pending.version is None or pending.shelf is None:
        return True
    return pending.shelf.reach(pending.version, wait_s)
