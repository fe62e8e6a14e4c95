"""The embedder as its callers see it: a real server, a real channel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from services.embedder.app import build
from services.embedder.images import read_picture
from services.embedder.model import Model, OnnxModel, ToyModel
from services.embedder.settings import EmbedderSettings
from services.errors import InvalidInput, InvalidPicture, NotFound, NotImplementedYet, VisrecError
from services.runtime.faults import error_of
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from tests.embedder.pictures import encode, image, jpeg
from tests.servers import Served, fault, serving_async
from visrec.v1 import common_pb2, embedder_pb2, embedder_pb2_grpc


@pytest.fixture
async def served(runtime: RuntimeSettings) -> AsyncIterator[Served[grpc.aio.Channel]]:
    async with serving_async(await build(EmbedderSettings(model="toy"), runtime, Telemetry()), runtime) as served:
        yield served


@pytest.fixture
def stub(served: Served[grpc.aio.Channel]) -> Any:
    return embedder_pb2_grpc.EmbedderServiceStub(served.channel)


def asking(data: bytes, **fields: Any) -> embedder_pb2.EmbedImageRequest:
    return embedder_pb2.EmbedImageRequest(photo=common_pb2.Photo(data=data), **fields)


def expected(model: Model, data: bytes) -> np.ndarray:
    vectors: np.ndarray = model.embed(read_picture(data, model.card.input_pixels)[None]).vectors
    return np.asarray(vectors[0])


async def refusal(call: Any) -> VisrecError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return fault(caught.value)


async def test_the_model_says_what_it_is(stub: Any) -> None:
    model = (await stub.GetModel(embedder_pb2.GetModelRequest())).model
    toy = ToyModel()
    assert (model.name, model.digest, model.input_pixels) == ("toy", toy.card.digest, 32)
    assert [space.name for space in model.spaces] == [toy.space.name]
    assert [(block.name, block.dimension) for block in model.spaces[0].blocks] == [("content", 16), ("colour", 6)]


async def test_a_photo_becomes_a_vector_of_its_space(stub: Any) -> None:
    answer = await stub.EmbedImage(asking(jpeg()))
    assert answer.vector.space == ToyModel().space.name
    np.testing.assert_allclose(np.frombuffer(answer.vector.data, "<f4"), expected(ToyModel(), jpeg()), atol=1e-6)
    assert answer.model_digest == ToyModel().card.digest
    assert [cost.stage for cost in answer.costs] == ["queue", "decode", "network"]
    assert not answer.raw_features


async def test_raw_features_come_as_float16_when_asked_for(stub: Any) -> None:
    answer = await stub.EmbedImage(asking(jpeg(), include_raw_features=True))
    raw = np.frombuffer(answer.raw_features, "<f2")
    wanted = ToyModel().embed(read_picture(jpeg(), 32)[None]).features[0]
    np.testing.assert_allclose(raw, wanted, atol=1e-3)


async def test_a_crop_is_looked_at_alone(stub: Any) -> None:
    request = asking(jpeg())
    request.photo.crop.CopyFrom(common_pb2.CropBox(left=0, top=0, right=0.5, bottom=1))
    cropped = await stub.EmbedImage(request)
    assert cropped.vector.data != (await stub.EmbedImage(asking(jpeg()))).vector.data


@pytest.mark.parametrize(
    ("request_", "kind", "field"),
    [
        (embedder_pb2.EmbedImageRequest(), InvalidPicture, "photo.data"),
        (asking(b"no picture"), InvalidPicture, "photo.data"),
        (asking(jpeg()[:300]), InvalidPicture, "photo.data"),
        (asking(encode(image(1, 1), "PNG")), InvalidPicture, "photo.data"),
        (asking(bytes(16 * 1024 * 1024 + 1)), InvalidPicture, "photo.data"),
        (
            embedder_pb2.EmbedImageRequest(
                photo=common_pb2.Photo(data=jpeg(), crop=common_pb2.CropBox(left=0.5, top=0, right=0.4, bottom=1))
            ),
            InvalidInput,
            "photo.crop.right",
        ),
        (asking(jpeg(), space="visual@00000000"), NotFound, None),
        (asking(jpeg(), include_evidence=True), NotImplementedYet, None),
        (asking(jpeg(), multi_crop=True), NotImplementedYet, None),
    ],
)
async def test_what_cannot_be_done_is_refused_and_the_next_call_is_answered(
    stub: Any, request_: embedder_pb2.EmbedImageRequest, kind: type[VisrecError], field: str | None
) -> None:
    problem = await refusal(stub.EmbedImage(request_))
    assert type(problem) is kind
    assert getattr(problem, "field", None) == field
    assert (await stub.EmbedImage(asking(jpeg()))).vector.data


async def test_a_bad_picture_names_its_field_in_the_details(stub: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.EmbedImage(asking(b"no picture"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    trailers = dict(caught.value.trailing_metadata() or ())
    status = Status.FromString(trailers["grpc-status-details-bin"])
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(bad)
    assert (info.reason, info.domain) == ("INVALID_PICTURE", "visrec")
    assert bad.field_violations[0].field == "photo.data"


@pytest.mark.parametrize("name", ["PutHead", "ListHeads"])
async def test_what_a_later_version_does_says_so(stub: Any, name: str) -> None:
    request = getattr(embedder_pb2, f"{name}Request")()
    assert isinstance(await refusal(getattr(stub, name)(request)), NotImplementedYet)


async def streamed(
    stub: Any, requests: Iterable[embedder_pb2.EmbedImagesRequest]
) -> list[embedder_pb2.EmbedImagesResponse]:
    return [answer async for answer in stub.EmbedImages(iter(requests))]


async def test_a_stream_keeps_its_order_and_a_bad_photo_fails_alone(stub: Any) -> None:
    files = [jpeg(number) if number % 3 else b"no picture" for number in range(40)]
    requests = [
        embedder_pb2.EmbedImagesRequest(key=str(number), request=asking(data)) for number, data in enumerate(files)
    ]
    answers = await streamed(stub, requests)
    assert [answer.key for answer in answers] == [str(number) for number in range(40)]
    for answer, data in zip(answers, files, strict=True):
        if data == b"no picture":
            problem = error_of(answer.error)
            assert isinstance(problem, InvalidPicture)
            assert problem.field == "request.photo.data"
        else:
            vector = np.frombuffer(answer.embedding.vector.data, "<f4")
            np.testing.assert_allclose(vector, expected(ToyModel(), data), atol=1e-6)


async def test_each_photo_of_a_stream_is_asked_in_its_own_way(stub: Any) -> None:
    plain, raw, other_space, long_key = await streamed(
        stub,
        [
            embedder_pb2.EmbedImagesRequest(request=asking(jpeg())),
            embedder_pb2.EmbedImagesRequest(request=asking(jpeg(), include_raw_features=True)),
            embedder_pb2.EmbedImagesRequest(request=asking(jpeg(), space="visual@00000000")),
            embedder_pb2.EmbedImagesRequest(key="k" * 513, request=asking(jpeg())),
        ],
    )
    assert not plain.embedding.raw_features
    assert raw.embedding.raw_features
    assert isinstance(error_of(other_space.error), NotFound)
    assert isinstance(error_of(long_key.error), InvalidInput)


async def test_an_empty_stream_has_no_answers(stub: Any) -> None:
    assert await streamed(stub, []) == []


async def test_the_photos_are_counted(served: Served[grpc.aio.Channel], runtime: RuntimeSettings) -> None:
    telemetry = Telemetry()
    app = await build(EmbedderSettings(model="toy"), runtime, telemetry)
    async with serving_async(app, runtime) as other:
        await embedder_pb2_grpc.EmbedderServiceStub(other.channel).EmbedImage(asking(jpeg()))
    labels = {"stage": "decode"}
    assert telemetry.registry.get_sample_value("visrec_embedder_stage_seconds_count", labels) == 1
    assert telemetry.registry.get_sample_value("visrec_embedder_waiting") == 0


async def test_the_real_model_is_served_and_its_graph_is_kept(
    runtime: RuntimeSettings, int8: OnnxModel, tmp_path: Any
) -> None:
    settings = EmbedderSettings(workers=2, model_dir=tmp_path / "graphs")
    async with serving_async(await build(settings, runtime, Telemetry()), runtime) as served:
        stub: Any = embedder_pb2_grpc.EmbedderServiceStub(served.channel)
        answer = await stub.EmbedImage(asking(jpeg()))
    assert answer.vector.space == int8.space.name
    np.testing.assert_allclose(np.frombuffer(answer.vector.data, "<f4"), expected(int8, jpeg()), atol=2e-6)
    assert len(list((tmp_path / "graphs").iterdir())) == 1
