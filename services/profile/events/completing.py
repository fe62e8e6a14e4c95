"""From what callers sent to an event: with what the catalogue knows of its item, or on trust while it is away."""

from __future__ import annotations

from typing import Any

from services.errors import NotFound, VisrecError
from services.profile.catalogue.items import Resolved
from services.profile.catalogue.known_spaces import KnownSpaces
from services.profile.events.event import Event, EventType
from services.profile.events.given_event import GivenEvent
from services.spaces import Space, canonical


def completed(given: GivenEvent, resolved: Resolved, at: str, now_ms: int) -> Event:
    """The event with what the catalogue knows of its item, or with its own photo's vector.

    Raises NotFound for an unknown item, SpaceMismatch for a photo of another space, InvalidInput, naming the field
    below `at`, for a vector that is none.
    """
    if given.photo is not None:
        return _upload(given, resolved.space, at, now_ms)
    assert given.item_id is not None
    item = resolved.items.get(given.item_id)
    if item is None:
        raise NotFound("item", given.item_id, "IngestItems puts one", within=f"catalogue {given.catalogue!r}")
    is_learned = given.type != EventType.IMPRESSION and item.vector is not None
    return _event(
        given,
        now_ms,
        domain=item.domain,
        category=item.category,
        tags=item.tags,
        vectors={resolved.space.name: item.vector} if is_learned else {},
    )


def trusted(given: GivenEvent, spaces: KnownSpaces, problem: VisrecError, at: str, now_ms: int) -> Event:
    """The event while the catalogue cannot be asked. A photo has its vector, in a space that is known from before, else
    `problem` is raised; an impression moves nothing, so that its item need not be looked up ever."""
    if given.photo is None:
        return _event(given, now_ms, pending=given.type != EventType.IMPRESSION)
    space = spaces.get(given.photo.space)
    if space is None:
        raise problem
    return _upload(given, space, at, now_ms)


def _upload(given: GivenEvent, space: Space, at: str, now_ms: int) -> Event:
    assert given.photo is not None
    space.require(given.photo.space)
    vector = canonical(space.decode(given.photo.data, f"{at}.photo_vector.data"))
    return _event(given, now_ms, vectors={space.name: vector}, raw_features=given.raw_features)


def _event(given: GivenEvent, now_ms: int, **known: Any) -> Event:
    # A clock that is a little ahead says "now": a time in the future would stay the newest for a while.
    return Event(
        event_id=given.event_id,
        type=EventType(given.type),
        time_ms=now_ms if given.time_ms is None else min(given.time_ms, now_ms),
        item_id=given.item_id or "",
        recommendation_id=given.recommendation_id,
        shown_signals=given.shown_signals,
        showing=given.showing,
        **known,
    )
