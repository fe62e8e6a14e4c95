"""What the people of a segment have in common, in words that are about many of them. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobs.people import Somebody

MIN_LIFT = 1.25
"""A word that a segment's people have less than so many times as often as everybody says nothing of the segment."""
COARSE_SHARE = 0.05
MAX_FACTS = 4
MAX_LIKES = 5
MAX_LETTERS = 512
MAX_TYPICAL = 10


@dataclass(frozen=True)
class Trait:
    """A word that is more frequent in a segment than among everybody: `share` of its people have it, `lift` times as
    many as of all."""

    word: str
    share: float
    lift: float

    @property
    def _told(self) -> float:
        """What it tells of the segment: p log(p / q), its term of the Kullback-Leibler divergence."""
        return self.share * math.log(self.lift)

    def order(self) -> tuple[float, str]:
        """The most telling first, equal ones by name."""
        return -self._told, self.word


def traits(inside: Counter[str], outside: Counter[str], people: int, all_people: int, least: int) -> list[Trait]:
    """The telling words of `inside` (how many people of the segment have each; `outside`: how many of all), most
    telling first. A word that fewer than `least` of its people have is not told: it would be about them."""
    found = [
        Trait(word, count / people, (count / people) / (outside[word] / all_people))
        for word, count in inside.items()
        if count >= least
    ]
    return sorted((each for each in found if each.lift >= MIN_LIFT), key=Trait.order)


@dataclass(frozen=True)
class Counts:
    """In how many people's facts, likes and items each word is."""

    people: int
    facts: Counter[str]
    likes: Counter[str]
    items: Counter[str]

    @classmethod
    def of(cls, people: Sequence[Somebody]) -> Counts:
        """Each person counts once for a word."""
        return cls(
            len(people),
            _counted(somebody.facts for somebody in people),
            _counted(somebody.words for somebody in people),
            _counted(somebody.items for somebody in people),
        )


@dataclass(frozen=True)
class Portrait:
    """`words`: for a name, those of what they like first. `typical`: item ids."""

    description: str
    words: tuple[str, ...]
    typical: tuple[str, ...]


def portrait(inside: Counts, everybody: Counts, min_people: int, min_item_people: int) -> Portrait:
    """Top facts, top likes and typical items of a segment.

    Facts and likes are each about at least `min_people` of it. A typical item is one that at least `min_item_people` of
    it have among the ten they like most: fewer would often be none, for a catalogue has more items than words.
    """
    facts = traits(inside.facts, everybody.facts, inside.people, everybody.people, min_people)[:MAX_FACTS]
    likes = traits(inside.likes, everybody.likes, inside.people, everybody.people, min_people)[:MAX_LIKES]
    items = traits(inside.items, everybody.items, inside.people, everybody.people, min_item_people)[:MAX_TYPICAL]
    words = tuple(trait.word.split(":", 1)[-1] for trait in (*likes, *facts))
    return Portrait(_sentence(facts, likes), words, tuple(trait.word for trait in items))


def _counted(words: Iterable[Iterable[str]]) -> Counter[str]:
    return Counter(word for each in words for word in set(each))


def _sentence(facts: Sequence[Trait], likes: Sequence[Trait]) -> str:
    told = []
    if likes:
        told.append(f"likes {', '.join(_told(trait) for trait in likes)}")
    if facts:
        told.append(f"often {', '.join(_told(trait) for trait in facts)}")
    return ("; ".join(told) or "likes alike, with no word that tells them from the others")[:MAX_LETTERS]


def _told(trait: Trait) -> str:
    # Coarse, as the number of people is: the exact share of 40 and then of 39 people would be about the one who left.
    share = round(trait.share / COARSE_SHARE) * COARSE_SHARE
    return f"{trait.word.replace(':', ' ', 1)} ({share:.0%}, {trait.lift:.1f} x)"
