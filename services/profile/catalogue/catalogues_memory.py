"""What is kept of people in one catalogue, forgotten in memory."""

from __future__ import annotations

from services.errors import InvalidInput
from services.profile.catalogue.catalogue_store import CatalogueStore, Forgotten
from services.profile.filing.held_memory import Memory


class MemoryCatalogues(Memory, CatalogueStore):
    """People in the order of their ids."""

    def forget(self, catalogue: str, people: int, token: str) -> Forgotten:
        if token and not token.startswith("after:"):
            raise InvalidInput("page_token", "is not a token of a previous page")
        with self._lock:
            names = sorted(name for name in self._held if not token or name > token.removeprefix("after:"))
            return Forgotten(
                sum(self._forget_one(name, catalogue) for name in names[:people]),
                f"after:{names[people - 1]}" if names[people:] else "",
            )

    def _forget_one(self, user_id: str, catalogue: str) -> bool:
        held = self._held[user_id]
        history, vector = held.histories.pop(catalogue, None), held.vectors.pop(catalogue, None)
        held.told = {name: times for name, times in held.told.items() if name[0] != catalogue}
        held.life = self._next_life()
        return history is not None or vector is not None

    def forget_popularity(self, catalogue: str) -> None:
        with self._lock:
            self._segments.pop(catalogue, None)
            for name in [name for name in self._levels if name[0] == catalogue]:
                del self._levels[name]
