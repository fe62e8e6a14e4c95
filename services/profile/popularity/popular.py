"""What is popular now: the answer to GetPopularItems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.errors import InvalidInput
from services.profile.catalogue.existence import Existence
from services.profile.identifiers import catalogue_name, identifier, text
from services.profile.popularity import decay as popularity
from services.profile.popularity.popularity_store import PopularityStore
from services.profile.segments.segmentations import Segmentations

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000
LOOKS = (2000, 10_000)
"""How far down a list is looked when items of it are gone."""
MAX_ITEM_IDS = 1000
MAX_DOMAINS = 64
MAX_DOMAIN_LETTERS = 64
MAX_SEGMENT_LETTERS = 48


@dataclass(frozen=True)
class PopularQuery:
    """`domains` empty: all. `segment` empty: among everybody. `item_ids` given: their scores instead of the most
    popular. `limit` 0: 50."""

    catalogue: str
    domains: Sequence[str] = ()
    segment: str = ""
    limit: int = 0
    item_ids: Sequence[str] = ()


class Popular:
    """Reads popularity. `now_ms` is the clock, milliseconds since 1970."""

    def __init__(
        self,
        store: PopularityStore,
        segmentations: Segmentations,
        existence: Existence,
        half_life_hours: float,
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._segmentations = segmentations
        self._existence = existence
        self._now_ms = now_ms
        self.half_life_hours = half_life_hours

    def items(self, query: PopularQuery) -> list[tuple[str, float]]:
        """(item id, score at this moment), highest first, or in the order of the ids asked for; a catalogue without
        events has none. Items that are gone are left out, but for those asked for by their ids. Raises InvalidInput
        naming the field, NotFound for a segment that is unknown and for a catalogue of which nothing is known."""
        _check(query)
        if query.segment:
            self._segmentations.find(query.catalogue, query.segment)
        now_ms = self._now_ms()
        if query.item_ids:
            levels = self._store.levels(query.catalogue, query.domains, query.item_ids, query.segment)
            found: list[tuple[str, float | None]] = list(zip(query.item_ids, levels, strict=True))
            if all(level is None for level in levels):
                self._existence.require(query.catalogue)
        else:
            found = [*self._most_popular(query, min(query.limit or DEFAULT_LIMIT, MAX_LIMIT))]
        return [(item_id, popularity.value(level, now_ms, self.half_life_hours)) for item_id, level in found]

    def _most_popular(self, query: PopularQuery, limit: int) -> list[tuple[str, float]]:
        """Looks further down the list when items of it are gone."""
        left: list[tuple[str, float]] = []
        for asked in (limit, *LOOKS):
            if asked < limit:
                continue
            found = self._store.popular(query.catalogue, query.domains, asked, query.segment)
            there = self._existence.among(query.catalogue, [item_id for item_id, _ in found])
            left = [(item_id, level) for item_id, level in found if item_id in there][:limit]
            if len(left) == limit or len(found) < asked:
                break
        return left


def _check(query: PopularQuery) -> None:
    catalogue_name(query.catalogue, "catalogue")
    text(query.segment, "segment", MAX_SEGMENT_LETTERS)
    if query.limit < 0:
        raise InvalidInput("limit", "must not be negative")
    if len(query.domains) > MAX_DOMAINS:
        raise InvalidInput("domains", f"{len(query.domains)} given, at most {MAX_DOMAINS}")
    for number, domain in enumerate(query.domains):
        text(domain, f"domains[{number}]", MAX_DOMAIN_LETTERS)
    if len(query.item_ids) > MAX_ITEM_IDS:
        raise InvalidInput("item_ids", f"{len(query.item_ids)} given, at most {MAX_ITEM_IDS}")
    for number, item_id in enumerate(query.item_ids):
        identifier(item_id, f"item_ids[{number}]")
