"""The contract of the ranker through a real server: answers add up on the wire, bad input has status and details."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest
from google.rpc import error_details_pb2

from services.runtime.settings import RuntimeSettings
from tests.ranker.worlds import ROWS, Stub, World, detail, refusal, served
from visrec.v1 import common_pb2, profile_pb2, ranker_pb2

INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def stub(world: World, runtime: RuntimeSettings) -> AsyncIterator[Stub]:
    async with served(world, runtime) as stub:
        yield stub


async def test_scores_add_up_on_the_wire(stub: Stub) -> None:
    answer = await stub.Recommend(
        ranker_pb2.RecommendRequest(
            catalogue="shop", user_id="ann", photo=common_pb2.Photo(data=b"any"), explain=True, n=8
        )
    )
    assert [item.rank for item in answer.recommendations] == list(range(1, 9))
    assert {used.signal for used in answer.used} == {"photo", "taste", "popularity"}
    assert sum(used.weight for used in answer.used) == pytest.approx(1)
    weights = {used.signal: used.weight for used in answer.used}
    for item in answer.recommendations:
        total = 0.0
        for part in item.parts:
            total += part.contribution
        assert total == item.score
        told = sum(weights[signal] * value for signal, value in item.signal_values.items())
        assert told == pytest.approx(item.score)
        assert item.item.title == f"Title of {item.item.id}"
    assert answer.recommendations[0].reasons[0].kind == ranker_pb2.REASON_KIND_SIMILAR_CONTENT
    assert answer.provenance.model_digest == "model"
    assert answer.provenance.weights_version
    assert {cost.stage for cost in answer.costs} >= {"embed", "taste", "popular", "search", "fuse", "frozen"}


PRICE = ranker_pb2.PriceBounds


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"catalogue": ""}, "catalogue"),
        ({"n": 10_000}, "n"),
        ({"n": -1}, "n"),
        ({"block_weights": {"content": 0}}, "block_weights"),
        ({"signal_weights": {"mood": 1}}, "signal_weights['mood']"),
        ({"diversity": 2.0}, "diversity"),
        ({"language": "fr"}, "language"),
        ({"fusion": 77}, "fusion"),
        ({"scene": "none"}, "scene"),
        ({"session_events": [profile_pb2.Event(item_id="item-00")]}, "session_events[0].type"),
        ({"session_events": [profile_pb2.Event(type=profile_pb2.EVENT_TYPE_LIKE)]}, "session_events[0].item_id"),
        ({"rules": ranker_pb2.Rules(max_per_category=-1)}, "rules.max_per_category"),
        ({"rules": ranker_pb2.Rules(near_duplicate_cosine=2)}, "rules.near_duplicate_cosine"),
        ({"rules": ranker_pb2.Rules(price=PRICE(currency="EUR"))}, "rules.price"),
        ({"rules": ranker_pb2.Rules(price=PRICE(currency="EUR", at_least=2, at_most=1))}, "rules.price.at_most"),
        ({"rules": ranker_pb2.Rules(boosts=[ranker_pb2.Boost(name="x")])}, "rules.boosts[0].field"),
        ({"remember_photo": True, "user_id": "ann"}, "remember_photo"),
        ({"remember_photo": True, "photo": common_pb2.Photo(data=b"x")}, "remember_photo"),
        ({"record_impressions": True}, "record_impressions"),
    ],
)
async def test_bad_input_is_invalid_argument_with_its_field(stub: Stub, fields: dict[str, object], field: str) -> None:
    request = ranker_pb2.RecommendRequest(**{"catalogue": "shop", **fields})  # type: ignore[arg-type]
    code, _, status = await refusal(stub.Recommend(request))
    assert code == INVALID
    bad = detail(status, error_details_pb2.BadRequest())
    assert [violation.field for violation in bad.field_violations] == [field]
    assert (await stub.Recommend(ranker_pb2.RecommendRequest(catalogue="shop"))).recommendations, "it keeps serving"


async def test_zero_means_ten(stub: Stub) -> None:
    assert len((await stub.Recommend(ranker_pb2.RecommendRequest(catalogue="shop", n=0))).recommendations) == len(ROWS)


async def test_another_space_is_a_failed_precondition(stub: Stub) -> None:
    other = common_pb2.Vector(space="toy@00000002", data=b"\0" * 24)
    request = ranker_pb2.RecommendRequest(catalogue="shop", photo_vector=other)
    code, _, status = await refusal(stub.Recommend(request))
    assert code == grpc.StatusCode.FAILED_PRECONDITION
    detail(status, error_details_pb2.PreconditionFailure())


async def test_a_session_counts_and_what_was_disliked_is_not_shown(stub: Stub) -> None:
    events = [
        profile_pb2.Event(type=profile_pb2.EVENT_TYPE_LIKE, item_id="item-30"),
        profile_pb2.Event(type=profile_pb2.EVENT_TYPE_DISLIKE, item_id="item-10"),
    ]
    answer = await stub.Recommend(ranker_pb2.RecommendRequest(catalogue="shop", session_events=events, explain=True))
    assert "session" in {used.signal for used in answer.used}
    ids = [item.item.id for item in answer.recommendations]
    assert ids[0] == "item-31", "the other item of that content"
    assert not {"item-30", "item-10"} & set(ids)


async def test_reasons_are_told_in_the_language_that_is_asked_for(stub: Stub) -> None:
    request = ranker_pb2.RecommendRequest(
        catalogue="shop", photo=common_pb2.Photo(data=b"x"), explain=True, language="zh", n=1
    )
    (best,) = (await stub.Recommend(request)).recommendations
    assert best.reasons[0].text == "与照片中的内容相似"


async def test_by_reciprocal_rank_values_are_those_of_places(stub: Stub) -> None:
    request = ranker_pb2.RecommendRequest(
        catalogue="shop",
        photo=common_pb2.Photo(data=b"x"),
        explain=True,
        fusion=ranker_pb2.FUSION_RECIPROCAL_RANK,
        n=1,
    )
    (best,) = (await stub.Recommend(request)).recommendations
    assert best.signal_values["photo"] == pytest.approx(1 / 61)


async def test_scenes_are_listed_with_their_weights(stub: Stub) -> None:
    scenes = (await stub.GetScenes(ranker_pb2.GetScenesRequest())).scenes
    assert [scene.name for scene in scenes] == ["art", "balanced", "shop", "social"]
    assert all(scene.signal_weights and scene.block_weights and scene.description for scene in scenes)


async def test_weights_that_were_put_are_listed_used_and_named(stub: Stub) -> None:
    before = await stub.GetScenes(ranker_pb2.GetScenesRequest())
    mine = ranker_pb2.Scene(name="mine", description="of ours", signal_weights={"popularity": 1.0})
    put = ranker_pb2.PutSignalWeightsRequest(scene=mine, if_version=before.weights_version)
    version = (await stub.PutSignalWeights(put)).weights_version
    listed = await stub.GetScenes(ranker_pb2.GetScenesRequest())
    assert (listed.weights_version, mine in listed.scenes) == (version, True)
    answer = await stub.Recommend(ranker_pb2.RecommendRequest(catalogue="shop", scene="mine"))
    assert answer.provenance.weights_version == version != before.weights_version
    assert [(used.signal, used.weight) for used in answer.used] == [("popularity", 1.0)]
    code, reason, _ = await refusal(stub.PutSignalWeights(put))
    assert (code, reason) == (grpc.StatusCode.ALREADY_EXISTS, "WEIGHTS_CHANGED")
    await stub.PutSignalWeights(ranker_pb2.PutSignalWeightsRequest(scene=mine, remove=True))
    assert (await stub.GetScenes(ranker_pb2.GetScenesRequest())).scenes == before.scenes


async def test_weights_that_cannot_be_are_refused(stub: Stub) -> None:
    code, _, status = await refusal(
        stub.PutSignalWeights(ranker_pb2.PutSignalWeightsRequest(scene=ranker_pb2.Scene(name="mine")))
    )
    assert code == INVALID
    bad = detail(status, error_details_pb2.BadRequest())
    assert [violation.field for violation in bad.field_violations] == ["scene.signal_weights"]
