"""All that is kept of people in one catalogue, to be forgotten: the port. `catalogues_memory` and `catalogues_redis`
stand behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True)
class Forgotten:
    """`people` of whom there was something; `token`: for the next page, empty when there is none."""

    people: int
    token: str


class CatalogueStore(ABC):
    """Every method raises NotReady when the store cannot answer now."""

    @abstractmethod
    def forget(self, catalogue: str, people: int, token: str) -> Forgotten:
        """Of at most `people` >= 1 people, whether they consent or not, removes what they did in a catalogue and what
        followed from it: events, seen items, tastes, what is remembered, segment and vector. Ids of events are still
        remembered. Raises InvalidInput, naming `page_token`, for a token that is none."""

    @abstractmethod
    def forget_popularity(self, catalogue: str) -> None:
        """Removes every popularity list and the segments of a catalogue."""
