"""What is popular, and how popular each item is, remembered for some seconds: it is the same for everybody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple

from services.ranker.others.counts import Counts
from services.ranker.others.latest import Latest
from services.ranker.others.refreshed import EACH_BYTES, Refreshed
from services.ranker.others.tuning import Tuning

TABLES = 64
"""Catalogues and segments whose counts are kept at most, those that were asked for last."""


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
        self._tops = Refreshed(load_top, clock, tuning.popular_s, tuning.stale_s, _size, most_bytes=tuning.list_bytes)
        self._tables: Latest[Among, Counts] = Latest(TABLES, tuning.counts_bytes)

    async def top(self, top: Top) -> Sequence[str]:
        """Ids, most popular first."""
        return await self._tops.get(top)

    async def counts(self, among: Among, item_ids: Sequence[str]) -> list[float]:
        """Of each item."""
        table = self._tables.get(among)
        if table is None:
            load = partial(self._load_counts, among)
            tuning = self._tuning
            table = Counts(load, self._clock, tuning.counts_s, tuning.stale_s, tuning.counts_bytes)
            self._tables.put(among, table, table.size)
        told = await table.get(item_ids)
        self._tables.put(among, table, table.size)
        return told


def _size(top: Top, item_ids: Sequence[str]) -> int:
    words = (top.catalogue, top.segment, *top.domains, *item_ids)
    return sum(map(len, words)) + EACH_BYTES * len(words)
