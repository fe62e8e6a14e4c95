"""What is popular, and how popular each item is, remembered for some seconds: it is the same for everybody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple

from services.ranker.others.counts import Counts
from services.ranker.others.refreshed import Refreshed
from services.ranker.others.tuning import Tuning

TABLES = 64
"""Catalogues and segments whose counts are kept at most, those asked for first go first."""


class Among(NamedTuple):
    """Whose events count; an empty segment: everybody's."""

    catalogue: str
    segment: str


class Top(NamedTuple):
    """The `limit` most popular items of these domains (none: of all)."""

    catalogue: str
    segment: str
    domains: tuple[str, ...]
    limit: int


class Popularity:
    """`load_top`, `load_counts`: ask the profile. `clock`: seconds, monotonic."""

    def __init__(
        self,
        load_top: Callable[[Top], Awaitable[Sequence[str]]],
        load_counts: Callable[[Among, Sequence[str]], Awaitable[Sequence[float]]],
        clock: Callable[[], float],
        tuning: Tuning,
    ) -> None:
        self._load_counts = load_counts
        self._clock = clock
        self._tuning = tuning
        self._tops: Refreshed[Top, Sequence[str]]
        self._tops = Refreshed(load_top, clock, tuning.popular_s, tuning.stale_s)
        self._tables: dict[Among, Counts] = {}

    async def top(self, top: Top) -> Sequence[str]:
        """Ids, most popular first."""
        return await self._tops.get(top)

    async def counts(self, among: Among, item_ids: Sequence[str]) -> list[float]:
        """Of each item."""
        table = self._tables.get(among)
        if table is None:
            load = partial(self._load_counts, among)
            table = self._tables[among] = Counts(load, self._clock, self._tuning.counts_s, self._tuning.stale_s)
            if len(self._tables) > TABLES:
                del self._tables[next(iter(self._tables))]
        return await table.get(item_ids)
