"""What people do, in memory."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence

from services.profile import popularity
from services.profile.event_store import Batch, EventStore, Outcome, Window
from services.profile.events import Event, EventType
from services.profile.held_memory import Held, History, Memory, highest
from services.profile.person import ConsentState

DAY_MS = 86_400_000


class MemoryEvents(Memory, EventStore):
    """Lists of events in the order of their times."""

    def record(self, batches: Sequence[Batch], now_ms: int) -> list[list[Outcome]]:
        with self._lock:
            return [[self._record(batch, event, now_ms) for event in batch.events] for batch in batches]

    def _record(self, batch: Batch, event: Event, now_ms: int) -> Outcome:
        held = self._held.get(batch.user_id)
        if held is None:
            return Outcome.UNKNOWN_USER
        if event.type is EventType.UPLOAD and held.person.consent.photo_learning is not ConsentState.GIVEN:
            return Outcome.PHOTOS_REFUSED
        self._forget_ids(held, now_ms)
        history = held.histories.get(batch.catalogue, History())
        if event.event_id in held.event_ids or any(event.event_id == old[1] for old in history.acts + history.shown):
            return Outcome.DUPLICATE
        outcome = Outcome.COUNTED
        if held.personalised:
            if not self._keep(history, event):
                return Outcome.TOO_OLD
            held.histories[batch.catalogue] = history
            outcome = Outcome.LEARNED
        held.event_ids[event.event_id] = now_ms
        if event.is_popular:
            self._count(batch.catalogue, event)
        return outcome

    def _forget_ids(self, held: Held, now_ms: int) -> None:
        oldest = now_ms - self._rules.remembered_days * DAY_MS
        kept = [(name, at) for name, at in held.event_ids.items() if at > oldest]
        held.event_ids = dict(kept[max(0, len(kept) + 1 - self._rules.remembered) :])

    def _keep(self, history: History, event: Event) -> bool:
        """False for an event that is older than the whole window."""
        is_shown = event.type is EventType.IMPRESSION
        lane, bound = (history.shown, self._rules.shown) if is_shown else (history.acts, self._rules.window)
        entry = (event.time_ms, event.event_id, event)
        insort(lane, entry, key=lambda each: each[:2])
        if len(lane) > bound and lane.pop(0) is entry:
            return False
        history.writes += not is_shown
        if event.is_seen:
            history.seen[event.item_id] = max(event.time_ms, history.seen.get(event.item_id, event.time_ms))
            for item_id, _ in highest(history.seen, len(history.seen))[self._rules.seen :]:
                del history.seen[item_id]
        return True

    def _count(self, catalogue: str, event: Event) -> None:
        gained = popularity.gain(event.weight, event.time_ms, self._rules.popular_hours)
        for domain in (None, event.domain):
            levels = self._levels[catalogue, domain, ""]
            levels[event.item_id] = popularity.add(levels.get(event.item_id), gained)
            for item_id, _ in highest(levels, len(levels))[self._rules.popular :]:
                del levels[item_id]

    def window(self, user_id: str, catalogue: str) -> Window:
        with self._lock:
            held = self._held.get(user_id)
            if held is None or catalogue not in held.histories:
                return Window("")
            acts = held.histories[catalogue].acts
            return Window(held.stamp(catalogue), tuple(event for _, _, event in acts))
