"""Two people who like different things, and the visitors who make some of it popular."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from visrec.items import NewItem
from visrec.people import Event, EventType, Facts

MIRA_WISHES = ("plants", "furniture", "dining rooms", "bedrooms", "paintings", "fish")
JONAS_WISHES = ("cameras", "sports equipment", "footwear", "hand tools", "monuments", "animals")
"""Categories they go for, those of the default catalogue; a folder of one's own has others."""

MOST_ITEMS = 4
"""Of one category: enough for a taste, and few enough to leave some to recommend."""

DEEDS: tuple[EventType, ...] = ("like", "save", "purchase", "like")

VISITORS = 12


@dataclass(frozen=True)
class Deed:
    """Something a person of the cast did, and to what."""

    type: EventType
    item: NewItem


@dataclass(frozen=True)
class Person:
    """One of the two, with what they did, the oldest first."""

    user_id: str
    name: str
    facts: Facts
    deeds: list[Deed]

    @property
    def leaning(self) -> str:
        """Their categories, for people."""
        liked = dict.fromkeys(deed.item.category for deed in self.deeds if deed.type != "dislike")
        return " and ".join(f"“{category}”" if category else "photos like these" for category in liked)


Neighbours = Callable[[NewItem], Sequence[str]]
"""Ids of all other items, the one that looks most alike first."""


def cast(items: Sequence[NewItem], neighbours: Neighbours) -> tuple[Person, Person]:
    """Mira and Jonas, each with a history from two categories of their own; each dislikes something of the other's.

    In a catalogue without enough categories they are told apart by looks: Mira likes what is near to the first item,
    Jonas what is farthest from it. Needs at least two items.
    """
    mira, jonas = _shelves(items) or _by_looks(items, neighbours)
    mira_likes, jonas_likes = _picks(mira), _picks(jonas)
    return (
        Person(
            "demo-mira",
            "Mira",
            Facts(
                34, "female", "NL", city="Utrecht", interests=_words(mira), personalisation=True, photo_learning=True
            ),
            [*_deeds(mira_likes), *_dislike(jonas, jonas_likes)],
        ),
        Person(
            "demo-jonas",
            "Jonas",
            Facts(
                27, "male", "DE", city="Leipzig", interests=_words(jonas), personalisation=True, photo_learning=False
            ),
            [*_deeds(jonas_likes), *_dislike(mira, mira_likes)],
        ),
    )


def events(person: Person, catalogue: str, now: datetime) -> list[Event]:
    """The person's history as events, a day apart, the latest an hour before `now`.

    Their ids depend on nothing but catalogue, item and deed, so recording them again changes nothing.
    """
    latest = now - timedelta(hours=1)
    return [
        Event(
            person.user_id,
            deed.type,
            catalogue,
            deed.item.id,
            time=latest - timedelta(days=len(person.deeds) - 1 - at),
            event_id=_event_id(catalogue, deed.item.id, deed.type),
        )
        for at, deed in enumerate(person.deeds)
    ]


def visits(items: Sequence[NewItem], catalogue: str, now: datetime, rng: random.Random) -> list[Event]:
    """Views and likes of visitors who agreed to nothing: they count for popularity, and of each event only a digest of
    its id is kept. A few items draw most of them, as in life.
    """
    weights = [1 / (1 + rank) for rank in range(len(items))]
    shuffled = rng.sample(items, len(items))
    made = []
    for visitor in range(VISITORS):
        seen = dict.fromkeys(item.id for item in rng.choices(shuffled, weights, k=8))
        for at, item_id in enumerate(seen):
            user = visitor_id(visitor)
            kind: EventType = "like" if at % 3 == 0 else "view"
            when = now - timedelta(hours=rng.uniform(1, 72))
            made.append(Event(user, kind, catalogue, item_id, time=when, event_id=_event_id(catalogue, item_id, kind)))
    return made


def visitor_id(number: int) -> str:
    """The visitor's pseudonym."""
    return f"demo-visitor-{number + 1}"


def _event_id(catalogue: str, item_id: str, kind: EventType) -> str:
    """Unique for a person, of a bounded length whatever the item's id is."""
    return hashlib.sha256(f"{catalogue}\n{item_id}\n{kind}".encode()).hexdigest()[:32]


def _shelves(items: Sequence[NewItem]) -> tuple[list[list[NewItem]], list[list[NewItem]]] | None:
    """Two categories for each of the two, or one when there are only two or three."""
    by_category: dict[str, list[NewItem]] = {}
    for item in items:
        by_category.setdefault(item.category, []).append(item)
    shelves = {name: shelf for name, shelf in by_category.items() if len(shelf) >= 2}
    wished = [[shelves[name] for name in wishes if name in shelves] for wishes in (MIRA_WISHES, JONAS_WISHES)]
    if all(wished):
        return wished[0][:2], wished[1][:2]
    largest = sorted(shelves.values(), key=len, reverse=True)
    if len(largest) < 2:
        return None
    return largest[0:4:2][: len(largest) // 2], largest[1:4:2]


def _by_looks(items: Sequence[NewItem], neighbours: Neighbours) -> tuple[list[list[NewItem]], list[list[NewItem]]]:
    by_id = {item.id: item for item in items}
    near_to_far = [items[0], *(by_id[item_id] for item_id in neighbours(items[0]) if item_id in by_id)]
    half = len(near_to_far) // 2
    return [near_to_far[:half][: 2 * MOST_ITEMS]], [near_to_far[half:][-2 * MOST_ITEMS :]]


def _picks(shelves: Sequence[Sequence[NewItem]]) -> list[NewItem]:
    """At most half of each shelf, spread over it, so that something is left to recommend; the shelves take turns."""
    picks = [shelf[::2][: max(1, min(MOST_ITEMS, len(shelf) // 2))] for shelf in shelves]
    return [item for turn in zip_longest(*picks) for item in turn if item]


def _deeds(picks: Sequence[NewItem]) -> list[Deed]:
    return [Deed(DEEDS[at % len(DEEDS)], item) for at, item in enumerate(picks)]


def _dislike(shelves: Sequence[Sequence[NewItem]], liked: Sequence[NewItem]) -> list[Deed]:
    names = {item.id for item in liked}
    rest = [item for shelf in shelves for item in shelf if item.id not in names]
    return [Deed("dislike", rest[0])] if rest else []


def _words(shelves: Sequence[Sequence[NewItem]]) -> list[str]:
    return [shelf[0].category[:64] for shelf in shelves if shelf[0].category]
