"""The embedder as its callers see it: a real server, a real channel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status
from pydantic import ValidationError

from services.embedder.app import assemble, build
from services.embedder.head_store import MemoryHeadStore
from services.embedder.images import read_picture, read_views
from services.embedder.settings import EmbedderSettings
from services.embedder.sight import LocalSight
from services.embedder.toy import ToyNetwork, toy_model
from services.errors import InvalidInput, InvalidPicture, NotFound, Refused, VisrecError
from services.runtime.faults import error_of
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from tests.embedder.pictures import encode, image, jpeg
from tests.embedder.whole import Whole, toy
from tests.servers import Served, fault, serving_async
from visrec.v1 import common_pb2, embedder_pb2, embedder_pb2_grpc


@pytest.fixture
async def served(runtime: RuntimeSettings) -> AsyncIterator[Served[grpc.aio.Channel]]:
    app = assemble(EmbedderSettings(), Telemetry(), toy_model(), [LocalSight(ToyNetwork())], MemoryHeadStore())
    async with serving_async(app, runtime) as served:
        yield served


@pytest.fixture
def stub(served: Served[grpc.aio.Channel]) -> Any:
    return embedder_pb2_grpc.EmbedderServiceStub(served.channel)


TOY = toy()


def asking(data: bytes, **fields: Any) -> embedder_pb2.EmbedImageRequest:
    return embedder_pb2.EmbedImageRequest(photo=common_pb2.Photo(data=data), **fields)


def expected(model: Whole, data: bytes) -> np.ndarray:
    vectors: np.ndarray = model.embed(read_picture(data, model.card.input_pixels)[None])
    return np.asarray(vectors[0])


async def refusal(call: Any) -> VisrecError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return fault(caught.value)


async def test_the_model_says_what_it_is(stub: Any) -> None:
    model = (await stub.GetModel(embedder_pb2.GetModelRequest())).model
    toy = TOY
    assert (model.name, model.digest, model.input_pixels) == ("toy", toy.card.digest, 32)
    assert [space.name for space in model.spaces] == [toy.space.name]
    assert [(block.name, block.dimension) for block in model.spaces[0].blocks] == [("content", 16), ("colour", 6)]


async def test_a_photo_becomes_a_vector_of_its_space(stub: Any) -> None:
    answer = await stub.EmbedImage(asking(jpeg()))
    assert answer.vector.space == TOY.space.name
    np.testing.assert_allclose(np.frombuffer(answer.vector.data, "<f4"), expected(TOY, jpeg()), atol=1e-6)
    assert answer.model_digest == TOY.card.digest
    assert [cost.stage for cost in answer.costs] == ["queue", "decode", "network"]
    assert not answer.raw_features


async def test_raw_features_come_as_float16_when_asked_for(stub: Any) -> None:
    answer = await stub.EmbedImage(asking(jpeg(), include_raw_features=True))
    raw = np.frombuffer(answer.raw_features, "<f2")
    wanted = TOY.look(read_picture(jpeg(), 32)[None]).features[0]
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
        (asking(jpeg(), include_evidence=True, multi_crop=True), InvalidInput, "include_evidence"),
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


def a_head(**fields: Any) -> embedder_pb2.Head:
    """The toy's features, turned around, beside its own colour."""
    matrix = np.eye(48, dtype="<f4")[::-1][:9].tobytes()
    content = embedder_pb2.HeadBlock(block=common_pb2.Block(name="content", dimension=9), matrix=matrix)
    colour = embedder_pb2.HeadBlock(
        block=common_pb2.Block(name="colour", dimension=6, default_weight=0.5), builtin=True
    )
    return embedder_pb2.Head(**{"family": "visual", "description": "turned", "blocks": [content, colour], **fields})


