"""What a person likes: several interests, each a centre with its share, folded from what they did. Pure.

The form follows PinnerSage (Pal et al., "PinnerSage: Multi-Modal User Embedding Framework for Recommendations at
Pinterest", KDD 2020): Ward clusters of the items somebody engaged with, as many as the data has, ranked by time-decayed
importance. Two departures: an interest is the weighted centre of its items, normalised block by block, for it is
searched with and never shown; and dislikes push it away, after Rocchio's relevance feedback (1971).

Each event weighs WEIGHTS[type] * 2^(-age / half-life). With one half-life for all, a later `now` scales every weight
alike and cancels in the shares and centres: a taste changes when its events do and not by waiting, so it can be kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from services.profile.clusters import ward
from services.profile.events import Event, EventType
from services.spaces import Float16, Float32, Space, canonical

DAY_MS = 86_400_000

REVISION = 1
"""Of the arithmetic in this file. Raise it when results change, so that kept tastes are folded anew."""

SMALLEST_SHARE = 1e-4
"""Interests below this share of the strongest are noise that would cost a search each."""


@dataclass(frozen=True)
class TasteRules:
    """`half_life_days`: after which an event says half as much. `merge_below`: Ward distance (see `clusters.ward`) from
    which two groups of items are two interests. Two items whose score is s are 2 (1 - s) apart, so at 1.9 two that have
    nothing in common are just not merged; the README has what was measured."""

    half_life_days: float = 30.0
    merge_below: float = 1.9
    max_interests: int = 5
    max_sources: int = 5

    @property
    def recipe(self) -> str:
        """Eight letters that differ when tastes would."""
        return hashlib.sha256(f"{REVISION} {self!r}".encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Source:
    """Why somebody is thought to have an interest. `item_id` is empty for a photo of their own."""

    item_id: str
    type: EventType


@dataclass(frozen=True)
class Interest:
    """`vector`: (D,) canonical float16, each block of unit norm or zero. `weight`: its share, > 0."""

    vector: Float16
    weight: float
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Taste:
    """`interests`: strongest first, their weights sum to 1. `events`: how many it was made from."""

    space: str = ""
    interests: tuple[Interest, ...] = ()
    events: int = 0


@dataclass(frozen=True)
class _Subject:
    """An item or a photo with all that was done to it: the sum of the weights, the vector and the strongest event."""

    key: tuple[str, str]
    weight: float
    vector: Float32
    source: Source


@dataclass
class _Centre:
    """A cluster in the making: `total` = mass * its normalised centre."""

    mass: float
    total: Float32
    subjects: Sequence[_Subject] = field(repr=False)


def fold(events: Iterable[Event], space: Space, rules: TasteRules) -> Taste:
    """The taste that follows from `events`, in whatever order they are given.

    Only events with a vector of `space` and a weight count; several on one item add up, so a dislike after a like
    takes the like back. Equal events give equal bits.
    """
    told = sorted(
        (event for event in events if event.vector is not None and event.space == space.name and event.weight),
        key=lambda event: (event.time_ms, event.event_id),
    )
    subjects = _subjects(told, rules)
    liked = [subject for subject in subjects if subject.weight > 0]
    disliked = [subject for subject in subjects if subject.weight < 0]
    centres = _centres(liked, space, rules)
    for subject in disliked:
        _push_away(centres, subject, space)
    return Taste(space.name, _interests(centres, space, rules), len(told))


def _subjects(told: Sequence[Event], rules: TasteRules) -> list[_Subject]:
    """One for each item and photo, by id, so that nothing after this depends on the order of arrival."""

    def key(event: Event) -> tuple[str, str]:
        return event.item_id, "" if event.item_id else event.event_id

    newest = told[-1].time_ms if told else 0
    grouped = groupby(sorted(told, key=key), key=key)
    return [_subject(which, list(group), newest, rules) for which, group in grouped]


def _subject(key: tuple[str, str], group: Sequence[Event], newest_ms: int, rules: TasteRules) -> _Subject:
    half_life_ms = rules.half_life_days * DAY_MS
    weight = sum(event.weight * 2.0 ** ((event.time_ms - newest_ms) / half_life_ms) for event in group)
    strongest = max(group, key=lambda event: (event.weight, event.time_ms))
    latest = group[-1].vector
    assert latest is not None
    return _Subject(key, weight, latest.astype(np.float32), Source(key[0], strongest.type))


def _centres(liked: Sequence[_Subject], space: Space, rules: TasteRules) -> list[_Centre]:
    if not liked:
        return []
    vectors = np.stack([subject.vector for subject in liked])
    # An inner product of these is the score of two items by the space's default weights.
    points = space.weigh(vectors, np.sqrt(space.weights({}))).astype(np.float64)
    return [_centre([liked[row] for row in rows], space) for rows in ward(points, rules.merge_below)]


def _centre(subjects: Sequence[_Subject], space: Space) -> _Centre:
    weights = np.array([subject.weight for subject in subjects], dtype=np.float32)
    mean = space.normalise(weights @ np.stack([subject.vector for subject in subjects]))
    mass = float(weights.sum())
    return _Centre(mass, mass * mean, subjects)


def _push_away(centres: Sequence[_Centre], disliked: _Subject, space: Space) -> None:
    """Takes from each centre as much of the disliked as it is like it. An interest that has lost its mass is over, so
    what is left always points more towards what was liked than away from what was not."""
    scale = space.weights({})
    for centre in centres:
        if centre.mass <= 0:
            continue
        near = float(space.weigh(disliked.vector, scale) @ space.normalise(centre.total))
        if near > 0:
            centre.mass += disliked.weight * near
            centre.total = centre.total + np.float32(disliked.weight * near) * disliked.vector


def _interests(centres: Sequence[_Centre], space: Space, rules: TasteRules) -> tuple[Interest, ...]:
    alive = [centre for centre in centres if centre.mass > 0 and space.normalise(centre.total).any()]
    ranked = sorted(alive, key=lambda centre: (-centre.mass, centre.subjects[0].key))[: rules.max_interests]
    kept = [centre for centre in ranked if centre.mass >= SMALLEST_SHARE * ranked[0].mass]
    mass = sum(centre.mass for centre in kept)
    return tuple(
        Interest(canonical(space.normalise(centre.total)), centre.mass / mass, _sources(centre, rules))
        for centre in kept
    )


def _sources(centre: _Centre, rules: TasteRules) -> tuple[Source, ...]:
    ranked = sorted(centre.subjects, key=lambda subject: (-subject.weight, subject.key))
    return tuple(subject.source for subject in ranked[: rules.max_sources])
