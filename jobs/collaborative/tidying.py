"""What of somebody's acts counts: the profile service's rule, so that the job places people as it does. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

AGAIN_MS = 10_000
"""The same act on the same item within this time after one that counts is a double click, a reload, a retry."""

MOST_ALIKE = 3
"""The same act on the same item says no more from then on; the latest count."""

OPINIONS = frozenset({"like", "dislike", "save", "cart", "purchase"})
"""The last of them holds. Looking at an item and choosing it from a list are none."""


class Act(NamedTuple):
    """On an item; `time_ms` since 1970."""

    time_ms: int
    item: str
    kind: str


def tidied(acts: Iterable[Act]) -> list[Act]:
    """Those of one person that count, in the order of their time; of equal times in the order that was given."""
    by_item: dict[str, list[Act]] = {}
    for act in sorted(acts, key=lambda act: act.time_ms):
        by_item.setdefault(act.item, []).append(act)
    counted = [act for group in by_item.values() for act in (group if len(group) == 1 else _counted(group))]
    return sorted(counted, key=lambda act: act.time_ms)


def _counted(group: Sequence[Act]) -> list[Act]:
    opinion = next((act for act in reversed(group) if act.kind in OPINIONS), None)
    if opinion and opinion.kind == "dislike":
        return [opinion]
    alike: dict[str, list[Act]] = {}
    for act in group:
        if opinion and act.kind == "dislike":
            continue
        earlier = alike.setdefault(act.kind, [])
        if not earlier or act.time_ms - earlier[-1].time_ms > AGAIN_MS:
            earlier.append(act)
    return [act for same in alike.values() for act in same[-MOST_ALIKE:]]