async def test_a_head_that_is_given_makes_a_space_that_can_be_asked_for(stub: Any) -> None:
    space = (await stub.PutHead(embedder_pb2.PutHeadRequest(head=a_head(), request_id="once"))).space
    answer = await stub.EmbedImage(asking(jpeg(), space=space.name, include_raw_features=True))
    assert answer.vector.space == space.name
    vector = np.frombuffer(answer.vector.data, "<f4")
    raw = np.frombuffer(answer.raw_features, "<f2").astype("f4")[::-1][:9]
    np.testing.assert_allclose(vector[:9], raw / np.linalg.norm(raw), atol=2e-3)
    own = np.frombuffer((await stub.EmbedImage(asking(jpeg()))).vector.data, "<f4")
    np.testing.assert_allclose(vector[9:], own[16:], atol=1e-6)
    model = (await stub.GetModel(embedder_pb2.GetModelRequest())).model
    assert [each.name for each in model.spaces] == [TOY.space.name, space.name]


async def test_heads_are_listed_and_deleted(stub: Any) -> None:
    space = (await stub.PutHead(embedder_pb2.PutHeadRequest(head=a_head()))).space
    (listed,) = (await stub.ListHeads(embedder_pb2.ListHeadsRequest())).heads
    assert (listed.space, listed.description) == (space, "turned")
    assert listed.create_time.seconds > 1_700_000_000
    await stub.DeleteHead(embedder_pb2.DeleteHeadRequest(space=space.name))
    assert not (await stub.ListHeads(embedder_pb2.ListHeadsRequest())).heads
    assert isinstance(await refusal(stub.EmbedImage(asking(jpeg(), space=space.name))), NotFound)
    assert isinstance(await refusal(stub.DeleteHead(embedder_pb2.DeleteHeadRequest(space=space.name))), NotFound)


def a_block(**fields: Any) -> list[embedder_pb2.HeadBlock]:
    return [embedder_pb2.HeadBlock(block=common_pb2.Block(name="content", dimension=2, default_weight=1), **fields)]


@pytest.mark.parametrize(
    ("head", "field"),
    [
        (a_head(family="Not One"), "head.family"),
        (a_head(blocks=[]), "head.blocks"),
        (a_head(blocks=a_block()), "head.blocks[0].matrix"),
        (a_head(blocks=a_block(matrix=bytes(4 * 48))), "head.blocks[0].matrix"),
        (a_head(blocks=a_block(matrix=bytes(2 * 4 * 48))), "head.blocks[0].matrix"),
        (a_head(blocks=a_block(matrix=np.ones((2, 48), "<f4").tobytes(), mean=bytes(4))), "head.blocks[0].mean"),
        (a_head(blocks=a_block(builtin=True, matrix=bytes(4))), "head.blocks[0].matrix"),
        (a_head(blocks=a_block(builtin=True)), "head.blocks[0].block.name"),
    ],
)
async def test_a_head_that_cannot_be_names_its_field(stub: Any, head: embedder_pb2.Head, field: str) -> None:
    problem = await refusal(stub.PutHead(embedder_pb2.PutHeadRequest(head=head)))
    assert isinstance(problem, InvalidInput)
    assert problem.field == field


async def test_without_a_redis_a_head_is_refused(runtime: RuntimeSettings) -> None:
    settings = EmbedderSettings(model="toy", workers=1)
    async with serving_async(await build(settings, runtime, Telemetry()), runtime) as served:
        stub: Any = embedder_pb2_grpc.EmbedderServiceStub(served.channel)
        problem = await refusal(stub.PutHead(embedder_pb2.PutHeadRequest(head=a_head())))
        assert isinstance(problem, Refused)
        assert problem.reason == "NO_HEAD_STORE"


async def test_a_head_outlives_the_process(redis_runtime: RuntimeSettings) -> None:
    settings = EmbedderSettings(model="toy", workers=1)
    names: list[str] = []
    for _ in range(2):
        async with serving_async(await build(settings, redis_runtime, Telemetry()), redis_runtime) as served:
            stub: Any = embedder_pb2_grpc.EmbedderServiceStub(served.channel)
            if not names:
                names.append((await stub.PutHead(embedder_pb2.PutHeadRequest(head=a_head()))).space.name)
            assert (await stub.EmbedImage(asking(jpeg(), space=names[0]))).vector.space == names[0]


