"""Reasons: what speaks for an item, out of the parts of its score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from services.ranker.others.ports import SEGMENT as OF_SEGMENT
from services.ranker.others.ports import STATED, Source
from services.ranker.ranking import Part
from services.ranker.scenes.scene import COLLABORATIVE, FRESHNESS, PHOTO, POPULARITY, SEEDS, SEGMENT, SESSION, TASTE

MIN_SHARE = 0.1
"""A reason stands for at least this share of all that speaks for an item; less would be noise told as insight."""

MAX_REASONS = 3


class ReasonKind(Enum):
    """Kinds of reasons; the names are those of the contract."""

    SIMILAR_CONTENT = auto()
    SIMILAR_COLOUR = auto()
    SIMILAR_STYLE = auto()
    CLOSE_TO_LIKED = auto()
    CLOSE_TO_SEED = auto()
    FAR_FROM_SEED = auto()
    CLOSE_TO_SESSION = auto()
    POPULAR = auto()
    STATED_INTEREST = auto()
    LIKED_BY_ALIKE = auto()
    LIKED_TOGETHER = auto()
    FRESH = auto()
    RULE = auto()


# By reciprocal rank a photo has no blocks: then it is the photo as a whole.
_PHOTO_KINDS = {
    "": ReasonKind.SIMILAR_CONTENT,
    "content": ReasonKind.SIMILAR_CONTENT,
    "kind": ReasonKind.SIMILAR_CONTENT,
    "colour": ReasonKind.SIMILAR_COLOUR,
    "style": ReasonKind.SIMILAR_STYLE,
}

_TASTE_KINDS = {STATED: ReasonKind.STATED_INTEREST, OF_SEGMENT: ReasonKind.LIKED_BY_ALIKE}

_PLAIN_KINDS = {
    COLLABORATIVE: ReasonKind.LIKED_TOGETHER,
    SEGMENT: ReasonKind.LIKED_BY_ALIKE,
    POPULARITY: ReasonKind.POPULAR,
    FRESHNESS: ReasonKind.FRESH,
}
"""Signals that need nothing but their name."""

_NEAR_KINDS = {SEEDS: ReasonKind.CLOSE_TO_SEED, SESSION: ReasonKind.CLOSE_TO_SESSION}


@dataclass(frozen=True)
class Reason:
    """Why an item is here. `source` is what it refers to, if anything, and `rule` the name of the rule; `contribution`
    > 0 is its part of the score."""

    kind: ReasonKind
    contribution: float
    source: Source | None = None
    rule: str = ""


def reasons(parts: Sequence[Part], sources: Mapping[str, Source]) -> list[Reason]:
    """What speaks for an item, strongest first, at most `MAX_REASONS`. `sources`: query name to what is behind it, for
    interests, seeds and session events."""
    sums: dict[tuple[str, str], float] = defaultdict(float)
    repelling = {part.query for part in parts if part.signal in _NEAR_KINDS and part.weight < 0}
    for part in parts:
        # A photo is told block by block, an interest or a seed as a whole.
        sums[part.signal, part.block if part.signal == PHOTO else part.query] += part.contribution
    speaking = sorted(((value, key) for key, value in sums.items() if value > 0), key=lambda pair: (-pair[0], pair[1]))
    total = sum(value for value, _ in speaking)
    told = [
        _reason(signal, name, value, sources.get(name), repels=name in repelling)
        for value, (signal, name) in speaking
        if value >= MIN_SHARE * total
    ]
    return [reason for reason in told if reason is not None][:MAX_REASONS]


def _reason(signal: str, name: str, value: float, source: Source | None, *, repels: bool) -> Reason | None:
    """None for what has no words: a block of a user's own model, an interest whose source is unknown."""
    if signal in _PLAIN_KINDS:
        return Reason(_PLAIN_KINDS[signal], value)
    if signal.startswith("rule:"):
        return Reason(ReasonKind.RULE, value, rule=signal.removeprefix("rule:"))
    if signal == PHOTO:
        kind = _PHOTO_KINDS.get(name)
        return Reason(kind, value) if kind else None
    if source is None:
        return None
    if signal == TASTE:
        return Reason(_TASTE_KINDS.get(source.event, ReasonKind.CLOSE_TO_LIKED), value, source)
    return Reason(ReasonKind.FAR_FROM_SEED if repels else _NEAR_KINDS[signal], value, source)
