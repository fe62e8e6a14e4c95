"""Frozen results through real processes: turned, told again, explained with a map, recorded, and erased."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
import redis

from tests.e2e.conftest import CALL_S, Stubs, added_up
from tests.e2e.pictures import COLOURS, PATTERNS, picture
from tests.redis_servers import until
from visrec.v1 import common_pb2, indexer_pb2, profile_pb2, ranker_pb2

CATALOGUE = "kept"
TRIES = 50
CONSENT = profile_pb2.Consent(
    personalisation=profile_pb2.CONSENT_STATE_GIVEN, photo_learning=profile_pb2.CONSENT_STATE_GIVEN
)
PHOTO = common_pb2.Photo(data=picture("rings", "red", 7))


@pytest.fixture(scope="module")
def shop(visrec: Stubs) -> Iterator[Stubs]:
    """A catalogue of patterns, and people who like stripes."""
    visrec.indexer.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)
    items = [
        indexer_pb2.IngestItem(
            item=indexer_pb2.Item(id=f"{pattern}-{colour}", title=f"{colour} {pattern}"),
            photos=[common_pb2.Photo(data=picture(pattern, colour, 0))],
        )
        for pattern in PATTERNS
        for colour in COLOURS
    ]
    ingest = indexer_pb2.IngestItemsRequest(catalogue=CATALOGUE, items=items)
    version = visrec.indexer.IngestItems(ingest, timeout=CALL_S).version
    query = indexer_pb2.Query(name="any", item_id=items[0].item.id)
    search = indexer_pb2.SearchRequest(catalogue=CATALOGUE, queries=[query], min_version=version)
    visrec.indexer.Search(search, timeout=CALL_S)
    yield visrec
    visrec.indexer.DeleteCatalogue(indexer_pb2.DeleteCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)


def put(visrec: Stubs, user: str) -> None:
    request = profile_pb2.PutUserRequest(user=profile_pb2.User(user_id=user, consent=CONSENT))
    visrec.profile.PutUser(request, timeout=CALL_S)
    like = profile_pb2.Event(
        event_id="liked",
        user_id=user,
        type=profile_pb2.EVENT_TYPE_LIKE,
        catalogue=CATALOGUE,
        item_id=f"{PATTERNS[0]}-red",
    )
    visrec.profile.RecordEvents(profile_pb2.RecordEventsRequest(events=[like]), timeout=CALL_S)


def recommend(visrec: Stubs, **fields: Any) -> ranker_pb2.RecommendResponse:
    """A frozen answer. On a disk that is busy an answer may come before it is kept, and say so."""
    request = ranker_pb2.RecommendRequest(catalogue=CATALOGUE, **fields)
    for _ in range(TRIES):
        answer = visrec.ranker.Recommend(request, timeout=CALL_S)
        reason = {each.signal: each.reason for each in answer.dropped}.get("frozen")
        if reason is None:
            return answer
        assert reason in ("DEADLINE_EXCEEDED", "REDIS_UNAVAILABLE")
    raise AssertionError("nothing is ever kept")


def get(visrec: Stubs, answer: ranker_pb2.RecommendResponse) -> ranker_pb2.GetRecommendationResponse:
    request = ranker_pb2.GetRecommendationRequest(recommendation_id=answer.recommendation_id)
    return visrec.ranker.GetRecommendation(request, timeout=CALL_S)


def test_a_result_is_turned_told_again_and_explained(shop: Stubs) -> None:
    put(shop, "cleo")
    answer = recommend(shop, user_id="cleo", photo=PHOTO, n=3, explain=True)
    page = shop.ranker.NextPage(
        ranker_pb2.NextPageRequest(page_token=answer.next_page_token, explain=True), timeout=CALL_S
    ).page
    assert [each.rank for each in page.recommendations] == [4, 5, 6]
    for each in (*answer.recommendations, *page.recommendations):
        assert added_up(each) == each.score
    assert get(shop, answer).shown.recommendations == answer.recommendations
    for each in answer.recommendations:
        explain = ranker_pb2.ExplainRequest(
            recommendation_id=answer.recommendation_id,
            item_id=each.item.id,
            include_evidence_map=True,
            photo=PHOTO,
        )
        told = shop.ranker.Explain(explain, timeout=CALL_S)
        (part,) = [part for part in each.parts if (part.signal, part.block) == ("photo", told.evidence_block)]
        assert (told.rows, told.columns, len(told.evidence)) == (7, 7, 49)
        assert sum(told.evidence) + told.evidence_offset == pytest.approx(part.contribution, rel=1e-3, abs=1e-5)
        assert told.recommendation == each


def test_another_photo_explains_nothing(shop: Stubs) -> None:
    answer = recommend(shop, photo=PHOTO, n=3)
    other = common_pb2.Photo(data=picture(PATTERNS[-1], "blue", 3))
    request = ranker_pb2.ExplainRequest(
        recommendation_id=answer.recommendation_id,
        item_id=answer.recommendations[0].item.id,
        include_evidence_map=True,
        photo=other,
    )
    with pytest.raises(grpc.RpcError) as refused:
        shop.ranker.Explain(request, timeout=CALL_S)
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION


def everything(client: Any) -> bytes:
    """Every key and every value, in one."""
    parts: list[bytes] = []
    for key in client.scan_iter(count=1000):
        parts.append(key)
        match client.type(key):
            case b"hash":
                parts += [part for pair in client.hgetall(key).items() for part in pair]
            case b"zset":
                parts += client.zrange(key, 0, -1)
            case b"stream":
                entries = client.xrange(key)
                parts += [part for _, fields in entries for pair in fields.items() for part in pair]
            case b"string":
                parts.append(client.get(key))
            case other:
                raise AssertionError(f"a key of type {other} that this test does not look into")
    return b"\0".join(parts)


def export(visrec: Stubs, user: str) -> profile_pb2.ExportUserResponse:
    return visrec.profile.ExportUser(profile_pb2.ExportUserRequest(user_id=user), timeout=CALL_S)


def test_what_was_shown_and_sent_is_recorded_behind_the_answer(shop: Stubs) -> None:
    put(shop, "eva")
    answer = recommend(
        shop, user_id="eva", photo=PHOTO, n=3, explain=True, record_impressions=True, remember_photo=True
    )
    until(lambda: len(export(shop, "eva").events) == 5)
    events = export(shop, "eva").events
    shown = [event for event in events if event.type == profile_pb2.EVENT_TYPE_IMPRESSION]
    assert {event.item_id: dict(event.shown_signals) for event in shown} == {
        each.item.id: pytest.approx(dict(each.signal_values)) for each in answer.recommendations
    }
    assert {event.recommendation_id for event in shown} == {answer.recommendation_id}
    assert {event.item_id: event.showing.rank for event in shown} == {
        each.item.id: each.rank for each in answer.recommendations
    }
    assert {event.showing.scene for event in shown} == {answer.scene}
    (photo,) = [event for event in events if event.type == profile_pb2.EVENT_TYPE_UPLOAD]
    assert photo.photo_vector.data
    assert photo.raw_features


def test_a_person_who_is_erased_leaves_no_frozen_result(shop: Stubs) -> None:
    put(shop, "dan-who-leaves")
    put(shop, "someone-else")
    answer = recommend(shop, user_id="dan-who-leaves", photo=PHOTO, n=3, explain=True)
    recommend(shop, user_id="dan-who-leaves", n=3)
    others = recommend(shop, user_id="someone-else", n=3)
    pseudonym = shop.profile.GetTaste(
        profile_pb2.GetTasteRequest(user_id="dan-who-leaves", catalogue=CATALOGUE), timeout=CALL_S
    ).taste.pseudonym.encode()
    assert [record.kind for record in export(shop, "dan-who-leaves").held].count("recommendation") == 2
    with redis.Redis.from_url(shop.fleet.redis_url) as client:
        before = everything(client)
        assert before.count(pseudonym + b"}:recommendation:") > 2, "the register and the records"
        erased = shop.profile.DeleteUser(profile_pb2.DeleteUserRequest(user_id="dan-who-leaves"), timeout=CALL_S).erased
        assert {each.place: each.entries for each in erased}["held"] == 2
        after = everything(client)
        left = [key for key in client.scan_iter("visrec:*") if pseudonym in key]
    assert b"dan-who-leaves" not in after
    assert left == [b"visrec:held:{%b}:gone" % pseudonym], "only that nothing more is to be kept"
    assert after.count(pseudonym) == 1
    with pytest.raises(grpc.RpcError) as gone:
        get(shop, answer)
    assert gone.value.code() == grpc.StatusCode.NOT_FOUND
    assert get(shop, others).shown.recommendations


def test_an_answer_that_is_on_its_way_brings_nobody_back(shop: Stubs) -> None:
    """They are unknown at once; an answer with a taste from before is refused by the store."""
    put(shop, "finn-who-leaves")
    recommend(shop, user_id="finn-who-leaves", n=3)
    shop.profile.DeleteUser(profile_pb2.DeleteUserRequest(user_id="finn-who-leaves"), timeout=CALL_S)
    end = time.monotonic() + CALL_S
    while time.monotonic() < end:
        answer = shop.ranker.Recommend(
            ranker_pb2.RecommendRequest(catalogue=CATALOGUE, user_id="finn-who-leaves", n=3), timeout=CALL_S
        )
        dropped = {each.signal: each.reason for each in answer.dropped}
        assert dropped.get("frozen", "ERASED") == "ERASED"
        if dropped.get("taste") == "USER_NOT_FOUND":
            break
    with redis.Redis.from_url(shop.fleet.redis_url) as client:
        assert b"finn-who-leaves" not in everything(client)
