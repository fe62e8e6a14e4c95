"""Vectors from raw features that were kept are those of the photos."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from services.embedder.app import assemble
from services.embedder.head_store import MemoryHeadStore
from services.embedder.settings import EmbedderSettings
from services.embedder.sight import LocalSight
from services.embedder.toy import ToyNetwork, toy_model
from services.errors import InvalidInput, NotFound
from services.runtime.faults import error_of
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from tests.embedder.pictures import jpeg
from tests.embedder.test_servicer import TOY, a_head, asking, refusal
from tests.servers import serving_async
from visrec.v1 import common_pb2, embedder_pb2, embedder_pb2_grpc

RAW = TOY.card.raw_dimension


@pytest.fixture
async def stub(runtime: RuntimeSettings) -> AsyncIterator[Any]:
    app = assemble(EmbedderSettings(), Telemetry(), toy_model(), [LocalSight(ToyNetwork())], MemoryHeadStore())
    async with serving_async(app, runtime) as served:
        yield embedder_pb2_grpc.EmbedderServiceStub(served.channel)


async def seen(stub: Any, space: str = "") -> embedder_pb2.EmbedImageResponse:
    answer: embedder_pb2.EmbedImageResponse = await stub.EmbedImage(
        asking(jpeg(), space=space, include_raw_features=True)
    )
    return answer


async def projected(stub: Any, space: str, *photos: embedder_pb2.KeptFeatures) -> list[embedder_pb2.ProjectedVector]:
    answer = await stub.ProjectFeatures(embedder_pb2.ProjectFeaturesRequest(space=space, photos=photos))
    assert answer.model_digest == TOY.card.digest
    return list(answer.results)


def numbers(vector: common_pb2.Vector) -> np.ndarray:
    return np.frombuffer(vector.data, "<f4")


@pytest.mark.parametrize("back", [False, True])
async def test_a_vector_is_that_of_the_photo_whatever_space_its_other_blocks_come_from(stub: Any, back: bool) -> None:
    given = (await stub.PutHead(embedder_pb2.PutHeadRequest(head=a_head()))).space.name
    origin, space = (given, "") if back else ("", given)
    kept = await seen(stub, origin)
    (result,) = await projected(
        stub, space, embedder_pb2.KeptFeatures(raw_features=kept.raw_features, vector=kept.vector)
    )
    wanted = (await seen(stub, space)).vector
    assert result.vector.space == wanted.space
    np.testing.assert_allclose(numbers(result.vector), numbers(wanted), atol=2e-3)


async def test_photos_fail_one_by_one(stub: Any) -> None:
    kept = await seen(stub)
    raw, vector = kept.raw_features, kept.vector
    strange = common_pb2.Vector(space="visual@00000000", data=vector.data)
    nan = np.full(RAW, np.nan, "<f2").tobytes()
    results = await projected(
        stub,
        "",
        embedder_pb2.KeptFeatures(raw_features=raw[:-2], vector=vector),
        embedder_pb2.KeptFeatures(raw_features=nan, vector=vector),
        embedder_pb2.KeptFeatures(raw_features=raw, vector=vector),
        embedder_pb2.KeptFeatures(raw_features=raw),
        embedder_pb2.KeptFeatures(raw_features=raw, vector=strange),
        embedder_pb2.KeptFeatures(raw_features=raw, vector=common_pb2.Vector(space=vector.space, data=b"1234")),
    )
    told = [error_of(one.error) if one.HasField("error") else None for one in results]
    assert [getattr(one, "field", type(one).__name__) for one in told] == [
        "photos[0].raw_features",
        "photos[1].raw_features",
        "NoneType",
        "photos[3].vector",
        "NotFound",
        "photos[5].vector.data",
    ]
    assert [one and one.reason for one in told] == [
        "WRONG_DIMENSION",
        "NOT_FINITE",
        None,
        "BLOCK_MISSING",
        "SPACE_NOT_FOUND",
        "WRONG_DIMENSION",
    ]
    np.testing.assert_allclose(numbers(results[2].vector), numbers(vector), atol=2e-3)


async def test_blocks_of_features_alone_need_no_vector(stub: Any) -> None:
    (content, _) = a_head().blocks
    content.block.default_weight = 1
    head = a_head(blocks=[content])
    space = (await stub.PutHead(embedder_pb2.PutHeadRequest(head=head))).space.name
    kept = await seen(stub)
    (result,) = await projected(stub, space, embedder_pb2.KeptFeatures(raw_features=kept.raw_features))
    np.testing.assert_allclose(numbers(result.vector), numbers((await seen(stub, space)).vector), atol=2e-3)


async def test_a_request_that_is_wrong_as_a_whole_is_refused(stub: Any) -> None:
    def ask(space: str, *photos: embedder_pb2.KeptFeatures) -> Any:
        return stub.ProjectFeatures(embedder_pb2.ProjectFeaturesRequest(space=space, photos=photos))

    one = embedder_pb2.KeptFeatures(raw_features=bytes(2 * RAW))
    assert isinstance(await refusal(ask("visual@00000000", one)), NotFound)
    many = [embedder_pb2.KeptFeatures(vector=common_pb2.Vector(space=f"visual@{number:08x}")) for number in range(9)]
    for photos in ([], [one] * 1001, many):
        refused = await refusal(ask("", *photos))
        assert isinstance(refused, InvalidInput)
        assert refused.field == "photos"


async def test_many_at_once_are_as_one_by_one(stub: Any) -> None:
    kept = await seen(stub)
    random = np.random.default_rng(0)
    photos = [
        embedder_pb2.KeptFeatures(raw_features=random.random(RAW).astype("<f2").tobytes(), vector=kept.vector)
        for _ in range(100)
    ]
    together = await projected(stub, "", *photos)
    for number in (0, 50, 99):
        (alone,) = await projected(stub, "", photos[number])
        np.testing.assert_allclose(numbers(together[number].vector), numbers(alone.vector), atol=1e-6)
