"""Tastes in memory."""

from __future__ import annotations

from collections.abc import Sequence

from services.profile.filing.held_memory import History, Memory, highest
from services.profile.taste.taste_store import Glance, Keeping, Kept, TasteQuery, TasteStore
from services.spaces import Space


class MemoryTastes(Memory, TasteStore):
    """Beside the events that they come from."""

    def glance(self, queries: Sequence[TasteQuery]) -> list[Glance | None]:
        with self._lock:
            return [self._glance(each) for each in queries]

    def _glance(self, query: TasteQuery) -> Glance | None:
        held = self._held.get(query.user_id)
        if held is None:
            return None
        if not held.personalised:
            return Glance(held.person.consent, held.alias)
        history = held.histories.get(query.catalogue, History())
        seen = [item_id for item_id, _ in highest(history.seen, self._rules.seen)] if query.include_seen else []
        beside = history.tastes.get(query.space, b"") if query.space else b""
        stamp = held.stamp(query.catalogue)
        kept = history.tastes.get("", b"")
        return Glance(held.person.consent, held.alias, stamp, kept, tuple(seen), beside)

    def keep_tastes(self, tastes: Sequence[Keeping]) -> None:
        with self._lock:
            for each in tastes:
                self._keep(*each)

    def _keep(self, user_id: str, catalogue: str, stamp: str, kept: Kept) -> None:
        held = self._held.get(user_id)
        if held is not None and stamp and held.stamp(catalogue) == stamp:
            tastes = held.histories[catalogue].tastes
            if kept.beside:
                tastes = {"": tastes[""]} if "" in tastes else {}
            else:
                held.histories[catalogue].segment = kept.segment
            held.histories[catalogue].tastes = tastes | {kept.beside: kept.taste}

    def keep_space(self, space: Space) -> None:
        with self._lock:
            self._spaces[space.name] = space

    def space(self, name: str) -> Space | None:
        with self._lock:
            return self._spaces.get(name)
