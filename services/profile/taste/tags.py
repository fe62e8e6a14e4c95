"""What somebody likes, as words: tags and categories of items, and the interests that they stated. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from services.profile.events.event import Event
from services.profile.taste.liking import TagWeight, TasteRules
from services.profile.taste.prior import Prior
from services.profile.taste.tidying import tidied

MOST_TAGS = 32


def tags(events: Sequence[Event], prior: Sequence[Prior], newest_ms: int, rules: TasteRules) -> tuple[TagWeight, ...]:
    """Strongest first, their weights being shares of all words. `events`: in the order of their time, seen from
    `newest_ms`.

    An item gives each of its words its whole weight, and a dislike takes as much away: a word that is liked and
    disliked alike says nothing.
    """
    weights: dict[str, float] = {}
    for event in tidied(events):
        for word in {event.category, *event.tags} - {""}:
            weights[word] = weights.get(word, 0.0) + event.weight * rules.long_term(newest_ms - event.time_ms)
    for each in prior:
        if each.word:
            weights[each.word] = weights.get(each.word, 0.0) + each.mass
    ranked = sorted(
        ((word, weight) for word, weight in weights.items() if weight > 0), key=lambda one: (-one[1], one[0])
    )
    total = sum(weight for _, weight in ranked)
    return tuple(TagWeight(word, weight / total) for word, weight in ranked[:MOST_TAGS])
