"""Recording events: what callers sent is checked, items are looked up, each person's events are written in one step."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from services.errors import InvalidInput, NotFound, Refused, VisrecError
from services.profile.event_store import Batch, Outcome
from services.profile.events import MAX_RAW_BYTES, TYPES, Event, EventType
from services.profile.identifiers import MAX_LETTERS, catalogue_name, identifier, text
from services.profile.items import Items, Resolved
from services.profile.store import ProfileStore
from services.spaces import canonical

MAX_EVENTS = 1000
MAX_AHEAD_MS = 5 * 60_000
MAX_SIGNALS = 32
MAX_SIGNAL_LETTERS = 64


@dataclass(frozen=True)
class PhotoVector:
    """A vector as it came: `data` is little-endian float32 of the space named."""

    space: str
    data: bytes


@dataclass(frozen=True)
class GivenEvent:
    """An event as the caller sent it. `type` is the contract's number; `time_ms` None means now."""

    event_id: str
    user_id: str
    type: int
    catalogue: str
    time_ms: int | None = None
    item_id: str | None = None
    photo: PhotoVector | None = None
    recommendation_id: str = ""
    shown_signals: Mapping[str, float] = field(default_factory=dict)
    raw_features: bytes = b""


Ending: TypeAlias = Outcome | VisrecError
"""LEARNED, COUNTED or DUPLICATE, or why the event was not recorded."""


