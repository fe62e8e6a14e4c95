"""Recording events: what callers sent is checked, items are looked up, each person's events are written in one step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from services.errors import InvalidInput, NotFound, NotReady, Overloaded, Refused, VisrecError
from services.profile.catalogue.items import AWAY
from services.profile.events.completing import completed, trusted
from services.profile.events.event import Event
from services.profile.events.event_store import Batch, EventStore, Outcome, Recorded
from services.profile.events.given_event import GivenEvent, check
from services.profile.events.resolving import Resolver
from services.profile.events.settling import Settler

MAX_EVENTS = 1000

MAX_WRITES = 16
"""Attempts to write events of people who have as many as may be. Each settles what is due, or somebody else has."""

Ending: TypeAlias = Outcome | VisrecError
"""One of the good outcomes, or why the event was not recorded."""

_AWAY = NotReady("the item cannot be looked up now, and nothing may be kept of this person until it is")


class Recorder:
    """Records events. `now_ms` is the clock, milliseconds since 1970."""

    def __init__(self, store: EventStore, resolver: Resolver, settler: Settler, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._resolver = resolver
        self._settler = settler
        self._now_ms = now_ms

    def record(self, given: Sequence[GivenEvent]) -> list[Ending]:
        """What became of each event, in order; one lookup for each catalogue and one write for each person in it.

        An event fails alone: InvalidInput naming the field, NotFound for its person, item or catalogue, Refused for one
        older than what is kept (EVENT_TOO_OLD) or without consent (CONSENT_MISSING), SpaceMismatch, Overloaded when
        more of this person comes in than can be settled, or what kept the catalogue from answering when the event
        cannot be taken on trust. Raises InvalidInput for no events or too many, NotReady when the store is away: the
        same call may then be made again, for an event that was written counts once.
        """
        if not 1 <= len(given) <= MAX_EVENTS:
            raise InvalidInput("events", f"{len(given)} events, 1 to {MAX_EVENTS} are allowed")
        now_ms = self._now_ms()
        endings: dict[int, Ending] = {}
        checked: dict[str, list[int]] = defaultdict(list)
        for number, event in enumerate(given):
            try:
                check(event, f"events[{number}]", now_ms)
                checked[event.catalogue].append(number)
            except InvalidInput as problem:
                endings[number] = problem
        ready: dict[int, Event] = {}
        for catalogue, numbers in checked.items():
            for number, event_or_error in self._completed(catalogue, {n: given[n] for n in numbers}, now_ms).items():
                if isinstance(event_or_error, Event):
                    ready[number] = event_or_error
                else:
                    endings[number] = event_or_error
        endings |= self._written(given, ready, now_ms)
        return [endings[number] for number in range(len(given))]

    def _completed(
        self, catalogue: str, given: Mapping[int, GivenEvent], now_ms: int
    ) -> dict[int, Event | VisrecError]:
        """Events with what the catalogue knows of their items; while it is away, on trust."""
        make: Callable[[GivenEvent, str], Event]
        try:
            item_ids = list(dict.fromkeys(event.item_id for event in given.values() if event.item_id))
            resolved = self._resolver.look_up(catalogue, item_ids)

            def make(event: GivenEvent, at: str) -> Event:
                return completed(event, resolved, at, now_ms)
        except AWAY as problem:
            reason = problem

            def make(event: GivenEvent, at: str) -> Event:
                return trusted(event, self._resolver.spaces, reason, at, now_ms)
        except VisrecError as problem:
            return dict.fromkeys(given, problem)
        result: dict[int, Event | VisrecError] = {}
        for number, event in given.items():
            try:
                result[number] = make(event, f"events[{number}]")
            except VisrecError as problem:
                result[number] = problem
        return result

    def _written(self, given: Sequence[GivenEvent], ready: Mapping[int, Event], now_ms: int) -> dict[int, Ending]:
        # In the order of their times: a long call of one person would else settle what is new before what is old.
        waiting: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number in sorted(ready, key=lambda number: ready[number].time_ms):
            waiting[given[number].user_id, given[number].catalogue].append(number)
        outcomes: dict[int, Outcome] = {}
        recorded: dict[tuple[str, str], Recorded] = {}
        for _ in range(MAX_WRITES):
            if not waiting:
                break
            batches = [Batch(*whose, [ready[number] for number in numbers]) for whose, numbers in waiting.items()]
            written = dict(zip(waiting, self._store.record(batches, now_ms), strict=True))
            for whose, record in written.items():
                outcomes |= dict(zip(waiting[whose], record.outcomes, strict=True))
            recorded |= written
            waiting = self._full(waiting, outcomes)
            self._settle(written)
        self._look_up_waiting(recorded)
        return {number: _ending(outcome, given[number].user_id) for number, outcome in outcomes.items()}

    def _full(
        self, written: Mapping[tuple[str, str], list[int]], outcomes: Mapping[int, Outcome]
    ) -> dict[tuple[str, str], list[int]]:
        """What there was no room for."""
        left = {
            whose: [number for number in numbers if outcomes[number] is Outcome.FULL]
            for whose, numbers in written.items()
        }
        return {whose: numbers for whose, numbers in left.items() if numbers}

    def _settle(self, written: Mapping[tuple[str, str], Recorded]) -> None:
        due = [due for whose, record in written.items() for due in self._settler.due(*whose, record.acts)]
        self._settler.settle(due)

    def _look_up_waiting(self, recorded: Mapping[tuple[str, str], Recorded]) -> None:
        """What the person did while the catalogue was away, now that it may be back."""
        for (user_id, catalogue), record in recorded.items():
            if record.pending and Outcome.PENDING not in record.outcomes:
                self._resolver.complete(user_id, catalogue, self._store.window(user_id, catalogue), "")


_REFUSALS: Mapping[Outcome, VisrecError] = {
    Outcome.ERASED: Refused("from before this person was erased", reason="PERSON_ERASED"),
    Outcome.TOO_OLD: Refused(
        "older than the latest events of this person, as many as VISREC_PROFILE_WINDOW says, or impressions, as many "
        "as VISREC_PROFILE_SHOWN: older ones have gone into what is remembered in the long term",
        reason="EVENT_TOO_OLD",
    ),
    Outcome.EXPIRED: Refused(
        "older than VISREC_PROFILE_EVENT_DAYS, after which events are dropped", reason="EVENT_TOO_OLD"
    ),
    Outcome.PHOTOS_REFUSED: Refused(
        "this person did not consent to learning from their photos", reason="CONSENT_MISSING"
    ),
    Outcome.UNKNOWN_ITEM: _AWAY,
    Outcome.FULL: Overloaded("more events of this person wait than are kept; ask again"),
}


def _ending(outcome: Outcome, user_id: str) -> Ending:
    if outcome is Outcome.UNKNOWN_USER:
        return NotFound("user", user_id, "PutUser makes one")
    return _REFUSALS.get(outcome, outcome)
