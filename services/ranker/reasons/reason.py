"""Reasons: what speaks for an item, out of the parts of its score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from services.ranker.order.reciprocal import K
from services.ranker.others.ports import AVOIDED, STATED, Source
from services.ranker.others.ports import SEGMENT as OF_SEGMENT
from services.ranker.ranking import Part
from services.ranker.scenes.scene import COLLABORATIVE, FRESHNESS, PHOTO, POPULARITY, SEEDS, SEGMENT, SESSION, TASTE

MIN_SHARE = 0.1
"""A reason stands for at least this share of all that speaks for an item; less would be noise told as insight."""

MAX_REASONS = 3

TOLD_PLACES = 20
"""By reciprocal rank what is not among so many by a query is not told to be like it."""


class ReasonKind(Enum):
    """Kinds of reasons; the names are those of the contract."""

    SIMILAR_CONTENT = auto()
    SIMILAR_COLOUR = auto()
    SIMILAR_STYLE = auto()
    OTHER_CONTENT = auto()
    OTHER_COLOUR = auto()
    OTHER_STYLE = auto()
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

_OTHER_KINDS = {
    "": ReasonKind.OTHER_CONTENT,
    "content": ReasonKind.OTHER_CONTENT,
    "colour": ReasonKind.OTHER_COLOUR,
    "style": ReasonKind.OTHER_STYLE,
}
"""Of blocks that push away."""

_TASTE_KINDS = {STATED: ReasonKind.STATED_INTEREST, OF_SEGMENT: ReasonKind.LIKED_BY_ALIKE}

_PLAIN_KINDS = {
    COLLABORATIVE: ReasonKind.LIKED_TOGETHER,
    SEGMENT: ReasonKind.LIKED_BY_ALIKE,
    POPULARITY: ReasonKind.POPULAR,
    FRESHNESS: ReasonKind.FRESH,
}
"""Signals that need nothing but their name."""

_NEAR_KINDS = {SEEDS: ReasonKind.CLOSE_TO_SEED, SESSION: ReasonKind.CLOSE_TO_SESSION}

PUSHING = (AVOIDED, "dislike")
"""Events of sources that push away. The weight of a part tells as much, but not by reciprocal rank, which has none
below zero."""

RULE = "rule:"
"""Before the name of a rule that a part comes from."""


@dataclass(frozen=True)
class Reason:
    """Why an item is here. `source` is what it refers to, if anything, and `rule` the name of the rule; `contribution`
    > 0 is its part of the score."""

    kind: ReasonKind
    contribution: float
    source: Source | None = None
    rule: str = ""


def reasons(parts: Sequence[Part], sources: Mapping[str, Source], blocks: Mapping[str, float]) -> list[Reason]:
    """What speaks for an item, strongest first, at most `MAX_REASONS`. `sources`: query name to what is behind it, for
    interests, seeds and session events, and for rules of the request. `blocks`: weights that photo and seeds were
    compared by."""
    sums: dict[tuple[str, str], float] = defaultdict(float)
    # How much of it is likeness, of weights that draw near, and how much the lack of it, of those that push away.
    alike: dict[tuple[str, str], float] = defaultdict(float)
    for part in parts:
        # A photo is told block by block, an interest or a seed as a whole.
        key = part.signal, part.block if part.signal == PHOTO else part.query
        sums[key] += part.contribution
        alike[key] += _sign(part, sources, blocks) * part.contribution
    speaking = sorted(((value, key) for key, value in sums.items() if value > 0), key=lambda pair: (-pair[0], pair[1]))
    total = sum(value for value, _ in speaking)
    told = [
        _reason(key, value, sources.get(key[0] if key[0].startswith(RULE) else key[1]), alike[key])
        for value, key in speaking
        if value >= MIN_SHARE * total
    ]
    return [reason for reason in told if reason is not None][:MAX_REASONS]


def _sign(part: Part, sources: Mapping[str, Source], blocks: Mapping[str, float]) -> int:
    """1: the part is the greater the more alike the item is, -1: the less; 0: it does not tell which, or not of this
    item: by reciprocal rank every item has a part of every signal, the last one, too."""
    if part.query and not part.block and 0 < part.value < 1.0 / (K + TOLD_PLACES):
        return 0
    if part.signal not in (PHOTO, *_NEAR_KINDS):
        return 1
    source = sources.get(part.query)
    pushes = part.weight < 0 or (source is not None and source.event in PUSHING)
    if part.signal == SESSION:  # what somebody likes is never compared by weights that push away
        return -1 if pushes else 1
    if part.block:
        return -1 if pushes != (blocks.get(part.block, 0.0) < 0) else 1
    signs = {weight < 0 for weight in blocks.values() if weight} or {False}
    return 0 if len(signs) > 1 else -1 if pushes != (True in signs) else 1


def _reason(key: tuple[str, str], value: float, source: Source | None, alike: float) -> Reason | None:
    """None for what has no words: a block of a user's own model, an interest whose source is unknown, a place by rank
    of which nobody can tell whether it is one for likeness. `alike`: negative for what is here for being unlike."""
    signal, name = key
    if not alike:
        return None
    if signal in _PLAIN_KINDS:
        return Reason(_PLAIN_KINDS[signal], value)
    if signal.startswith(RULE):
        return Reason(ReasonKind.RULE, value, source, rule=signal.removeprefix(RULE))
    if signal == TASTE:
        return Reason(_TASTE_KINDS.get(source.event, ReasonKind.CLOSE_TO_LIKED), value, source) if source else None
    if signal == PHOTO:
        kind = (_PHOTO_KINDS if alike > 0 else _OTHER_KINDS).get(name)
        return Reason(kind, value) if kind else None
    return Reason(_NEAR_KINDS[signal] if alike > 0 else ReasonKind.FAR_FROM_SEED, value, source) if source else None
