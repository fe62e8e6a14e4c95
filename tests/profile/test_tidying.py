"""What of somebody's acts counts: last words, and nothing twice."""

from __future__ import annotations

from hypothesis import given

from services.profile.events.event import Event, EventType
from services.profile.taste.tidying import AGAIN_MS, MOST_ALIKE, subject_of, tidied
from tests.profile.builders import MIDNIGHT_MS, MINUTE_MS, event
from tests.profile.strategies import STREAMS


def acts(*types: EventType, item: str = "lamp", every_ms: int = MINUTE_MS) -> list[Event]:
    return [event(type_, item=item, time_ms=MIDNIGHT_MS + at * every_ms) for at, type_ in enumerate(types)]


def types(events: list[Event]) -> list[EventType]:
    return [each.type for each in tidied(events)]


VIEW, CLICK, LIKE, DISLIKE, SAVE = (
    EventType.VIEW,
    EventType.CLICK,
    EventType.LIKE,
    EventType.DISLIKE,
    EventType.SAVE,
)


def test_of_what_is_disliked_in_the_end_only_the_dislike_is_left() -> None:
    assert types(acts(VIEW, LIKE, SAVE, DISLIKE)) == [DISLIKE]


def test_looking_again_is_no_change_of_mind() -> None:
    assert types(acts(LIKE, DISLIKE, VIEW, CLICK)) == [DISLIKE]


def test_of_what_is_liked_in_the_end_the_dislikes_are_gone() -> None:
    assert types(acts(CLICK, DISLIKE, LIKE)) == [CLICK, LIKE]


def test_opinions_of_other_items_are_other_opinions() -> None:
    assert types([*acts(LIKE, item="lamp"), *acts(DISLIKE, item="sofa")]) == [LIKE, DISLIKE]


def test_a_double_click_is_one() -> None:
    assert types(acts(CLICK, CLICK, CLICK, every_ms=AGAIN_MS // 3)) == [CLICK]
    assert types(acts(CLICK, CLICK, every_ms=AGAIN_MS + 1)) == [CLICK, CLICK]


def test_different_acts_in_one_second_are_different() -> None:
    assert types(acts(CLICK, LIKE, SAVE, every_ms=100)) == [CLICK, LIKE, SAVE]


def test_of_many_alike_the_latest_few_count() -> None:
    many = acts(*[VIEW] * 50)
    assert tidied(many) == many[-MOST_ALIKE:]


def test_photos_are_subjects_of_their_own() -> None:
    photos = [event(EventType.UPLOAD, time_ms=MIDNIGHT_MS) for _ in range(5)]
    assert len(tidied(photos)) == 5


def test_impressions_do_not_count() -> None:
    assert types(acts(EventType.IMPRESSION, VIEW)) == [VIEW]


@given(STREAMS)
def test_tidying_what_is_tidy_changes_nothing(stream: list[Event]) -> None:
    once = tidied(sorted(stream, key=lambda each: each.time_ms))
    assert tidied(once) == once
    assert [subject_of(each) for each in once] == sorted(subject_of(each) for each in once)
    liked = {each.item_id for each in once if each.weight > 0}
    assert not any(each.item_id in liked for each in once if each.weight < 0)
