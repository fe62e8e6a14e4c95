"""What people do, in memory."""

from __future__ import annotations

import hashlib
import secrets
from bisect import insort
from collections.abc import Sequence

from services.errors import InvalidInput
from services.profile.events.event import Event, EventType
from services.profile.events.event_store import (
    Act,
    Batch,
    EventStore,
    Filled,
    Histories,
    Outcome,
    Recorded,
    Settlement,
    Window,
    boundary,
    counted,
)
from services.profile.filing.held_memory import Held, History, Memory, highest, place
from services.profile.filing.store_rules import DAY_MS
from services.profile.people.person import ConsentState
from services.profile.popularity import decay as popularity
from services.profile.segments.segment import segment_of
from services.profile.taste.tidying import AGAIN_MS, MOST_ALIKE

MINUTE_MS = 60_000


def _is_repeated(acts: Sequence[Event], event: Event) -> bool:
    alike = (act for act in acts if not act.pending and (act.type, act.item_id) == (event.type, event.item_id))
    return any(abs(act.time_ms - event.time_ms) <= AGAIN_MS for act in alike)


def _is_settled(mark: bytes, event: Event) -> bool:
    time, _, names = mark.partition(b":")
    last = int(time or -1)
    return event.time_ms < last or (event.time_ms == last and b"\n%b\n" % event.event_id.encode() in names)


