from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from demo.people import VISITORS, Person, cast, events, visits
from visrec.items import NewItem

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def no_neighbours(_: NewItem) -> Sequence[str]:
    raise AssertionError("categories were enough")


def liked(person: Person) -> set[str]:
    return {deed.item.id for deed in person.deeds if deed.type != "dislike"}


def categories(person: Person) -> set[str]:
    return {deed.item.category for deed in person.deeds if deed.type != "dislike"}


def test_the_two_go_for_different_categories(items: list[NewItem]) -> None:
    mira, jonas = cast(items, no_neighbours)
    assert categories(mira).isdisjoint(categories(jonas))
    assert liked(mira)
    assert liked(jonas)


def test_known_categories_are_preferred(items: list[NewItem]) -> None:
    named = [replace(item, category={"red": "plants", "blue": "cameras"}.get(item.category, "x")) for item in items]
    mira, jonas = cast(named, no_neighbours)
    assert categories(mira) == {"plants"}
    assert categories(jonas) == {"cameras"}


def test_something_is_left_to_recommend(items: list[NewItem]) -> None:
    """Nobody has seen more than half of a category."""
    for person in cast(items, no_neighbours):
        for category in categories(person):
            shelf = [item for item in items if item.category == category]
            assert len([item for item in shelf if item.id in liked(person)]) <= len(shelf) // 2


def test_photos_without_categories_are_told_apart_by_looks(items: list[NewItem]) -> None:
    loose = [replace(item, category="") for item in items]
    mira, jonas = cast(loose, lambda first: [item.id for item in loose if item.id != first.id])
    names = [item.id for item in loose]
    assert max(map(names.index, liked(mira))) < min(map(names.index, liked(jonas)))


def test_the_smallest_catalogue_is_enough(items: list[NewItem]) -> None:
    pair = [replace(item, category="") for item in items[:2]]
    mira, jonas = cast(pair, lambda first: [item.id for item in pair if item.id != first.id])
    assert liked(mira).isdisjoint(liked(jonas))


def test_a_history_is_in_order_and_has_the_same_ids_on_another_day(items: list[NewItem]) -> None:
    mira, _ = cast(items, no_neighbours)
    today, later = (events(mira, "demo", now) for now in (NOW, NOW.replace(month=6)))
    times = [event.time for event in today if event.time]
    assert times == sorted(times)
    assert max(times) < NOW
    assert [event.event_id for event in today] == [event.event_id for event in later]
    assert len({event.event_id for event in today}) == len(today)
    assert all(len(event.event_id) <= 128 for event in today)


def test_visitors_make_some_items_more_popular_than_others(items: list[NewItem]) -> None:
    made = visits(items, "demo", NOW, random.Random(7))
    assert len({event.user_id for event in made}) == VISITORS
    assert len({(event.user_id, event.event_id) for event in made}) == len(made)
    counts = [sum(event.item_id == item.id for event in made) for item in items]
    assert max(counts) >= 3 * (sum(counts) / len(counts))
    assert made == visits(items, "demo", NOW, random.Random(7))
