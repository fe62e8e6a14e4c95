"""What of somebody's events counts for their taste. Pure, on events in the order of their own time.

Bursts never get here: who does more in a minute than people do is turned away at the write (`store_rules`). What is
left to tidy up are acts that came twice and people who change their minds.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from services.profile.events.event import Event, EventType

AGAIN_MS = 10_000
"""The same act on the same item within this time after one that counts is a double click, a reload, a retry."""

MOST_ALIKE = 3
"""The same act on the same item says no more from then on; the latest count. Who looks at one thing a hundred times
(or whose browser does) does not like it a hundred times as much."""

OPINIONS = frozenset({EventType.LIKE, EventType.DISLIKE, EventType.SAVE, EventType.CART, EventType.PURCHASE})
"""Acts that say what somebody thinks of an item. Looking at it and choosing it from a list say that it drew the eye."""


def subject_of(event: Event) -> tuple[str, str]:
    """What an event is about: the item, or the photo itself."""
    return event.item_id, "" if event.item_id else event.event_id


def tidied(events: Sequence[Event]) -> list[Event]:
    """The events that count, grouped by what they are about, each group in the order that was given: that of time."""
    by_subject = sorted((event for event in events if event.weight), key=subject_of)  # stable
    groups = (list(group) for _, group in groupby(by_subject, key=subject_of))
    return [event for group in groups for event in without_repetition(last_word(group))]


def last_word(group: Sequence[Event]) -> list[Event]:
    """Without what contradicts the last opinion: of somebody who dislikes what they had liked only the dislike is left,
    once, and of somebody who likes what they had disliked only what speaks for it."""
    opinion = next((event for event in reversed(group) if event.type in OPINIONS), None)
    if opinion is None:
        return list(group)
    if opinion.type is EventType.DISLIKE:
        return [opinion]
    return [event for event in group if event.type is not EventType.DISLIKE]


def without_repetition(group: Sequence[Event]) -> list[Event]:
    """Without acts that came twice, and of each type only the latest few."""
    counted: dict[EventType, list[Event]] = {}
    for event in group:
        alike = counted.setdefault(event.type, [])
        if not alike or event.time_ms - alike[-1].time_ms > AGAIN_MS:
            alike.append(event)
    kept = {id(event) for alike in counted.values() for event in alike[-MOST_ALIKE:]}
    return [event for event in group if id(event) in kept]
