"""What is known of people beside what they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from services.errors import NotReady
from services.profile.catalogue.existence import Existence
from services.profile.catalogue.items import MemoryItems, Resolved
from services.profile.collaborative.factors import Factors
from services.profile.collaborative.given_vector import GivenVector
from services.profile.collaborative.placing import STALE_AFTER, PutVector
from services.profile.events.event import Event, EventType
from services.profile.events.event_store import Batch
from services.profile.filing.store_memory import MemoryProfileStore
from services.profile.people.person import Attributes, Consent, Location, Person
from services.profile.segments.segment import Segment
from services.profile.segments.segmentations import NO_CENTRE, GivenSegment, Segmentations
from services.profile.taste.background import Background, Remembered, encoded
from services.profile.taste.folder import Folder
from services.profile.taste.liking import TasteRules
from services.profile.taste.prior import Origin
from services.profile.taste.reader import TasteReader
from services.profile.taste.taste_store import TasteQuery
from services.profile.taste.words import Words
from services.profile.wire.kept import FORMS
from services.spaces import encode
from tests.profile.builders import (
    ALL_GIVEN,
    GIVEN,
    MIDNIGHT_MS,
    OTHER_SPACE,
    REFUSED,
    SPACE,
    Clock,
    event,
    near,
    parts,
    person,
    shop,
)
from tests.profile.test_words import FakeCarriers, Seconds

YOUNG = Attributes(age=20, location=Location("PT"), interests=("oak",))
OLD = Attributes(age=70, location=Location("FI"), interests=("brass", "unheard-of"))
ITEMS = shop()


class Returning(MemoryItems):
    """Away when told so."""

    away = False

    def __init__(self) -> None:
        super().__init__({"shop": ITEMS.resolve("shop", [])})

    def resolve(self, catalogue: str, item_ids: Sequence[str], space: str = "") -> Resolved:
        if self.away:
            raise NotReady("the indexer is away")
        return super().resolve(catalogue, item_ids, space)


@pytest.fixture
def segmentations() -> Segmentations:
    known = Segmentations(MemoryProfileStore(), lambda name: ITEMS.resolve(name, []).space, 20, 30.0)
    recipe = known.recipe(SPACE)

    def segment(name: str, attributes: Attributes, direction: int) -> GivenSegment:
        acts = Remembered([event(vectors={SPACE.name: near(direction)}, category=name)])
        centre = GivenVector(recipe.space.name, encode(encoded(attributes, acts, recipe)))
        liked = [GivenVector(SPACE.name, encode(near(direction)))]
        return GivenSegment(Segment(name, "", 40, NO_CENTRE), centre, liked, [1.0])

    known.put("shop", [segment("young", YOUNG, 0), segment("old", OLD, 1)])
    return known


@pytest.fixture
def background(segmentations: Segmentations) -> Background:
    return Background(segmentations, Words(FakeCarriers(), Seconds()), Factors(ITEMS, Seconds()))


def somebody(attributes: Attributes, consent: Consent = ALL_GIVEN) -> Person:
    return replace(person(consent=consent), attributes=attributes)


def test_a_newcomer_is_supposed_to_like_what_they_say_and_what_their_segment_likes(
    background: Background, segmentations: Segmentations
) -> None:
    known = background.of(somebody(YOUNG), "shop", SPACE, Remembered())
    assert known.segment == f"{segmentations.of('shop').version}:young"
    assert [(each.origin, each.word) for each in known.prior] == [(Origin.STATED, "oak"), (Origin.SEGMENT, "")]
    np.testing.assert_array_equal(known.prior[1].vector, near(0))


def test_a_word_that_nothing_carries_is_passed_over(background: Background) -> None:
    known = background.of(somebody(OLD), "shop", SPACE, Remembered())
    assert known.segment.endswith(":old")
    assert [each.origin for each in known.prior] == [Origin.SEGMENT]


def test_what_somebody_does_says_more_than_who_they_are(background: Background) -> None:
    acts = Remembered([event(vectors={SPACE.name: near(1)}, category="old") for _ in range(3)])
    assert background.of(somebody(Attributes(age=20)), "shop", SPACE, acts).segment.endswith(":old")


def test_what_is_remembered_of_long_ago_counts(background: Background) -> None:
    acts = Remembered(before=[(5.0, near(1))])
    assert background.of(somebody(Attributes()), "shop", SPACE, acts).segment.endswith(":old")


@pytest.mark.parametrize("consent", [Consent(GIVEN, GIVEN, REFUSED), Consent(GIVEN, GIVEN)])
def test_without_consent_to_segments_there_is_none(background: Background, consent: Consent) -> None:
    known = background.of(somebody(YOUNG, consent), "shop", SPACE, Remembered())
    assert not known.segment
    assert [each.origin for each in known.prior] == [Origin.STATED]


def test_of_whom_nothing_is_known_nothing_is_supposed(background: Background) -> None:
    known = background.of(somebody(Attributes()), "shop", SPACE, Remembered())
    assert not known.segment
    assert not known.prior
    assert known.collaborative is None


def test_of_whom_nothing_can_be_supposed_is_known_beforehand(background: Background) -> None:
    counted, private = somebody(Attributes()), somebody(Attributes(), Consent(GIVEN))
    assert background.supposes(somebody(YOUNG, Consent(GIVEN)), "nowhere")
    assert background.supposes(counted, "shop")
    assert not background.supposes(counted, "nowhere")
    assert not background.supposes(private, "shop")


def test_segments_of_another_space_are_nobodys(background: Background) -> None:
    known = background.of(somebody(replace(YOUNG, interests=())), "shop", OTHER_SPACE, Remembered())
    assert not known.segment


@pytest.mark.parametrize("acts", [[], [event(EventType.IMPRESSION)], [event(vectors={SPACE.name: near(1)})]])
def test_a_taste_that_lacks_a_guess_because_the_catalogue_was_away_is_not_kept_like_that(
    segmentations: Segmentations, acts: list[Event]
) -> None:
    store, clock, seconds, carriers, items = MemoryProfileStore(), Clock(), Seconds(), FakeCarriers(), Returning()
    store.swap(b"", somebody(YOUNG))
    store.keep_space(SPACE)
    store.record([Batch("ada", "shop", acts)], MIDNIGHT_MS)
    made = parts(store, items, clock)
    background = Background(segmentations, Words(carriers, seconds), Factors(items, seconds))
    reader = TasteReader(
        store, Folder(made.resolver, made.settler, TasteRules(), background), FORMS, Existence(items, clock)
    )
    carriers.away = items.away = True
    without = reader.one(TasteQuery("ada", "shop"))
    assert Origin.STATED not in {each.origin for each in without.taste.interests}
    carriers.away = items.away = False
    clock.now_ms, seconds.now = clock.now_ms + 60_000, seconds.now + 60
    whole = reader.one(TasteQuery("ada", "shop"))
    assert Origin.STATED in {each.origin for each in whole.taste.interests}


def test_where_a_job_put_somebody_stands_while_their_events_cannot_be_folded(segmentations: Segmentations) -> None:
    items = Returning()
    background = Background(segmentations, Words(FakeCarriers(), Seconds()), Factors(items, Seconds()))
    put = PutVector(SPACE.name, near(0), writes=0)
    acts = Remembered([event()], writes=STALE_AFTER, put=put)
    items.away = True
    known = background.of(somebody(Attributes()), "shop", SPACE, acts)
    assert known.collaborative is not None
    assert known.collaborative.vector is put.vector
    assert not known.is_whole
    items.away = False
    assert background.of(somebody(Attributes()), "shop", SPACE, acts).is_whole


def test_other_segments_are_another_recipe(background: Background, segmentations: Segmentations) -> None:
    before = background.recipe("shop")
    segmentations.put("shop", [])
    assert before != background.recipe("shop") == background.recipe("nowhere") == ""