async def test_evidence_sums_to_the_content_of_the_vector(stub: Any) -> None:
    answer = await stub.EmbedImage(asking(jpeg(), include_evidence=True))
    split = answer.evidence
    regions = np.frombuffer(split.regions, "<f4").reshape(split.rows * split.columns, -1)
    assert (split.block, split.rows, split.columns) == ("content", 4, 4)
    content = np.frombuffer(answer.vector.data, "<f4")[:16]
    np.testing.assert_allclose(regions.sum(axis=0) + np.frombuffer(split.offset, "<f4"), content, atol=1e-5)


async def test_a_head_without_regions_has_no_evidence_and_a_stream_names_the_field_as_it_is(stub: Any) -> None:
    own = [embedder_pb2.HeadBlock(block=common_pb2.Block(name="colour", dimension=6, default_weight=1), builtin=True)]
    space = (await stub.PutHead(embedder_pb2.PutHeadRequest(head=a_head(blocks=own)))).space.name
    request = asking(jpeg(), space=space, include_evidence=True)
    problem = await refusal(stub.EmbedImage(request))
    assert isinstance(problem, InvalidInput)
    assert problem.field == "include_evidence"
    (answer,) = await streamed(stub, [embedder_pb2.EmbedImagesRequest(request=request)])
    refused = error_of(answer.error)
    assert isinstance(refused, InvalidInput)
    assert refused.field == "request.include_evidence"


async def test_several_crops_are_averaged(stub: Any) -> None:
    photo = jpeg(height=64, width=192)
    answer = await stub.EmbedImage(asking(photo, multi_crop=True, include_raw_features=True))
    views = read_views(photo, 32, views=3)
    wanted = TOY.look(views).features.mean(axis=0)
    np.testing.assert_allclose(np.frombuffer(answer.raw_features, "<f2"), wanted, atol=1e-3)
    assert answer.vector.space == TOY.space.name


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
            np.testing.assert_allclose(vector, expected(TOY, data), atol=1e-6)


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
    runtime: RuntimeSettings, int8: Whole, tmp_path: Any
) -> None:
    settings = EmbedderSettings(workers=2, model_dir=tmp_path / "graphs")
    async with serving_async(await build(settings, runtime, Telemetry()), runtime) as served:
        stub: Any = embedder_pb2_grpc.EmbedderServiceStub(served.channel)
        answer = await stub.EmbedImage(asking(jpeg()))
    assert answer.vector.space == int8.space.name
    np.testing.assert_allclose(np.frombuffer(answer.vector.data, "<f4"), expected(int8, jpeg()), atol=2e-6)
    assert len(list((tmp_path / "graphs").iterdir())) == 1


@pytest.mark.parametrize("formats", ["JPEG", "webp, tiff"])
async def test_the_canary_sings_whatever_is_read(formats: str, runtime: RuntimeSettings) -> None:
    settings = EmbedderSettings(model="toy", workers=1, formats=formats, max_photo_bytes=1024, max_photo_pixels=1024)
    async with serving_async(await build(settings, runtime, Telemetry()), runtime) as served:
        stub: Any = embedder_pb2_grpc.EmbedderServiceStub(served.channel)
        assert isinstance(await refusal(stub.EmbedImage(asking(encode(image(), "PNG")))), InvalidPicture)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"formats": "JPEG,JPG"}, "JPG is none; there are JPEG, PNG"),
        ({"formats": " , "}, "at least one"),
        ({"model": "resnet50"}, "there are lite0, lite2"),
        ({"model": "nowhere.json"}, "cannot be read"),
    ],
)
def test_wrong_settings_say_what_there_is(setting: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        EmbedderSettings.model_validate(setting)
