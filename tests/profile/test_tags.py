"""What somebody likes, as words."""

from __future__ import annotations

import pytest

from services.profile.events.event import Event, EventType
from services.profile.taste.liking import TasteRules
from services.profile.taste.prior import Origin, Prior
from services.profile.taste.tags import MOST_TAGS, tags
from tests.profile.builders import DAY_MS, MIDNIGHT_MS, event, near

RULES = TasteRules()


def words(*events: Event, prior: tuple[Prior, ...] = ()) -> dict[str, float]:
    return {each.word: each.weight for each in tags(events, prior, MIDNIGHT_MS, RULES)}


def test_an_item_gives_its_words_what_it_weighs() -> None:
    found = words(
        event(EventType.PURCHASE, category="lamp", tags=("oak", "warm")), event(category="sofa", tags=("oak",))
    )
    assert found == pytest.approx({"oak": 7 / 19, "lamp": 5 / 19, "warm": 5 / 19, "sofa": 2 / 19})
    assert next(iter(found)) == "oak"


def test_a_word_that_is_category_and_tag_counts_once() -> None:
    assert words(event(category="lamp", tags=("lamp", "lamp"))) == {"lamp": 1.0}


def test_older_acts_say_less() -> None:
    found = words(event(category="old", time_ms=MIDNIGHT_MS - 30 * DAY_MS), event(category="new"))
    assert found == pytest.approx({"new": 2 / 3, "old": 1 / 3})


def test_what_is_disliked_takes_away() -> None:
    found = words(event(category="lamp", tags=("oak",)), event(EventType.DISLIKE, tags=("oak",)))
    assert found == {"lamp": 1.0}


def test_stated_interests_are_words_too() -> None:
    found = words(
        event(category="lamp"), prior=(Prior(near(0), 0.5, Origin.STATED, "oak"), Prior(near(1), 0.5, Origin.SEGMENT))
    )
    assert found == pytest.approx({"lamp": 0.8, "oak": 0.2})


def test_the_strongest_are_told_and_equal_ones_by_letter() -> None:
    found = tags([event(tags=(f"{n:02}",)) for n in range(50)], (), MIDNIGHT_MS, RULES)
    assert [each.word for each in found] == [f"{n:02}" for n in range(MOST_TAGS)]
    assert found[0].weight == pytest.approx(1 / 50)


def test_without_words_there_are_none() -> None:
    assert words(event()) == {}


def test_only_what_counts_for_a_taste_counts_here() -> None:
    click = event(EventType.CLICK, "coat", category="coats")
    twice = event(EventType.CLICK, "coat", category="coats")
    regretted = [event(item="hat", category="hats"), event(EventType.DISLIKE, "hat", category="hats")]
    assert words(click, twice, event(EventType.CLICK, category="shoes"), *regretted) == {"coats": 0.5, "shoes": 0.5}
