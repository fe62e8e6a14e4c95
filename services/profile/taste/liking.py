"""What a person likes: several interests, each a centre with its share. The values and the rules; see `interests`.

An event weighs WEIGHTS[type] * 2^(-age / half-life). Of what interest it speaks, it raises the share by as much again
with a half-life of a session: what people like for long and what they are after today are told apart, as by Xiang et
al. ("Temporal recommendation on graphs via long- and short-term preference fusion", KDD 2010), but only in how much an
interest matters and not in what it looks like. `age` is counted from the person's newest event, never from now: a taste
changes when its events do and not by waiting, and may be kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from services.profile.events.event import EventType
from services.profile.taste.prior import Origin
from services.spaces import Float16

DAY_MS = 86_400_000
HOUR_MS = 3_600_000

REVISION = 3
"""Of the arithmetic of taste. Raise it when results change, so that kept tastes are folded anew."""


@dataclass(frozen=True)
class TasteRules:
    """The README has what was measured for the numbers of the first three.

    `half_life_days`: after which an event says half as much in the long run. `merge_below`: Ward distance (see
    `clusters.ward`) from which two groups of items are two interests; two items whose score is s are 2 (1 - s) apart.
    `max_interests`: the strongest are answered with. `max_sources`: of each. `session_half_life_hours` and
    `session_boost`: how much more the newest event says than it will tomorrow, and for how long. `shrink`: clicks by
    which the centre of each interest is held to the mean of all. `smallest_share`: of the strongest; a weaker interest
    is noise that would cost a search. `prior_blocks`: items of a person by which their block weights are held to the
    defaults; see `block_weights`.
    """

    half_life_days: float = 30.0
    merge_below: float = 1.5
    max_interests: int = 5
    max_sources: int = 5
    session_half_life_hours: float = 2.0
    session_boost: float = 2.0
    shrink: float = 1.5
    smallest_share: float = 0.1
    prior_blocks: float = 8.0

    @cached_property
    def recipe(self) -> str:
        """Eight letters that differ when tastes would."""
        return hashlib.sha256(f"{REVISION} {self!r}".encode()).hexdigest()[:8]

    def long_term(self, age_ms: float) -> float:
        """What is left of a weight. It composes: of what is left after a, what is left after b is left after a + b."""
        return float(2.0 ** (-age_ms / (self.half_life_days * DAY_MS)))

    def session(self, age_ms: float) -> float:
        """What an act says beyond that while the session lasts."""
        return float(self.session_boost * 2.0 ** (-age_ms / (self.session_half_life_hours * HOUR_MS)))


@dataclass(frozen=True)
class Source:
    """Why somebody is thought to have an interest. `item_id` is empty for a photo of their own; `word`: of an interest
    that they stated, which is then all there is."""

    item_id: str
    type: EventType | None = None
    word: str = ""


@dataclass(frozen=True)
class Interest:
    """`vector`: (D,) canonical float16, each block of unit norm or zero. `weight`: its share, > 0. `sources`: what
    counts most first. `origin`: what it follows from."""

    vector: Float16
    weight: float
    sources: tuple[Source, ...] = ()
    origin: Origin = Origin.EVENTS


@dataclass(frozen=True)
class TagWeight:
    """A tag, a category or a stated interest, and its share of all, > 0."""

    word: str
    weight: float


@dataclass(frozen=True)
class Taste:
    """`interests`: strongest first, their weights sum to 1. `events`: how many it was made from, those in the long-term
    memory among them. `block_weights`: how much each block matters to them, adding up to 1; empty: as to everybody.
    `tags`: strongest first."""

    space: str = ""
    interests: tuple[Interest, ...] = ()
    events: int = 0
    block_weights: Mapping[str, float] = field(default_factory=dict)
    tags: tuple[TagWeight, ...] = ()
