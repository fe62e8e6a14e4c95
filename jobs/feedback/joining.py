"""Joining: a person's events → the answers they were shown, each place with what became of it.

An outcome belongs to the showing that its recommendation id names, or, without one, to the latest showing of its item.
It must come after the showing and within a window: whoever comes back to an item a month later was brought by
something else. What comes of one showing counts once, however often it was clicked.

Two kinds of answers are left out, for they would seem to have been refused. One of which places are missing, before the
last: of a person only so many showings are kept, and the oldest are pushed out one by one, in no order of places; of
those of which just the last places are gone nobody can tell. And one that is so young that something may still come.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

HOUR_MS = 3_600_000

OUTCOMES = ("click", "like", "save", "cart", "purchase")
"""What can become of a showing. A view may be of any origin, and a dislike is none of what an answer is made for."""


@dataclass(frozen=True)
class Shown:
    """An impression: one item in one place. `answer`: what tells the answers of a person apart; empty: not told.
    `rank`: from 1; 0: not told. `values`: of the signals that were in use, before their weights."""

    item: str
    time_ms: int
    answer: str = ""
    rank: int = 0
    scene: str = ""
    experiment: str = ""
    variant: str = ""
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Act:
    """What somebody did to an item: one of OUTCOMES. `answer`: the one that brought them there; empty: not told."""

    item: str
    time_ms: int
    kind: str
    answer: str = ""


@dataclass(frozen=True)
class Place:
    """An item of an answer and the kinds of what became of it."""

    shown: Shown
    outcomes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AnswerShown:
    """One answer to one person: its places, by rank from 1 on; of a page that was never turned to there is none."""

    scene: str
    experiment: str
    variant: str
    places: Sequence[Place]

    @property
    def outcomes(self) -> frozenset[str]:
        """Of all of its places."""
        return frozenset().union(*(place.outcomes for place in self.places))


def joined(
    shown: Iterable[Shown], acts: Iterable[Act], window_hours: float, until_ms: float = math.inf
) -> list[AnswerShown]:
    """The answers of one person, oldest first, whose places are all told and none of which was shown after `until_ms`.
    An item that was recorded twice in an answer is one place of it, with all that came of it."""
    showings = sorted((each for each in shown if each.rank), key=lambda each: (each.time_ms, each.rank))
    by_item: dict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(showings):
        by_item[each.item].append(number)
    outcomes: list[set[str]] = [set() for _ in showings]
    for act in acts:
        of_item = [(number, showings[number]) for number in by_item.get(act.item, ())]
        brought_by = _brought_by(act, of_item, window_hours * HOUR_MS)
        if brought_by is not None:
            outcomes[brought_by].add(act.kind)
    answers: dict[str, dict[str, Place]] = {}
    latest: dict[str, int] = {}
    for each, kinds in zip(showings, outcomes, strict=True):
        # One that was not frozen has no id; what was shown in one millisecond was shown together.
        name = each.answer or f"\0{each.time_ms}"
        places = answers.setdefault(name, {})
        before = places.get(each.item, Place(each))
        places[each.item] = Place(before.shown, before.outcomes | kinds)
        latest[name] = each.time_ms
    found = [_answer(places.values()) for name, places in answers.items() if latest[name] <= until_ms]
    return [answer for answer in found if _is_whole(answer)]


def _brought_by(act: Act, showings: Sequence[tuple[int, Shown]], window_ms: float) -> int | None:
    """The latest of these showings of its item that may have brought somebody to an act."""
    before = [
        number
        for number, shown in showings
        if 0 <= act.time_ms - shown.time_ms <= window_ms and (not act.answer or act.answer == shown.answer)
    ]
    return before[-1] if before else None


def _answer(places: Iterable[Place]) -> AnswerShown:
    in_order = sorted(places, key=lambda place: place.shown.rank)
    first = in_order[0].shown
    return AnswerShown(first.scene, first.experiment, first.variant, in_order)


def _is_whole(answer: AnswerShown) -> bool:
    return all(place.shown.rank == rank for rank, place in enumerate(answer.places, start=1))
