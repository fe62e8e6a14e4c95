"""The store in memory: for tests, and as the plainest statement of what a store does."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import RLock

from services.errors import InvalidInput
from services.profile import popularity
from services.profile.events import Event, EventType
from services.profile.person import Consent, ConsentState, Person, pack
from services.profile.store import (
    Answered,
    Batch,
    Erased,
    Forget,
    Glance,
    Loaded,
    Outcome,
    Page,
    ProfileStore,
    StoreRules,
    Wanted,
    Window,
)
from services.spaces import Space

DAY_MS = 86_400_000


@dataclass
class _History:
    """What one person did in one catalogue; `acts` and `shown` ascend in time."""

    acts: list[tuple[int, str, Event]] = field(default_factory=list)
    shown: list[tuple[int, str, Event]] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    taste: bytes = b""
    writes: int = 0


@dataclass
class _Held:
    """All that is held about one person. `life` tells apart what was before and after forgetting."""

    person: Person
    life: int
    answers: dict[str, Answered] = field(default_factory=dict)
    event_ids: dict[str, int] = field(default_factory=dict)
    histories: dict[str, _History] = field(default_factory=dict)

    def stamp(self, catalogue: str) -> str:
        history = self.histories.get(catalogue)
        return f"{self.life}:{history.writes}" if history else ""


class MemoryProfileStore(ProfileStore):
    """Everything behind one lock. Nothing outlives the process."""

    def __init__(self, rules: StoreRules | None = None) -> None:
        self._rules = rules or StoreRules()
        self._lock = RLock()
        self._held: dict[str, _Held] = {}
        self._lives = 0
        self._spaces: dict[str, Space] = {}
        self._levels: dict[tuple[str, str | None], dict[str, float]] = defaultdict(dict)

    def load(self, user_id: str, request_id: str = "") -> Loaded:
        with self._lock:
            held = self._held.get(user_id)
            if held is None:
                return Loaded(None, b"")
            return Loaded(held.person, pack(held.person), held.answers.get(request_id))

    def swap(
        self,
        version: bytes,
        person: Person,
        forget: Forget = Forget.NOTHING,
        request_id: str = "",
        answered: Answered | None = None,
    ) -> bool:
        with self._lock:
            if self.load(person.user_id).version != version:
                return False
            held = self._held.setdefault(person.user_id, _Held(person, self._next_life()))
            held.person = person
            if answered is not None:
                fresh = {key: old for key, old in held.answers.items() if old.until_ms > person.updated_ms}
                held.answers = fresh | {request_id: answered}
            self._forget(held, forget)
            return True

    def _next_life(self) -> int:
        self._lives += 1
        return self._lives

    def _forget(self, held: _Held, forget: Forget) -> None:
        if forget is Forget.NOTHING:
            return
        held.life = self._next_life()
        if forget is Forget.EVERYTHING:
            held.histories, held.event_ids = {}, {}
        for history in held.histories.values():
            history.acts = [act for act in history.acts if act[2].type is not EventType.UPLOAD]
            history.taste = b""

    def erase(self, user_id: str) -> list[Erased] | None:
        with self._lock:
            held = self._held.pop(user_id, None)
            if held is None:
                return None
            histories = held.histories.values()
            return [
                Erased("profile", 1),
                Erased("events", sum(len(each.acts) + len(each.shown) for each in histories)),
                Erased("seen", sum(len(each.seen) for each in histories)),
                Erased("taste", sum(bool(each.taste) for each in histories)),
                Erased("requests", len(held.answers)),
                Erased("event_ids", len(held.event_ids)),
            ]

    def people(self, size: int, token: str) -> Page:
        with self._lock:
            if token and not token.startswith("after:"):
                raise InvalidInput("page_token", "is not a token of a previous page")
            names = sorted(name for name in self._held if not token or name > token.removeprefix("after:"))
            page = names[:size]
            return Page([self._held[name].person for name in page], f"after:{page[-1]}" if names[size:] else "")

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
        history = held.histories.get(batch.catalogue, _History())
        if event.event_id in held.event_ids or any(event.event_id == old[1] for old in history.acts + history.shown):
            return Outcome.DUPLICATE
        outcome = Outcome.COUNTED
        if _personalised(held.person.consent):
            if not self._keep(history, event):
                return Outcome.TOO_OLD
            held.histories[batch.catalogue] = history
            outcome = Outcome.LEARNED
        held.event_ids[event.event_id] = now_ms
        if event.is_popular:
            self._count(batch.catalogue, event)
        return outcome

    def _forget_ids(self, held: _Held, now_ms: int) -> None:
        oldest = now_ms - self._rules.remembered_days * DAY_MS
        kept = [(name, at) for name, at in held.event_ids.items() if at > oldest]
        held.event_ids = dict(kept[max(0, len(kept) + 1 - self._rules.remembered) :])

    def _keep(self, history: _History, event: Event) -> bool:
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
            for item_id, _ in _highest(history.seen, len(history.seen))[self._rules.seen :]:
                del history.seen[item_id]
        return True

    def _count(self, catalogue: str, event: Event) -> None:
        gained = popularity.gain(event.weight, event.time_ms, self._rules.popular_hours)
        for domain in (None, event.domain):
            levels = self._levels[catalogue, domain]
            levels[event.item_id] = popularity.add(levels.get(event.item_id), gained)
            for item_id, _ in _highest(levels, len(levels))[self._rules.popular :]:
                del levels[item_id]

    def glance(self, wanted: Sequence[Wanted]) -> list[Glance | None]:
        with self._lock:
            return [self._glance(each) for each in wanted]

    def _glance(self, wanted: Wanted) -> Glance | None:
        held = self._held.get(wanted.user_id)
        if held is None:
            return None
        if not _personalised(held.person.consent):
            return Glance(personalised=False)
        history = held.histories.get(wanted.catalogue, _History())
        seen = [item_id for item_id, _ in _highest(history.seen, self._rules.seen)] if wanted.seen else []
        return Glance(True, held.stamp(wanted.catalogue), history.taste, tuple(seen))

    def window(self, user_id: str, catalogue: str) -> Window:
        with self._lock:
            held = self._held.get(user_id)
            if held is None or catalogue not in held.histories:
                return Window("")
            acts = held.histories[catalogue].acts
            return Window(held.stamp(catalogue), tuple(event for _, _, event in acts))

    def keep_taste(self, user_id: str, catalogue: str, stamp: str, taste: bytes) -> None:
        with self._lock:
            held = self._held.get(user_id)
            if held is not None and stamp and held.stamp(catalogue) == stamp:
                held.histories[catalogue].taste = taste

    def keep_space(self, space: Space) -> None:
        with self._lock:
            self._spaces[space.name] = space

    def space(self, name: str) -> Space | None:
        with self._lock:
            return self._spaces.get(name)

    def popular(self, catalogue: str, domains: Sequence[str], limit: int) -> list[tuple[str, float]]:
        with self._lock:
            merged: dict[str, float] = {}
            for domain in domains or (None,):
                merged |= self._levels.get((catalogue, domain), {})
            return _highest(merged, limit)

    def levels(self, catalogue: str, domains: Sequence[str], item_ids: Sequence[str]) -> list[float | None]:
        with self._lock:
            lists = [self._levels.get((catalogue, domain), {}) for domain in domains or (None,)]
            found = [[each[item_id] for each in lists if item_id in each] for item_id in item_ids]
            return [max(levels, default=None) for levels in found]

    def ping(self) -> None:
        """Memory always answers."""

    def close(self) -> None:
        """Memory holds nothing open."""


def _personalised(consent: Consent) -> bool:
    return consent.personalisation is ConsentState.GIVEN


def _highest(scores: dict[str, float] | dict[str, int], limit: int) -> list[tuple[str, float]]:
    """The `limit` highest, equal ones by descending name: the order of a reversed sorted set."""
    return sorted(scores.items(), key=lambda pair: (pair[1], pair[0]), reverse=True)[:limit]
