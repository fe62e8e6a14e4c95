"""The main job through real processes: photos in, two people, recommendations that differ, add up and explain."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest

from tests.e2e.conftest import CALL_S, Stubs, added_up
from tests.e2e.pictures import COLOURS, PATTERNS, picture
from visrec.v1 import common_pb2, indexer_pb2, profile_pb2, ranker_pb2

CATALOGUE = "patterns"
EACH = 4
"""Items of every pattern in every colour."""

ANN, BOB = "ann", "bob"


def item_id(pattern: str, colour: str, number: int) -> str:
    return f"{pattern}-{colour}-{number}"


@pytest.fixture(scope="module")
def shop(visrec: Stubs) -> Iterator[Stubs]:
    """A catalogue of patterns, Ann who likes red rings, and Bob who likes blue checks."""
    visrec.indexer.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)
    items = [
        indexer_pb2.IngestItem(
            item=indexer_pb2.Item(
                id=item_id(pattern, colour, number),
                domain="wallpaper",
                category=pattern,
                title=f"{colour} {pattern} {number}",
                price=10.0 + number,
                currency="EUR",
            ),
            photos=[common_pb2.Photo(data=picture(pattern, colour, number))],
        )
        for pattern in PATTERNS
        for colour in COLOURS
        for number in range(EACH)
    ]
    answer = visrec.indexer.IngestItems(
        indexer_pb2.IngestItemsRequest(catalogue=CATALOGUE, items=items), timeout=CALL_S
    )
    assert [result.status.code for result in answer.results] == [0] * len(items)
    await_version(visrec, answer.version)
    for user, pattern, colour in ((ANN, "rings", "red"), (BOB, "checks", "blue")):
        put(visrec, user)
        like(visrec, user, *(item_id(pattern, colour, number) for number in range(3)))
    yield visrec
    visrec.indexer.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)


def await_version(visrec: Stubs, version: str) -> None:
    query = indexer_pb2.Query(name="any", item_id=item_id("rings", "red", 0))
    visrec.indexer.Search(
        indexer_pb2.SearchRequest(catalogue=CATALOGUE, queries=[query], min_version=version), timeout=CALL_S
    )


def put(visrec: Stubs, user: str) -> None:
    consent = profile_pb2.Consent(personalisation=profile_pb2.CONSENT_STATE_GIVEN)
    request = profile_pb2.PutUserRequest(user=profile_pb2.User(user_id=user, consent=consent))
    visrec.profile.PutUser(request, timeout=CALL_S)


def like(visrec: Stubs, user: str, *items: str) -> None:
    events = [
        profile_pb2.Event(
            event_id=f"{user}-{item}", user_id=user, type=profile_pb2.EVENT_TYPE_LIKE, catalogue=CATALOGUE, item_id=item
        )
        for item in items
    ]
    answer = visrec.profile.RecordEvents(profile_pb2.RecordEventsRequest(events=events), timeout=CALL_S)
    assert [result.outcome for result in answer.results] == [profile_pb2.EVENT_OUTCOME_LEARNED] * len(items)


def recommend(visrec: Stubs, **fields: object) -> ranker_pb2.RecommendResponse:
    request = ranker_pb2.RecommendRequest(catalogue=CATALOGUE, explain=True, **fields)  # type: ignore[arg-type]  # fields of the message
    answer: ranker_pb2.RecommendResponse = visrec.ranker.Recommend(request, timeout=CALL_S)
    for item in answer.recommendations:
        assert added_up(item) == item.score
    return answer


def ids(answer: ranker_pb2.RecommendResponse) -> list[str]:
    return [item.item.id for item in answer.recommendations]


def dropped(answer: ranker_pb2.RecommendResponse) -> dict[str, str]:
    return {each.signal: each.reason for each in answer.dropped}


def photo(pattern: str, colour: str) -> common_pb2.Photo:
    """A photo that is not in the catalogue."""
    return common_pb2.Photo(data=picture(pattern, colour, 77))


def test_a_photo_finds_its_pattern_by_content(shop: Stubs) -> None:
    answer = recommend(shop, photo=photo("rings", "blue"), block_weights={"content": 1.0}, n=10)
    assert sum(found.startswith("rings") for found in ids(answer)) >= 8
    assert answer.provenance.model_digest
    assert answer.provenance.space.startswith("visual@")


def test_a_photo_finds_its_colour_by_colour(shop: Stubs) -> None:
    answer = recommend(shop, photo=photo("rings", "blue"), block_weights={"colour": 1.0}, n=10)
    assert sum("-blue-" in found for found in ids(answer)) >= 9


def test_a_person_gets_what_they_like_and_not_what_they_have_seen(shop: Stubs) -> None:
    answer = recommend(shop, user_id=ANN, n=5)
    assert ids(answer)[0] == item_id("rings", "red", 3), "the one red ring that Ann has not seen"
    assert not {item_id("rings", "red", number) for number in range(3)} & set(ids(answer))
    kinds = {reason.kind for reason in answer.recommendations[0].reasons}
    assert ranker_pb2.REASON_KIND_CLOSE_TO_LIKED in kinds
    assert "which you liked" in answer.recommendations[0].reasons[0].text


def test_the_same_photo_is_answered_differently_for_two_people(shop: Stubs) -> None:
    """Both answers stay close to the photo, and each is closer to its own person than the other one is."""
    query = photo("stripes", "green")
    alone = recommend(shop, photo=query, n=10)
    answers = {user: recommend(shop, photo=query, user_id=user, n=10) for user in (ANN, BOB)}
    assert ids(answers[ANN]) != ids(answers[BOB])
    for user, favourite in ((ANN, "-red-"), (BOB, "-blue-")):
        answer = answers[user]
        assert {used.signal for used in answer.used} == {"photo", "taste", "popularity"}
        assert mean_value(answer, "photo") >= 0.7 * mean_value(alone, "photo")
        other = answers[BOB if user == ANN else ANN]
        assert sum(favourite in found for found in ids(answer)) > sum(favourite in found for found in ids(other))


def mean_value(answer: ranker_pb2.RecommendResponse, signal: str) -> float:
    """How much the items of an answer have of a signal: the mean over items of the sum of its values."""
    values = [sum(part.value for part in item.parts if part.signal == signal) for item in answer.recommendations]
    return sum(values) / len(values)


def test_one_like_changes_the_next_answer(shop: Stubs) -> None:
    put(shop, "cleo")
    like(shop, "cleo", item_id("noise", "green", 0))
    before = recommend(shop, user_id="cleo", n=3)
    assert all(found.startswith("noise") for found in ids(before))
    like(shop, "cleo", item_id("stripes", "yellow", 0), item_id("stripes", "yellow", 1))
    after = recommend(shop, user_id="cleo", n=3)
    assert any(found.startswith("stripes-yellow") for found in ids(after))


def test_without_photo_and_person_the_answer_is_what_is_popular(shop: Stubs) -> None:
    answer = recommend(shop, n=3)
    assert {used.signal for used in answer.used} == {"popularity"}
    assert all(item.score > 0 for item in answer.recommendations)


def test_a_person_without_history_is_told_so(shop: Stubs) -> None:
    put(shop, "newcomer")
    answer = recommend(shop, user_id="newcomer", n=3)
    assert dropped(answer) == {"taste": "NO_HISTORY"}
    assert len(answer.recommendations) == 3


def test_somebody_unknown_is_answered_and_told_so(shop: Stubs) -> None:
    answer = recommend(shop, user_id="never put", n=3)
    assert dropped(answer) == {"taste": "USER_NOT_FOUND"}
    with pytest.raises(grpc.RpcError) as unknown:
        shop.profile.GetTaste(profile_pb2.GetTasteRequest(user_id="never put", catalogue=CATALOGUE), timeout=CALL_S)
    assert unknown.value.code() is grpc.StatusCode.NOT_FOUND


def test_seeds_filters_and_exclusions_work_together(shop: Stubs) -> None:
    cheap = common_pb2.Condition(field="price", range=common_pb2.NumericRange(at_most=11.0))
    rings = common_pb2.Condition(field="category", keyword=common_pb2.KeywordTest(any_of=["rings"]))
    answer = recommend(
        shop,
        seeds=[ranker_pb2.Seed(item_id=item_id("rings", "yellow", 0))],
        filter=common_pb2.Filter(must=[cheap, rings]),
        exclude_item_ids=[item_id("rings", "yellow", 1)],
        n=100,
    )
    expected = {item_id("rings", colour, number) for colour in COLOURS for number in (0, 1)}
    assert set(ids(answer)) == expected - {item_id("rings", "yellow", 0), item_id("rings", "yellow", 1)}
