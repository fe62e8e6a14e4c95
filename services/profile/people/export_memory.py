"""All that is held about a person in memory."""

from __future__ import annotations

from services.profile.filing.held_memory import History, Memory, highest
from services.profile.people.export_store import ANSWER, ExportStore, HeldRecord, HistoryHeld, PersonHeld
from services.profile.people.person import pack
from services.profile.segments.segment import segment_of


class MemoryExport(Memory, ExportStore):
    """Nothing of it ends by itself, and there are no other services."""

    def held(self, user_id: str) -> PersonHeld | None:
        with self._lock:
            held = self._held.get(user_id)
            if held is None:
                return None
            catalogues = sorted({*held.histories, *held.vectors})
            histories = [
                self._history(name, held.histories.get(name, History()), held.vectors.get(name)) for name in catalogues
            ]
            answers = [HeldRecord(ANSWER, pack(each.person)) for each in held.answers.values()]
            return PersonHeld(
                held.person, held.alias, histories, len(held.event_ids), None, answers, held.erased and held.erased[0]
            )

    def _history(self, catalogue: str, history: History, put: object) -> HistoryHeld:
        return HistoryHeld(
            catalogue,
            (*history.acts, *history.shown),
            [item_id for item_id, _ in highest(history.seen, self._rules.seen)],
            history.memory,
            list(history.tastes.values()),
            put,  # type: ignore[arg-type] # from `held.vectors`
            segment_of(history.segment),
        )
