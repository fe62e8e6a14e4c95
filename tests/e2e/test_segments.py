"""Segments from end to end: people of three kinds do things with real photos, the job finds the kinds, a newcomer is
told which they are in and is recommended accordingly, and who does not consent is in none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from typer.testing import CliRunner

from jobs.__main__ import app
from jobs.terminal import EXIT_NOTHING
from tests.e2e.conftest import CALL_S, Stubs
from tests.e2e.pictures import COLOURS, PATTERNS, picture
from tests.jobs.people import rand_index
from visrec.v1 import common_pb2, indexer_pb2, profile_pb2, ranker_pb2

CATALOGUE = "segmented"
EACH = 3
KINDS = {"rings": 22, "checks": 31, "stripes": 26}
"""How many people like each pattern."""
COUNTRIES = ("PT", "NL", "FI")

GIVEN, REFUSED = profile_pb2.CONSENT_STATE_GIVEN, profile_pb2.CONSENT_STATE_REFUSED
ALL = profile_pb2.Consent(personalisation=GIVEN, photo_learning=GIVEN, segments=GIVEN)
NOT_COUNTED = profile_pb2.Consent(personalisation=GIVEN, segments=REFUSED)


def item_id(pattern: str, colour: str, number: int) -> str:
    return f"{pattern}-{colour}-{number}"


@pytest.fixture(scope="module")
def shop(visrec: Stubs) -> Iterator[Stubs]:
    visrec.indexer.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)
    items = [
        indexer_pb2.IngestItem(
            item=indexer_pb2.Item(
                id=item_id(pattern, colour, number), domain="wallpaper", category=pattern, tags=[colour]
            ),
            photos=[common_pb2.Photo(data=picture(pattern, colour, number))],
        )
        for pattern in PATTERNS
        for colour in COLOURS
        for number in range(EACH)
    ]
    request = indexer_pb2.IngestItemsRequest(catalogue=CATALOGUE, items=items)
    answer = visrec.indexer.IngestItems(request, timeout=CALL_S)
    assert [result.status.code for result in answer.results] == [0] * len(items)
    query = indexer_pb2.Query(name="any", item_id=item_id("rings", "red", 0))
    search = indexer_pb2.SearchRequest(catalogue=CATALOGUE, queries=[query], min_version=answer.version)
    visrec.indexer.Search(search, timeout=CALL_S)
    for kind, count in KINDS.items():
        for number in range(count):
            join(visrec, kind, number)
    yield visrec
    visrec.indexer.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)


def person_id(kind: str, number: int) -> str:
    return f"segmented-{kind}-{number}"


def join(visrec: Stubs, kind: str, number: int) -> None:
    """One of a kind: likes eight of its items in any colour and looks at two of another, lives in its country more
    often than not, and half of them say what they like."""
    chance = np.random.default_rng([list(KINDS).index(kind), number])
    home = COUNTRIES[list(KINDS).index(kind)] if chance.random() < 0.7 else str(chance.choice(COUNTRIES))
    stated = [kind] if chance.random() < 0.5 else []
    put(visrec, person_id(kind, number), home, stated, ALL)
    everything = [item_id(kind, colour, at) for colour in COLOURS for at in range(EACH)]
    liked = chance.choice(everything, 8, replace=False)
    other = chance.choice([pattern for pattern in PATTERNS if pattern != kind])
    seen = [
        item_id(other, colour, int(chance.integers(EACH))) for colour in chance.choice(list(COLOURS), 2, replace=False)
    ]
    record(visrec, person_id(kind, number), profile_pb2.EVENT_TYPE_LIKE, *liked)
    record(visrec, person_id(kind, number), profile_pb2.EVENT_TYPE_VIEW, *seen)


def put(visrec: Stubs, user: str, country: str, interests: list[str], consent: profile_pb2.Consent) -> None:
    attributes = profile_pb2.UserAttributes(location=profile_pb2.Location(country=country), interests=interests)
    known = profile_pb2.User(user_id=user, attributes=attributes, consent=consent)
    visrec.profile.PutUser(profile_pb2.PutUserRequest(user=known), timeout=CALL_S)


def record(visrec: Stubs, user: str, type_: profile_pb2.EventType.ValueType, *items: str) -> None:
    events = [
        profile_pb2.Event(
            event_id=f"{user}-{type_}-{item}", user_id=user, type=type_, catalogue=CATALOGUE, item_id=item
        )
        for item in items
    ]
    answer = visrec.profile.RecordEvents(profile_pb2.RecordEventsRequest(events=events), timeout=CALL_S)
    assert [result.status.code for result in answer.results] == [0] * len(items)


def taste(visrec: Stubs, user: str) -> profile_pb2.Taste:
    request = profile_pb2.GetTasteRequest(user_id=user, catalogue=CATALOGUE)
    return visrec.profile.GetTaste(request, timeout=CALL_S).taste


def recommended(visrec: Stubs, user: str) -> ranker_pb2.RecommendResponse:
    request = ranker_pb2.RecommendRequest(
        catalogue=CATALOGUE, user_id=user, n=6, explain=True, signal_weights={"taste": 1.0}
    )
    return visrec.ranker.Recommend(request, timeout=CALL_S)


def run(visrec: Stubs, *arguments: str) -> tuple[int, str]:
    """The command as it is typed; its exit code and what it says."""
    targets = {f"VISREC_{name.upper()}_TARGET": visrec.fleet.target(name) for name in ("indexer", "profile")}
    result = CliRunner().invoke(app, [*arguments, "--catalogue", CATALOGUE], env=targets)
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def segmented(shop: Stubs) -> Stubs:
    """After the job has run."""
    code, told = run(shop, "segments")
    assert code == 0, told
    assert "3 segments are in place." in told
    return shop


def test_the_kinds_of_people_are_found(segmented: Stubs) -> None:
    people = [(kind, person_id(kind, number)) for kind, count in KINDS.items() for number in range(count)]
    told = [taste(segmented, user).segment for _, user in people]
    assert rand_index([list(KINDS).index(kind) for kind, _ in people], told) > 0.9
    assert "" not in told


def test_segments_are_listed_largest_first_with_what_their_people_share(segmented: Stubs) -> None:
    request = profile_pb2.ListSegmentsRequest(catalogue=CATALOGUE)
    segments = segmented.profile.ListSegments(request, timeout=CALL_S).segments
    assert [segment.people for segment in segments] == pytest.approx([30, 25, 20], abs=5)
    for segment, kind in zip(segments, ("checks", "stripes", "rings"), strict=True):
        assert segment.segment_id.startswith(kind)
        assert f"likes {kind}" in segment.description
        assert segment.typical_item_ids
        assert all(item.startswith(kind) for item in segment.typical_item_ids)
        assert segment.interests


@pytest.mark.parametrize("kind", ["rings", "checks"])
def test_a_newcomer_is_in_a_segment_at_once_and_is_recommended_what_they_say(segmented: Stubs, kind: str) -> None:
    newcomer = f"segmented-newcomer-{kind}"
    put(segmented, newcomer, "PT", [kind], ALL)
    known = taste(segmented, newcomer)
    assert known.segment.startswith(kind)
    assert known.events == 0
    origins = {interest.origin for interest in known.interests}
    assert profile_pb2.INTEREST_ORIGIN_STATED in origins
    answer = recommended(segmented, newcomer)
    assert Counter(each.item.category for each in answer.recommendations).most_common(1)[0][0] == kind
    assert f"Because of your interest in {kind}" in {
        reason.text for each in answer.recommendations for reason in each.reasons
    }


def test_what_is_supposed_fades_as_somebody_does_things(segmented: Stubs) -> None:
    mover = "segmented-mover"
    put(segmented, mover, "PT", ["rings"], ALL)
    assert taste(segmented, mover).segment.startswith("rings")
    bought = [item_id("checks", colour, number) for colour in COLOURS for number in range(2)]
    record(segmented, mover, profile_pb2.EVENT_TYPE_PURCHASE, *bought)
    known = taste(segmented, mover)
    assert known.segment.startswith("checks")
    by_deed = sum(each.weight for each in known.interests if each.origin == profile_pb2.INTEREST_ORIGIN_EVENTS)
    assert by_deed > 0.9


def test_who_does_not_consent_to_segments_is_in_none(segmented: Stubs) -> None:
    private = "segmented-private"
    put(segmented, private, "PT", ["rings"], NOT_COUNTED)
    known = taste(segmented, private)
    assert not known.segment
    assert {interest.origin for interest in known.interests} == {profile_pb2.INTEREST_ORIGIN_STATED}
    put(segmented, private, "PT", ["rings"], ALL)
    assert taste(segmented, private).segment
    withdrawn = profile_pb2.SetConsentRequest(user_id=private, consent=NOT_COUNTED)
    segmented.profile.SetConsent(withdrawn, timeout=CALL_S)
    assert not taste(segmented, private).segment


def test_what_a_segments_people_do_is_popular_among_them(segmented: Stubs) -> None:
    somebody = person_id("rings", 0)
    segment = taste(segmented, somebody).segment
    record(segmented, somebody, profile_pb2.EVENT_TYPE_PURCHASE, item_id("noise", "red", 0))
    request = profile_pb2.GetPopularItemsRequest(catalogue=CATALOGUE, segment=segment)
    popular = segmented.profile.GetPopularItems(request, timeout=CALL_S).items
    assert item_id("noise", "red", 0) in {item.item_id for item in popular}
    other = taste(segmented, person_id("checks", 0)).segment
    asked = profile_pb2.GetPopularItemsRequest(
        catalogue=CATALOGUE, segment=other, item_ids=[item_id("noise", "red", 0)]
    )
    assert segmented.profile.GetPopularItems(asked, timeout=CALL_S).items[0].score == 0


def test_profiles_are_rebuilt(segmented: Stubs) -> None:
    code, told = run(segmented, "rebuild-profiles", "--page-size", "30")
    assert code == 0, told
    assert CATALOGUE in told


def test_too_few_people_make_no_segments_and_take_away_those_there_were(segmented: Stubs) -> None:
    code, told = run(segmented, "segments", "--min-people", "500")
    assert code == EXIT_NOTHING
    assert "nothing was put" in told
    request = profile_pb2.ListSegmentsRequest(catalogue=CATALOGUE)
    assert len(segmented.profile.ListSegments(request, timeout=CALL_S).segments) == 0
    assert not taste(segmented, person_id("rings", 0)).segment
