"""What tastes are made of: groups of alike items with what was done to them, from one item to an old interest. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from services.profile.events.event import Event
from services.profile.taste.clusters import ward
from services.profile.taste.liking import Source, TasteRules
from services.profile.taste.tidying import subject_of, tidied
from services.spaces import Space

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Weighed:
    """A source and its part of the mass of its group, which ranks it."""

    source: Source
    weight: float


@dataclass(frozen=True)
class Group:
    """`mass`: what was done to its items, in clicks; negative for what is disliked. `count`: how many items. `total`:
    (D,) sum of weight * vector, so total / mass is their mean, the shorter the less alike they are. `sources`: those
    that count most first. `session`: what was done in this session, once more: it says how much the group matters now,
    and nothing of what it looks like."""

    mass: float
    count: float
    total: Float64
    sources: tuple[Weighed, ...]
    session: float = 0.0

    @property
    def mean(self) -> Float64:
        """(D,), weighted."""
        return np.asarray(self.total / self.mass)


def items(events: Sequence[Event], space: Space, newest_ms: int, rules: TasteRules) -> list[Group]:
    """One for each item and photo that has a vector in the space, in the order of their ids, so that nothing after this
    depends on the order of arrival. `events`: in the order of their time, seen from `newest_ms`."""
    told = tidied([event for event in events if event.vector_in(space.name) is not None])
    return [_item(list(group), space, newest_ms, rules) for _, group in groupby(told, key=subject_of)]


def _item(events: Sequence[Event], space: Space, newest_ms: int, rules: TasteRules) -> Group:
    mass = sum(event.weight * rules.long_term(newest_ms - event.time_ms) for event in events)
    session = sum(event.weight * rules.session(newest_ms - event.time_ms) for event in events)
    latest = events[-1].vector_in(space.name)
    assert latest is not None
    strongest = max(events, key=lambda event: (event.weight, event.time_ms))
    source = Source(events[0].item_id, strongest.type)
    return Group(mass, 1.0, mass * latest.astype(np.float64), (Weighed(source, abs(mass)),), session)


def clustered(groups: Sequence[Group], space: Space, merge_below: float, most_sources: int) -> list[Group]:
    """Those that are alike as one, by Ward's criterion, in the order of their first members."""
    if not groups:
        return []
    # An inner product of these is the score of two items by the space's default weights.
    means = np.stack([group.mean for group in groups]).astype(np.float32)
    points = space.weigh(means, np.sqrt(space.default_weights)).astype(np.float64)
    counts = np.array([group.count for group in groups])
    return [joined([groups[row] for row in rows], most_sources) for rows in ward(points, merge_below, counts)]


def joined(groups: Sequence[Group], most_sources: int) -> Group:
    """All of them as one, in the order that they are given in."""
    if len(groups) == 1:
        return groups[0]
    sources = [each for group in groups for each in group.sources]
    return Group(
        mass=sum(group.mass for group in groups),
        count=sum(group.count for group in groups),
        total=np.sum([group.total for group in groups], axis=0),
        sources=tuple(strongest(sources, most_sources)),
        session=sum(group.session for group in groups),
    )


def strongest(sources: Sequence[Weighed], most: int) -> list[Weighed]:
    """Each item once, with all that it weighs: what was settled may have been liked again."""
    weights: dict[str, Weighed] = {}
    photos = []
    for each in sources:
        known = weights.get(each.source.item_id)
        if not each.source.item_id:
            photos.append(each)
        elif known is None:
            weights[each.source.item_id] = each
        else:
            stronger = max(known, each, key=lambda one: one.weight)
            weights[each.source.item_id] = Weighed(stronger.source, known.weight + each.weight)
    ranked = sorted([*weights.values(), *photos], key=lambda each: (-each.weight, each.source.item_id))
    return ranked[:most]
