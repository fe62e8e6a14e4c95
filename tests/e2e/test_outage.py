"""A part of the system hangs (it is stopped, not killed, so nothing starts it again): answers get weaker and say so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest

from tests.e2e.conftest import CALL_S, Stubs, added_up, connected
from tests.e2e.pictures import COLOURS, PATTERNS, picture
from tests.fleet import fleet
from visrec.v1 import common_pb2, indexer_pb2, profile_pb2, ranker_pb2

CATALOGUE = "outage"
HASTE_S = 4.0
"""Deadline of a call while something hangs: shares of it are what the ranker waits for each part."""


WHOLE_S = 30.0
"""A bound for what stays weak, not a measure."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, models: dict[str, str]) -> Iterator[Stubs]:
    """A system of its own with sixteen items and Ann, who likes one of them."""
    with fleet(tmp_path_factory.mktemp("outage"), models) as running, connected(running) as visrec:
        visrec.indexer.CreateCatalogue(indexer_pb2.CreateCatalogueRequest(catalogue=CATALOGUE), timeout=CALL_S)
        items = [
            indexer_pb2.IngestItem(
                item=indexer_pb2.Item(id=f"{pattern}-{colour}"),
                photos=[common_pb2.Photo(data=picture(pattern, colour, 1))],
            )
            for pattern in PATTERNS
            for colour in COLOURS
        ]
        request = indexer_pb2.IngestItemsRequest(catalogue=CATALOGUE, items=items)
        version = visrec.indexer.IngestItems(request, timeout=CALL_S).version
        consent = profile_pb2.Consent(personalisation=profile_pb2.CONSENT_STATE_GIVEN)
        user = profile_pb2.User(user_id="ann", consent=consent)
        visrec.profile.PutUser(profile_pb2.PutUserRequest(user=user), timeout=CALL_S)
        like = profile_pb2.Event(
            event_id="1", user_id="ann", type=profile_pb2.EVENT_TYPE_LIKE, catalogue=CATALOGUE, item_id="rings-red"
        )
        visrec.profile.RecordEvents(profile_pb2.RecordEventsRequest(events=[like]), timeout=CALL_S)
        whole = recommend(visrec, min_version=version)
        assert {used.signal for used in whole.used} == {"photo", "taste", "popularity"}
        yield visrec


def recommend(visrec: Stubs, min_version: str = "") -> ranker_pb2.RecommendResponse:
    request = ranker_pb2.RecommendRequest(
        catalogue=CATALOGUE,
        user_id="ann",
        photo=common_pb2.Photo(data=picture("checks", "blue", 2)),
        n=5,
        explain=True,
        min_version=min_version,
    )
    answer: ranker_pb2.RecommendResponse = visrec.ranker.Recommend(request, timeout=HASTE_S)
    return answer


@contextmanager
def hanging(visrec: Stubs, name: str) -> Iterator[None]:
    """The process of that name is stopped in the block; afterwards answers are whole again, as soon as it was tried."""
    process = visrec.fleet.process(name)
    process.suspend()
    try:
        yield
    finally:
        process.resume()
        visrec.fleet.await_serving("ranker")
        visrec.fleet.await_serving("profile")
        until = time.monotonic() + WHOLE_S
        while recommend(visrec).dropped:
            assert time.monotonic() < until, "answers stay weak"


@pytest.mark.parametrize(
    ("name", "signals"),
    [
        ("embedder", {"photo"}),
        ("profile", {"taste", "popularity", "seen"}),
        ("redis", {"taste", "popularity", "seen", "frozen"}),
    ],
)
def test_what_hangs_is_left_out_and_named(shop: Stubs, name: str, signals: set[str]) -> None:
    with hanging(shop, name):
        answer = recommend(shop)
        # Popularity stays while that of every candidate is remembered, and what she has seen is one only now.
        assert signals - {"popularity"} <= {dropped.signal for dropped in answer.dropped} <= signals
        assert {dropped.reason for dropped in answer.dropped} <= {
            "DEADLINE_EXCEEDED",
            "EMBEDDER_UNAVAILABLE",
            "PROFILE_UNAVAILABLE",
            "REDIS_UNAVAILABLE",
        }
        assert len(answer.recommendations) == 5
        assert all(added_up(item) == item.score for item in answer.recommendations)
    assert {used.signal for used in recommend(shop).used} == {"photo", "taste", "popularity"}


def test_without_the_indexer_there_is_what_was_shown_lately(shop: Stubs) -> None:
    before = recommend(shop)
    with hanging(shop, "indexer"):
        answer = recommend(shop)
        assert {dropped.signal for dropped in answer.dropped} == {"search", "photo", "taste"}
        assert {item.item.id for item in answer.recommendations} & {item.item.id for item in before.recommendations}


def test_without_the_indexer_there_is_no_answer_of_now_and_that_is_said_in_time(shop: Stubs) -> None:
    version = recommend(shop).provenance.index_version
    with hanging(shop, "indexer"), pytest.raises(grpc.RpcError) as failed:
        recommend(shop, min_version=version)
    assert failed.value.code() in {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE}
