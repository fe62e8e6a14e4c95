"""From what somebody did to what they like. Pure.

The form follows PinnerSage (Pal et al., "PinnerSage: Multi-Modal User Embedding Framework for Recommendations at
Pinterest", KDD 2020): Ward clusters of the items somebody engaged with, as many as the data has, ranked by time-decayed
importance. Departures: an interest is the weighted centre of its items, normalised block by block, for it is searched
with and never shown; the centre of an interest that little speaks for is held to the mean of all of them, as Stein's
estimator does with means of small groups (James and Stein, 1961; Efron and Morris, 1975); and dislikes push away, after
Rocchio's relevance feedback (1971).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.profile.events.event import Event
from services.profile.events.memory import Memory, recalled
from services.profile.taste.block_weights import block_weights
from services.profile.taste.groups import Float64, Group, clustered, items, joined
from services.profile.taste.liking import Interest, Source, Taste, TasteRules
from services.profile.taste.prior import Origin, Prior
from services.profile.taste.tags import tags
from services.spaces import MIN_NORM, Space, canonical


@dataclass(frozen=True)
class _Candidate:
    """An interest in the making. `vector`: (D,) normalised float64."""

    mass: float
    vector: Float64
    sources: tuple[Source, ...]
    origin: Origin = Origin.EVENTS


def fold(
    memory: Memory, events: Iterable[Event], space: Space, rules: TasteRules, prior: Sequence[Prior] = ()
) -> Taste:
    """The taste that follows from what is remembered and from `events`, in whatever order they are given, but for those
    of the same millisecond: of these the last one is the last word.

    Only events with a vector in the space and a weight count. `prior`: interests that are supposed, of little mass.
    Equal input gives equal bits.
    """
    told = sorted(events, key=lambda event: event.time_ms)  # stable
    newest = max(memory.until_ms, told[-1].time_ms if told else 0)

    single = items(told, space, newest, rules)
    groups = [*recalled(memory, space.name, newest, rules), *single]
    liked = clustered([each for each in groups if each.mass > 0], space, rules.merge_below, rules.max_sources)
    disliked = [each for each in groups if each.mass < 0]
    pushed = [after for each in liked if (after := _pushed_away(each, disliked, space)) is not None]
    candidates = _with_prior(pushed, prior, space, rules)
    counted = sum(1 for event in told if event.weight and event.vector_in(space.name) is not None)
    return Taste(
        space=space.name,
        interests=_interests(candidates, rules),
        events=memory.events + counted,
        block_weights=block_weights(single, space, rules),
        tags=tags(told, prior, newest, rules),
    )


def _pushed_away(group: Group, disliked: Sequence[Group], space: Space) -> Group | None:
    """Loses as much to each of the disliked as it is like it, and turns away from it. None: it has lost all its mass.
    So what is left always points more towards what was liked than away from what was not."""
    mass, total = group.mass, group.mass * _unit(group.mean, space)
    for each in disliked:
        away = _unit(each.mean, space)
        near = _score(away, _unit(total, space), space)
        if near > 0:
            mass += each.mass * near
            total = total + each.mass * near * away
            if mass <= 0:
                return None
    if mass == group.mass:
        return group
    kept = mass / group.mass
    # As far from the origin as before: how alike its items are has not changed.
    length = float(np.linalg.norm(total))
    total = total * (mass * float(np.linalg.norm(group.mean)) / max(length, MIN_NORM))
    return replace(group, mass=mass, total=total, session=kept * group.session)


def _with_prior(groups: Sequence[Group], prior: Sequence[Prior], space: Space, rules: TasteRules) -> list[_Candidate]:
    """What is supposed joins the interest that it is like, or else stands for itself."""
    groups = list(groups)
    alone: list[_Candidate] = []
    for each in prior:
        vector = each.vector.astype(np.float64)
        supposed = Group(each.mass, 1.0, each.mass * vector, ())
        for number, group in enumerate(groups):
            if len(clustered([group, supposed], space, rules.merge_below, rules.max_sources)) == 1:
                groups[number] = joined([group, supposed], rules.max_sources)
                break
        else:
            sources = (Source("", word=each.word),) if each.word else ()
            alone.append(_Candidate(each.mass, _unit(vector, space), sources, each.origin))
    return [*_shrunk(groups, space, rules), *alone]


def _shrunk(groups: Sequence[Group], space: Space, rules: TasteRules) -> list[_Candidate]:
    """Each centre held to the mean of all by `rules.shrink` clicks: little where much speaks for it."""
    if not groups:
        return []
    mean = np.sum([group.total for group in groups], axis=0) / sum(group.mass for group in groups)
    held = rules.shrink * mean if len(groups) > 1 else np.zeros_like(mean)
    return [
        _Candidate(
            group.mass + group.session,
            _unit(group.mass * _unit(group.mean, space) + held, space),
            tuple(each.source for each in group.sources),
        )
        for group in groups
    ]


def _interests(candidates: Sequence[_Candidate], rules: TasteRules) -> tuple[Interest, ...]:
    alive = [each for each in candidates if each.vector.any()]
    ranked = sorted(alive, key=lambda each: -each.mass)[: rules.max_interests]  # stable: equal ones by their first item
    kept = [each for each in ranked if each.mass >= rules.smallest_share * ranked[0].mass]
    mass = sum(each.mass for each in kept)
    return tuple(
        Interest(canonical(each.vector.astype(np.float32)), each.mass / mass, each.sources, each.origin)
        for each in kept
    )


def _unit(vector: Float64, space: Space) -> Float64:
    return space.normalise(vector.astype(np.float32)).astype(np.float64)


def _score(a: Float64, b: Float64, space: Space) -> float:
    return float(space.weigh(a.astype(np.float32), space.default_weights).astype(np.float64) @ b)