class Recorder:
    """Records events. `now_ms` is the clock, milliseconds since 1970."""

    def __init__(self, store: ProfileStore, items: Items, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._items = items
        self._now_ms = now_ms

    def record(self, given: Sequence[GivenEvent]) -> list[Ending]:
        """What became of each event, in order; one lookup for each catalogue and one write for each person in it.

        An event fails alone: InvalidInput naming the field, NotFound for its person, item or catalogue, Refused for one
        older than what is kept (EVENT_TOO_OLD) or without consent (CONSENT_MISSING), SpaceMismatch, or what kept the
        catalogue from answering. Raises InvalidInput for no events or too many, NotReady when the store is away: the
        same call may then be made again, for an event that was written counts once.
        """
        if not 1 <= len(given) <= MAX_EVENTS:
            raise InvalidInput("events", f"{len(given)} events, 1 to {MAX_EVENTS} are allowed")
        now_ms = self._now_ms()
        endings: dict[int, Ending] = {}
        cleaned: dict[str, list[int]] = defaultdict(list)
        for number, event in enumerate(given):
            try:
                check(event, f"events[{number}]", now_ms)
                cleaned[event.catalogue].append(number)
            except InvalidInput as problem:
                endings[number] = problem
        ready: dict[int, Event] = {}
        for catalogue, numbers in cleaned.items():
            for number, event_or_error in self._resolved(catalogue, {n: given[n] for n in numbers}, now_ms).items():
                if isinstance(event_or_error, Event):
                    ready[number] = event_or_error
                else:
                    endings[number] = event_or_error
        endings |= self._written(given, ready, now_ms)
        return [endings[number] for number in range(len(given))]

    def _resolved(self, catalogue: str, given: Mapping[int, GivenEvent], now_ms: int) -> dict[int, Event | VisrecError]:
        """Events with what the catalogue knows of their items."""
        try:
            item_ids = list(dict.fromkeys(event.item_id for event in given.values() if event.item_id))
            resolved = self._items.resolve(catalogue, item_ids)
        except VisrecError as problem:
            return dict.fromkeys(given, problem)
        self._store.keep_space(resolved.space)
        result: dict[int, Event | VisrecError] = {}
        for number, event in given.items():
            try:
                result[number] = _complete(event, resolved, f"events[{number}]", now_ms)
            except VisrecError as problem:
                result[number] = problem
        return result

    def _written(self, given: Sequence[GivenEvent], ready: Mapping[int, Event], now_ms: int) -> dict[int, Ending]:
        grouped: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number in sorted(ready):
            grouped[given[number].user_id, given[number].catalogue].append(number)
        batches = [Batch(*whose, [ready[number] for number in numbers]) for whose, numbers in grouped.items()]
        outcomes = self._store.record(batches, now_ms) if batches else []
        return {
            number: _ending(outcome, given[number].user_id)
            for numbers, ends in zip(grouped.values(), outcomes, strict=True)
            for number, outcome in zip(numbers, ends, strict=True)
        }


def check(event: GivenEvent, at: str, now_ms: int) -> None:
    """Raises InvalidInput, naming the field below `at`, for what no catalogue could make right."""
    identifier(event.event_id, f"{at}.event_id")
    identifier(event.user_id, f"{at}.user_id")
    catalogue_name(event.catalogue, f"{at}.catalogue")
    text(event.recommendation_id, f"{at}.recommendation_id", MAX_LETTERS)
    if event.type not in TYPES:
        raise InvalidInput(f"{at}.type", "must be one of the event types")
    _check_time(event.time_ms, f"{at}.time", now_ms)
    _check_subject(event, at)
    _check_signals(event, f"{at}.shown_signals")
    _check_raw(event, f"{at}.raw_features")


def _check_time(time_ms: int | None, at: str, now_ms: int) -> None:
    if time_ms is None:
        return
    if time_ms > now_ms + MAX_AHEAD_MS:
        raise InvalidInput(at, "is more than five minutes ahead of the service's clock", reason="EVENT_IN_FUTURE")
    if time_ms < 0:
        raise InvalidInput(at, "is before 1970")


def _check_subject(event: GivenEvent, at: str) -> None:
    if event.type == EventType.UPLOAD:
        if event.photo is None:
            raise InvalidInput(f"{at}.photo_vector", "an upload needs the vector of the photo")
        if not event.photo.space:
            raise InvalidInput(f"{at}.photo_vector.space", "is required")
    elif event.photo is not None:
        raise InvalidInput(f"{at}.photo_vector", "only an upload has one")
    else:
        identifier(event.item_id or "", f"{at}.item_id")


def _check_signals(event: GivenEvent, at: str) -> None:
    if event.shown_signals and event.type != EventType.IMPRESSION:
        raise InvalidInput(at, "only an impression has shown signals")
    if len(event.shown_signals) > MAX_SIGNALS:
        raise InvalidInput(at, f"{len(event.shown_signals)} given, at most {MAX_SIGNALS}")
    for name, value in event.shown_signals.items():
        identifier(text(name, at, MAX_SIGNAL_LETTERS), at)
        if not math.isfinite(value):
            raise InvalidInput(f"{at}[{name!r}]", "must be finite", reason="NOT_FINITE")


def _check_raw(event: GivenEvent, at: str) -> None:
    if event.raw_features and event.type != EventType.UPLOAD:
        raise InvalidInput(at, "only an upload has raw features")
    if len(event.raw_features) > MAX_RAW_BYTES or len(event.raw_features) % 2:
        raise InvalidInput(at, f"must be float16, at most {MAX_RAW_BYTES} bytes")


def _complete(given: GivenEvent, resolved: Resolved, at: str, now_ms: int) -> Event:
    """The event with what the catalogue knows of its item, or with its own photo's vector."""
    if given.photo is not None:
        resolved.space.require(given.photo.space)
        vector = canonical(resolved.space.decode(given.photo.data, f"{at}.photo_vector.data"))
        return _event(given, now_ms, vectors={resolved.space.name: vector}, raw_features=given.raw_features)
    assert given.item_id is not None
    item = resolved.items.get(given.item_id)
    if item is None:
        raise NotFound("item", given.item_id, within=f"catalogue {given.catalogue!r}")
    is_learned = given.type != EventType.IMPRESSION and item.vector is not None
    return _event(
        given,
        now_ms,
        domain=item.domain,
        category=item.category,
        tags=item.tags,
        vectors={resolved.space.name: item.vector} if is_learned else {},
    )


def _event(given: GivenEvent, now_ms: int, **known: Any) -> Event:
    # A clock that is a little ahead says "now": a time in the future would stay the newest for a while.
    return Event(
        event_id=given.event_id,
        type=EventType(given.type),
        time_ms=now_ms if given.time_ms is None else min(given.time_ms, now_ms),
        item_id=given.item_id or "",
        recommendation_id=given.recommendation_id,
        shown_signals=given.shown_signals,
        **known,
    )


def _ending(outcome: Outcome, user_id: str) -> Ending:
    match outcome:
        case Outcome.UNKNOWN_USER:
            return NotFound("user", user_id)
        case Outcome.TOO_OLD:
            return Refused("older than every event that is kept for this person", reason="EVENT_TOO_OLD")
        case Outcome.PHOTOS_REFUSED:
            return Refused("this person did not consent to learning from their photos", reason="CONSENT_MISSING")
        case _:
            return outcome