class MemoryEvents(Memory, EventStore):
    """Lists of events in their order."""

    def record(self, batches: Sequence[Batch], now_ms: int) -> list[Recorded]:
        with self._lock:
            return [self._record_batch(batch, now_ms) for batch in batches]

    def _record_batch(self, batch: Batch, now_ms: int) -> Recorded:
        held = self._held.get(batch.user_id)
        if held is None:
            return Recorded([Outcome.UNKNOWN_USER] * len(batch.events))
        self._drop(held, batch.catalogue, now_ms)
        outcomes, again = [], set[int]()
        for number, event in enumerate(batch.events):
            is_again = self._is_again(held, batch.catalogue, event, now_ms)
            outcomes.append(self._record(held, batch.catalogue, event, now_ms))
            if is_again or self._is_enough(held, batch.catalogue, event, outcomes[-1], now_ms):
                again.add(number)
        history = held.histories.get(batch.catalogue, History())
        segment = self._segment(held, history)
        recorded = Recorded(outcomes, len(history.acts), history.pending, segment, frozenset(again))
        for event in counted(batch, recorded):
            self._count_all(batch.catalogue, event, segment)
        return recorded

    def _segment(self, held: Held, history: History) -> str:
        return history.segment if held.person.consent.segments is ConsentState.GIVEN else ""

    def _is_again(self, held: Held, catalogue: str, event: Event, now_ms: int) -> bool:
        """Whether an event that popularity would count says what another one has said."""
        if not event.is_popular:
            return False
        if held.personalised:
            return _is_repeated(held.histories.get(catalogue, History()).acts, event)
        name = f"\0{event.type}\0{event.item_id}"
        return held.event_ids.get(name, -1) > self._oldest(now_ms)

    def _is_enough(self, held: Held, catalogue: str, event: Event, outcome: Outcome, now_ms: int) -> bool:
        """Whether popularity counts the same act on the same item no more that day; else it is counted."""
        if not event.is_popular or outcome not in (Outcome.LEARNED, Outcome.COUNTED):
            return False
        name = (catalogue, now_ms // DAY_MS, event.type, event.item_id)
        held.told[name] = held.told.get(name, 0) + 1
        return held.told[name] > MOST_ALIKE

    def _oldest(self, now_ms: int) -> float:
        """The arrival of the oldest id that is remembered."""
        return now_ms - self._rules.remembered_days * DAY_MS

    def _drop(self, held: Held, catalogue: str, now_ms: int) -> None:
        """Forgets ids and events whose time is over."""
        oldest, first_ms = self._oldest(now_ms), self._rules.first_ms(now_ms)
        held.event_ids = {name: at for name, at in held.event_ids.items() if at > oldest}
        history = held.histories.get(catalogue, History())
        before = len(history.acts)
        history.acts = [act for act in history.acts if act.time_ms >= first_ms]
        history.shown = [shown for shown in history.shown if shown.time_ms >= first_ms]
        history.seen = {item_id: at for item_id, at in history.seen.items() if at >= first_ms}
        history.writes += before - len(history.acts)

    def _record(self, held: Held, catalogue: str, event: Event, now_ms: int) -> Outcome:
        if held.erased and event.time_ms <= held.erased[0] and now_ms < held.erased[1]:
            return Outcome.ERASED
        if event.type is EventType.UPLOAD and held.person.consent.photo_learning is not ConsentState.GIVEN:
            return Outcome.PHOTOS_REFUSED
        history = held.histories.get(catalogue, History())
        if event.event_id in held.event_ids or any(
            event.event_id == old.event_id for old in history.acts + history.shown
        ):
            return Outcome.DUPLICATE
        is_expired = event.time_ms < self._rules.first_ms(now_ms)
        outcome = Outcome.EXPIRED if is_expired else self._place(held, history, event, now_ms)
        if outcome in (Outcome.LEARNED, Outcome.PENDING):
            held.histories[catalogue] = history
        is_lost = outcome is Outcome.COUNTED and event.type is EventType.IMPRESSION
        if outcome in (Outcome.LEARNED, Outcome.PENDING, Outcome.COUNTED) and not is_lost:
            self._remember(held, event, now_ms)
        return outcome

    def _remember(self, held: Held, event: Event, now_ms: int) -> None:
        held.event_ids[event.event_id] = now_ms
        if event.is_popular and not held.personalised:
            held.event_ids[f"\0{event.type}\0{event.item_id}"] = int(self._oldest(now_ms)) + AGAIN_MS
        for name, _ in highest(held.event_ids, len(held.event_ids))[self._rules.remembered :]:
            del held.event_ids[name]

    def _place(self, held: Held, history: History, event: Event, now_ms: int) -> Outcome:
        """What becomes of an event that is new, with the history brought up to date."""
        if event.pending and not held.personalised:
            return Outcome.UNKNOWN_ITEM
        if held.personalised and event.type is not EventType.IMPRESSION and _is_settled(history.mark, event):
            return Outcome.TOO_OLD
        if event.type is not EventType.IMPRESSION and self._is_burst(held, history, event, now_ms):
            return Outcome.IGNORED
        if not held.personalised:
            return Outcome.COUNTED
        if event.type is EventType.IMPRESSION:
            return Outcome.LEARNED if self._show(history, event) else Outcome.TOO_OLD
        return self._act(history, event)

    def _is_burst(self, held: Held, history: History, event: Event, now_ms: int) -> bool:
        """Of somebody of whom no events are kept, by when they arrived."""
        if not held.personalised:
            return sum(at >= now_ms - MINUTE_MS for at in held.event_ids.values()) >= self._rules.per_minute
        minute = event.time_ms // MINUTE_MS
        return sum(act.time_ms // MINUTE_MS == minute for act in history.acts) >= self._rules.per_minute

    def _act(self, history: History, event: Event) -> Outcome:
        if len(history.acts) >= self._rules.most:
            return Outcome.FULL
        insort(history.acts, event, key=place)
        history.writes += 1
        if event.is_seen:
            history.seen[event.item_id] = max(event.time_ms, history.seen.get(event.item_id, event.time_ms))
            for item_id, _ in highest(history.seen, len(history.seen))[self._rules.seen :]:
                del history.seen[item_id]
        return Outcome.PENDING if event.pending else Outcome.LEARNED

    def _show(self, history: History, event: Event) -> bool:
        """False for an impression that is older than all that are kept."""
        insort(history.shown, event, key=place)
        return not (len(history.shown) > self._rules.shown and history.shown.pop(0) is event)

    def _count_all(self, catalogue: str, event: Event, segment: str) -> None:
        """Among everybody and, for somebody who is in one, among the people of a segment."""
        self._count(catalogue, event)
        if segment:
            self._count(catalogue, event, segment_of(segment))

    def _count(self, catalogue: str, event: Event, segment: str = "") -> None:
        gained = popularity.gain(event.weight, event.time_ms, self._rules.popular_hours)
        for domain in (None, event.domain):
            levels = self._levels[catalogue, domain, segment]
            levels[event.item_id] = popularity.add(levels.get(event.item_id), gained)
            for item_id, _ in highest(levels, len(levels))[self._rules.popular :]:
                del levels[item_id]

    def window(self, user_id: str, catalogue: str) -> Window:
        return self.oldest([(user_id, catalogue, 0)])[0]

    def oldest(self, wanted: Sequence[tuple[str, str, int]]) -> list[Window]:
        with self._lock:
            return [self._window(user_id, catalogue, count or None) for user_id, catalogue, count in wanted]

    def _window(self, user_id: str, catalogue: str, count: int | None = None, *, shown: bool = False) -> Window:
        held = self._held.get(user_id)
        if held is None or not held.personalised:
            return Window()
        history = held.histories.get(catalogue, History())
        events = history.acts[:count] + (history.shown if shown else [])
        acts = tuple(Act(event.event_id.encode(), event) for event in events)
        return Window(
            held.stamp(catalogue), acts, history.memory, history.mark, held.person, held.vectors.get(catalogue)
        )

    def settle(self, settlements: Sequence[Settlement]) -> list[bool]:
        with self._lock:
            return [self._settle(each) for each in settlements]

    def _settle(self, given: Settlement) -> bool:
        history = self._unchanged(given.user_id, given.catalogue, given.stamp)
        if history is None or history.mark != given.mark:
            return False
        oldest = history.acts[: len(given.acts)]
        if [event.event_id.encode() for event in oldest] != [act.name for act in given.acts]:
            return False
        if oldest and len(history.acts) - len(oldest) < self._rules.window:
            return False
        history.acts = history.acts[len(oldest) :]
        history.photos_settled |= any(event.type is EventType.UPLOAD for event in oldest)
        history.memory = given.memory
        if oldest:
            history.mark = boundary(given.mark, given.acts)
        return True

    def _unchanged(self, user_id: str, catalogue: str, stamp: str) -> History | None:
        """What a person did who has not changed their mind since `stamp`."""
        held = self._held.get(user_id)
        if held is None or not stamp.startswith(f"{held.life}:"):
            return None
        return held.histories.get(catalogue)

    def fill(self, user_id: str, catalogue: str, stamp: str, filled: Sequence[Filled]) -> int:
        with self._lock:
            history = self._unchanged(user_id, catalogue, stamp)
            if history is None:
                return 0
            segment = self._segment(self._held[user_id], history)
            return sum(self._fill(history, catalogue, each, segment) for each in filled)

    def _fill(self, history: History, catalogue: str, given: Filled, segment: str) -> bool:
        was = given.act.event
        if not any(act is was for act in history.acts):
            return False
        others = [act for act in history.acts if act is not was]
        history.writes += was.pending
        if given.event is None:
            history.acts = others
            if history.seen.get(was.item_id) == was.time_ms:
                del history.seen[was.item_id]
            return True
        if was.pending and given.event.is_popular and not _is_repeated(others, given.event):
            self._count_all(catalogue, given.event, segment)
        history.acts = [given.event if act is was else act for act in history.acts]
        return True

    def histories(self, catalogue: str, people: int, token: str, *, shown: bool = False) -> Histories:
        salt, _, after = (token or f"{secrets.token_hex(16)}:after:").partition(":")
        if not after.startswith("after:"):
            raise InvalidInput("page_token", "is not a token of a previous page")
        with self._lock:
            rest = sorted(name for name in self._held if name > after.removeprefix("after:"))
            windows = {name: self._window(name, catalogue, shown=shown) for name in rest[:people]}
        found = {name: window for name, window in windows.items() if window.acts or window.memory}
        return Histories(
            windows=list(found.values()),
            aliases=[hashlib.sha256(f"{salt} {name}".encode()).hexdigest()[:32] for name in found],
            token=f"{salt}:after:{rest[people - 1]}" if rest[people:] else "",
            again=f"{salt}:{after}",
        )
