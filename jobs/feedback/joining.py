"""Joining: a person's events → the answers they were shown, each place with what became of it.

An outcome belongs to the showing that its recommendation id names, or, without one, to the latest showing of its item.
It must come after the showing and within a window: whoever comes back to an item a month later was brought by
something else. What comes of one showing counts once, however often it was clicked.
"""

from __future__ import annotations

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
    """One answer to one person: its places, by rank; of a page that was never turned to there is none."""

    scene: str
    experiment: str
    variant: str
    places: Sequence[Place]

    @property
    def outcomes(self) -> frozenset[str]:
        """Of all of its places."""
        return frozenset().union(*(place.outcomes for place in self.places))


def joined(shown: Iterable[Shown], acts: Iterable[Act], window_hours: float) -> list[AnswerShown]:
    """The answers of one person, oldest first, without those of which no place is told: showings without a rank."""
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
    answers: dict[str, list[Place]] = {}
    for each, kinds in zip(showings, outcomes, strict=True):
        # One that was not frozen has no id; what was shown in one millisecond was shown together.
        name = each.answer or f"\0{each.time_ms}"
        answers.setdefault(name, []).append(Place(each, frozenset(kinds)))
    return [_answer(places) for places in answers.values()]


def _brought_by(act: Act, showings: Sequence[tuple[int, Shown]], window_ms: float) -> int | None:
    """The latest of these showings of its item that may have brought somebody to an act."""
    before = [
        number
        for number, shown in showings
        if 0 <= act.time_ms - shown.time_ms <= window_ms and (not act.answer or act.answer == shown.answer)
    ]
    return before[-1] if before else None


def _answer(places: Sequence[Place]) -> AnswerShown:
    first = places[0].shown
    in_order = sorted(places, key=lambda place: place.shown.rank)
    return AnswerShown(first.scene, first.experiment, first.variant, in_order)
