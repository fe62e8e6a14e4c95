"""What somebody does, summed up: recency-weighted shares of types of events, categories, tags and items. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.profile.events.event import Event
from services.profile.taste.tidying import tidied
from services.spaces import Float16, Float32, Space

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Behaviour:
    """Shares, each adding up to 1 or empty, most weight first in `items`. `taste`: (D,) of unit norm in each block, or
    zero."""

    taste: Float32
    types: Mapping[str, float] = field(default_factory=dict)
    categories: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, float] = field(default_factory=dict)
    items: Mapping[str, float] = field(default_factory=dict)


def behaviour(
    acts: Sequence[Event],
    before: Iterable[tuple[float, Float16]],
    space: Space,
    half_life_days: float,
    until_ms: int = 0,
) -> Behaviour:
    """What somebody does that counts (see `tidying`), seen from their latest act: older ones count half after each
    half-life.

    `before`: (mass, vector) of what is remembered of acts that are no longer there one by one, as of `until_ms`. Shares
    of categories, tags and items are of what speaks for them; dislikes are among the types and turn the taste away.
    """
    told = tidied(sorted(acts, key=lambda act: act.time_ms))  # stable
    newest = max([until_ms, *(act.time_ms for act in told)])
    half_life_ms = half_life_days * DAY_MS
    sums: dict[str, dict[str, float]] = {"types": {}, "categories": {}, "tags": {}, "items": {}}
    taste = np.zeros(space.dimension, dtype=np.float64)
    for act in told:
        fresh = 2.0 ** ((act.time_ms - newest) / half_life_ms)
        _add(sums["types"], act.type.name.lower(), fresh)
        if act.weight > 0:
            _add(sums["categories"], act.category, fresh * act.weight)
            _add(sums["items"], act.item_id, fresh * act.weight)
            for tag in act.tags:
                _add(sums["tags"], tag, fresh * act.weight)
        vector = act.vector_in(space.name)
        if vector is not None:
            taste += fresh * act.weight * vector.astype(np.float64)
    left = 2.0 ** ((until_ms - newest) / half_life_ms)
    for mass, vector in before:
        taste += left * mass * vector.astype(np.float64)
    shares = {name: _shares(weights) for name, weights in sums.items()}
    return Behaviour(space.normalise(taste.astype(np.float32)), **shares)


def _add(sums: dict[str, float], word: str, weight: float) -> None:
    if word:
        sums[word] = sums.get(word, 0.0) + weight


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    ranked = sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))
    return {word: weight / total for word, weight in ranked if weight > 0}
