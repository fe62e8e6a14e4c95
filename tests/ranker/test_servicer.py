"""The contract of the ranker through a real server: answers add up on the wire, bad input has status and details."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from services.ranker.metrics import RankerMetrics
from services.ranker.ports import CatalogueItem, Opaque
from services.ranker.recommend import Limits, Recommender
from services.ranker.servicer import RankerServicer
from services.runtime.app import AsyncApp
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from tests.ranker.fakes import FakeEmbedder, FakeIndexer, FakeProfile, embedding, taste, vector
from tests.servers import serving_async
from visrec.v1 import common_pb2, indexer_pb2, profile_pb2, ranker_pb2, ranker_pb2_grpc

ROWS = {f"item-{content}{colour}": vector(content, colour) for content in range(4) for colour in range(2)}


class WireIndexer(FakeIndexer):
    """The fake, with items as the contract has them."""

    async def items(self, catalogue: str, ids: object, version: str) -> dict[str, CatalogueItem]:
        found = await super().items(catalogue, ids, version)  # type: ignore[arg-type]
        return {i: CatalogueItem(i, item.title, indexer_pb2.Item(id=i, title=item.title)) for i, item in found.items()}


class WireEmbedder(FakeEmbedder):
    """Every photo shows the same thing."""

    async def embed(self, photo: Opaque, space: str) -> object:  # type: ignore[override]
        return embedding(2, 0)


@pytest.fixture
async def stub(runtime: RuntimeSettings) -> AsyncIterator[ranker_pb2_grpc.RankerServiceAsyncStub]:
    profile = FakeProfile()
    profile.tastes = {"ann": taste((0, 1), (3, 0))}
    profile.counts = {"item-11": 12.0}
    recommender = Recommender(WireEmbedder(), WireIndexer(ROWS), profile, time.monotonic, Limits())
    servicer = RankerServicer(recommender, RankerMetrics(Telemetry().registry), default_budget_s=10)

    async def nothing() -> None:
        pass

    app = AsyncApp(
        services=("visrec.v1.RankerService",),
        register=lambda server: ranker_pb2_grpc.add_RankerServiceServicer_to_server(servicer, server),
        canary=nothing,
        close=nothing,
    )
    async with serving_async(app, runtime) as served:
        yield ranker_pb2_grpc.RankerServiceStub(served.channel)


def detail(status: status_pb2.Status, into: Message) -> Message:
    """The detail of that type; fails when there is none."""
    assert any(each.Unpack(into) for each in status.details), f"no {into.DESCRIPTOR.name} in {status}"
    return into


async def refusal(
    stub: ranker_pb2_grpc.RankerServiceAsyncStub, request: ranker_pb2.RecommendRequest
) -> status_pb2.Status:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.Recommend(request)
    status = rpc_status.from_call(failed.value)
    assert status is not None
    info = detail(status, error_details_pb2.ErrorInfo())
    assert info.domain == "visrec"  # type: ignore[attr-defined]
    return status


async def test_scores_add_up_on_the_wire(stub: ranker_pb2_grpc.RankerServiceAsyncStub) -> None:
    answer = await stub.Recommend(
        ranker_pb2.RecommendRequest(
            catalogue="shop", user_id="ann", photo=common_pb2.Photo(data=b"any"), explain=True, n=8
        )
    )
    assert [item.rank for item in answer.recommendations] == list(range(1, 9))
    assert {used.signal for used in answer.used} == {"photo", "taste", "popularity"}
    assert sum(used.weight for used in answer.used) == pytest.approx(1)
    for item in answer.recommendations:
        total = 0.0
        for part in item.parts:
            total += part.contribution
        assert total == item.score
        assert item.item.title == f"Title of {item.item.id}"
    assert answer.recommendations[0].reasons[0].kind == ranker_pb2.REASON_KIND_SIMILAR_CONTENT
    assert answer.provenance.model_digest == "model"
    assert {cost.stage for cost in answer.costs} >= {"embed", "taste", "popular", "search", "fuse"}


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (ranker_pb2.RecommendRequest(), "catalogue"),
        (ranker_pb2.RecommendRequest(catalogue="shop", n=10_000), "n"),
        (ranker_pb2.RecommendRequest(catalogue="shop", n=-1), "n"),
        (ranker_pb2.RecommendRequest(catalogue="shop", block_weights={"content": 0}), "block_weights"),
        (ranker_pb2.RecommendRequest(catalogue="shop", signal_weights={"mood": 1}), "signal_weights['mood']"),
    ],
)
async def test_bad_input_is_invalid_argument_with_its_field(
    stub: ranker_pb2_grpc.RankerServiceAsyncStub, request_: ranker_pb2.RecommendRequest, field: str
) -> None:
    status = await refusal(stub, request_)
    assert status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    bad = detail(status, error_details_pb2.BadRequest())
    assert [violation.field for violation in bad.field_violations] == [field]  # type: ignore[attr-defined]
    assert (await stub.Recommend(ranker_pb2.RecommendRequest(catalogue="shop"))).recommendations, "it keeps serving"


async def test_zero_means_ten(stub: ranker_pb2_grpc.RankerServiceAsyncStub) -> None:
    assert len((await stub.Recommend(ranker_pb2.RecommendRequest(catalogue="shop", n=0))).recommendations) == len(ROWS)


@pytest.mark.parametrize(
    "request_",
    [
        ranker_pb2.RecommendRequest(catalogue="shop", diversity=0.5),
        ranker_pb2.RecommendRequest(catalogue="shop", remember_photo=True),
        ranker_pb2.RecommendRequest(catalogue="shop", session_events=[profile_pb2.Event()]),
    ],
)
async def test_a_field_of_a_later_version_is_refused_not_ignored(
    stub: ranker_pb2_grpc.RankerServiceAsyncStub, request_: ranker_pb2.RecommendRequest
) -> None:
    assert (await refusal(stub, request_)).code == grpc.StatusCode.UNIMPLEMENTED.value[0]


async def test_another_space_is_a_failed_precondition(stub: ranker_pb2_grpc.RankerServiceAsyncStub) -> None:
    other = common_pb2.Vector(space="toy@00000002", data=b"\0" * 24)
    status = await refusal(stub, ranker_pb2.RecommendRequest(catalogue="shop", photo_vector=other))
    assert status.code == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    detail(status, error_details_pb2.PreconditionFailure())


async def test_scenes_are_listed_with_their_weights(stub: ranker_pb2_grpc.RankerServiceAsyncStub) -> None:
    scenes = (await stub.GetScenes(ranker_pb2.GetScenesRequest())).scenes
    assert [scene.name for scene in scenes] == ["art", "balanced", "shop", "social"]
    assert all(scene.signal_weights and scene.block_weights and scene.description for scene in scenes)
