"""Limits of one answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The shares, 0 to 1, are of the time that is left: how much of it these may take. What the search leaves is for an
    answer without the index.

    `candidates`: how many items a query brings that is alone; several bring `all_candidates` together, each at least
    `least_candidates`, since each costs a search. These are the same for every n, so that the top N is a prefix of the
    top N+1; `candidates` is at least the greatest n. `popular`, `fresh`: how many popular and new items are candidates,
    too; beside queries `popular_beside`, since what is popular and unlike all that is asked for hardly gets a place.
    `fresh_half_life_s`: after so long an item is half as new.
    """

    embed_share: float = 0.6
    profile_share: float = 0.3
    reasons_share: float = 0.5
    search_share: float = 0.8
    candidates: int = 100
    all_candidates: int = 200
    least_candidates: int = 40
    popular: int = 100
    popular_beside: int = 30
    fresh: int = 100
    fresh_half_life_s: float = 7 * 24 * 3600.0

    def of_each(self, queries: int) -> int:
        """How many items each of so many queries brings."""
        return min(self.candidates, max(self.least_candidates, self.all_candidates // max(queries, 1)))
