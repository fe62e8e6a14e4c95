"""Where popularity is kept: the port. `popularity_memory` and `popularity_redis` stand behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence


class PopularityStore(ABC):
    """What is popular in each catalogue. Every method raises NotReady when the store cannot answer now."""

    @abstractmethod
    def popular(self, catalogue: str, domains: Sequence[str], limit: int, segment: str = "") -> list[tuple[str, float]]:
        """The `limit` highest (item id, level) of a catalogue, of some domains or of all; levels as in `popularity`,
        highest first, equal ones by descending id. An item that has moved from one of the domains to another has the
        events of both. `segment`: among people who were told to be in it, by its
        id; empty: among all."""

    @abstractmethod
    def levels(
        self, catalogue: str, domains: Sequence[str], item_ids: Sequence[str], segment: str = ""
    ) -> list[float | None]:
        """The level of each item, None without events in these domains by those people."""
