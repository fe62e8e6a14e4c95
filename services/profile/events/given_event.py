"""An event as callers send it, and what is allowed in it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.errors import InvalidInput
from services.profile.events.event import MAX_RAW_BYTES, NOT_TOLD, TYPES, EventType, Showing
from services.profile.identifiers import MAX_LETTERS, catalogue_name, identifier, text

MAX_AHEAD_MS = 5 * 60_000
MAX_SIGNALS = 32
MAX_SIGNAL_LETTERS = 64
MAX_RANK = 1000
MAX_SHOWING_LETTERS = 48


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
    showing: Showing = NOT_TOLD


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
    _check_showing(event, f"{at}.showing")
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


def _check_showing(event: GivenEvent, at: str) -> None:
    showing = event.showing
    if showing != NOT_TOLD and event.type != EventType.IMPRESSION:
        raise InvalidInput(at, "only an impression was shown")
    if showing.rank > MAX_RANK:
        raise InvalidInput(f"{at}.rank", f"at most {MAX_RANK}")
    for name in ("scene", "experiment", "variant"):
        text(getattr(showing, name), f"{at}.{name}", MAX_SHOWING_LETTERS)


def _check_raw(event: GivenEvent, at: str) -> None:
    if event.raw_features and event.type != EventType.UPLOAD:
        raise InvalidInput(at, "only an upload has raw features")
    if len(event.raw_features) > MAX_RAW_BYTES or len(event.raw_features) % 2:
        raise InvalidInput(at, f"must be float16, at most {MAX_RAW_BYTES} bytes")
