"""Reasons: the parts of a score, told to people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from services.ranker.fusion import Part
from services.ranker.ports import SEGMENT, STATED, Source
from services.ranker.scenes import PHOTO, POPULARITY, SEEDS, TASTE

MIN_SHARE = 0.1
"""A reason stands for at least this share of all that speaks for an item; less would be noise told as insight."""

MAX_REASONS = 3


class ReasonKind(Enum):
    """Kinds of reasons; the names are those of the contract."""

    SIMILAR_CONTENT = "It shows the same kind of thing as the photo"
    SIMILAR_COLOUR = "It has the colours of the photo"
    SIMILAR_STYLE = "It has the style of the photo"
    CLOSE_TO_LIKED = "Close to {title}, which you {verb}"
    CLOSE_TO_SEED = "Close to {title}"
    FAR_FROM_SEED = "Unlike {title}"
    POPULAR = "Many people like it now"
    STATED_INTEREST = "Because of your interest in {word}"
    LIKED_BY_ALIKE = "People who are like you like such things"


_PHOTO_KINDS = {
    "content": ReasonKind.SIMILAR_CONTENT,
    "colour": ReasonKind.SIMILAR_COLOUR,
    "style": ReasonKind.SIMILAR_STYLE,
}

_TASTE_KINDS = {STATED: ReasonKind.STATED_INTEREST, SEGMENT: ReasonKind.LIKED_BY_ALIKE}

_VERBS = {
    "view": "looked at",
    "click": "looked at",
    "like": "liked",
    "save": "saved",
    "cart": "put into your cart",
    "purchase": "bought",
}


@dataclass(frozen=True)
class Reason:
    """Why an item is here. `source` is what it refers to, if anything; `contribution` > 0 is its part of the score."""

    kind: ReasonKind
    contribution: float
    source: Source | None = None

    def text(self, titles: Mapping[str, str]) -> str:
        """A sentence in English. `titles` by item id; an item without one is called by its id."""
        told: str = self.kind.value
        if self.source is None or self.kind is ReasonKind.LIKED_BY_ALIKE:
            return told
        if self.kind is ReasonKind.STATED_INTEREST:
            return told.format(word=self.source.word)
        if not self.source.item_id:
            return "Close to a photo you sent"
        name = titles.get(self.source.item_id) or self.source.item_id
        verb = _VERBS.get(self.source.event, "chose")
        return told.format(title=f"“{name}”", verb=verb)


def reasons(parts: Sequence[Part], sources: Mapping[str, Source]) -> list[Reason]:
    """What speaks for an item, strongest first, at most `MAX_REASONS`. `sources`: query name to what is behind it, for
    interests and seeds."""
    sums: dict[tuple[str, str], float] = defaultdict(float)
    repelling = {part.query for part in parts if part.signal == SEEDS and part.weight < 0}
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
    if signal == POPULARITY:
        return Reason(ReasonKind.POPULAR, value)
    if signal == PHOTO:
        kind = _PHOTO_KINDS.get(name)
        return Reason(kind, value) if kind else None
    if source is None:
        return None
    if signal == TASTE:
        return Reason(_TASTE_KINDS.get(source.event, ReasonKind.CLOSE_TO_LIKED), value, source)
    return Reason(ReasonKind.FAR_FROM_SEED if repels else ReasonKind.CLOSE_TO_SEED, value, source)
