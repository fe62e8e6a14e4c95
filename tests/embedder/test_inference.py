"""The Open Inference Protocol as its callers see it: a real server, a real channel."""

from __future__ import annotations

import asyncio
import struct
import tomllib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import numpy as np
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from services.embedder.app import assemble
from services.embedder.head_store import MemoryHeadStore
from services.embedder.heads import Heads
from services.embedder.images import read_picture
from services.embedder.inference.batch import Embed
from services.embedder.inference.open_inference_pb2 import (
    InferParameter,
    InferTensorContents,
    ModelInferRequest,
    ModelInferResponse,
    ModelMetadataRequest,
    ModelReadyRequest,
    ServerLiveRequest,
    ServerMetadataRequest,
    ServerReadyRequest,
)
from services.embedder.inference.open_inference_pb2_grpc import (
    GRPCInferenceServiceStub,
    add_GRPCInferenceServiceServicer_to_server,
)
from services.embedder.inference.servicer import SERVICE, VERSION, InferenceServicer
from services.embedder.metrics import EmbedderMetrics
from services.embedder.photo import Embedded, Photo
from services.embedder.settings import EmbedderSettings
from services.embedder.sight import LocalSight
from services.embedder.toy import ToyNetwork, toy_model
from services.errors import InvalidInput, InvalidPicture, NotFound, Overloaded, TooLate, VisrecError
from services.runtime.app import AsyncApp
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from tests.embedder.pictures import jpeg
from tests.servers import Served, fault, serving_async
from visrec.v1 import common_pb2, embedder_pb2, embedder_pb2_grpc

Input: TypeAlias = ModelInferRequest.InferInputTensor
Output: TypeAlias = ModelInferRequest.InferRequestedOutputTensor

TOY = toy_model()
MOST = EmbedderSettings().max_waiting // 2

SAME = 1e-6
"""Absolute tolerance of float32: photos that were run together may be added up in another order."""


def embedder(telemetry: Telemetry | None = None, **settings: Any) -> AsyncApp:
    """Called on the loop that serves."""
    return assemble(
        EmbedderSettings(**settings), telemetry or Telemetry(), TOY, [LocalSight(ToyNetwork())], MemoryHeadStore()
    )


@pytest.fixture
async def served(runtime: RuntimeSettings) -> AsyncIterator[Served[grpc.aio.Channel]]:
    async with serving_async(embedder(), runtime) as served:
        yield served


@pytest.fixture
def stub(served: Served[grpc.aio.Channel]) -> Any:
    return GRPCInferenceServiceStub(served.channel)


def packed(files: Sequence[bytes]) -> bytes:
    """As Triton's clients write BYTES."""
    return b"".join(struct.pack("<I", len(file)) + file for file in files)


def asking(raw: Sequence[bytes] | None = None, typed: Sequence[bytes] = (), **fields: Any) -> ModelInferRequest:
    """A good request for the files of `raw`, or else of `typed`; `fields` takes the place of what it would have."""
    count = len(typed if raw is None else raw)
    contents = InferTensorContents(bytes_contents=typed) if typed else None
    given = {
        "model_name": "toy",
        "inputs": [Input(name="photo", datatype="BYTES", shape=[count], contents=contents)],
        "raw_input_contents": [] if raw is None else [packed(raw)],
    }
    return ModelInferRequest(**(given | fields))


def wanting(*names: str) -> list[Output]:
    return [Output(name=name) for name in names]


def tensors(answer: ModelInferResponse) -> dict[str, NDArray[np.float32]]:
    """Name to (n, dimension), from wherever the answer has it."""
    found = {}
    for index, output in enumerate(answer.outputs):
        assert output.datatype == "FP32"
        raw = answer.raw_output_contents
        flat = np.frombuffer(raw[index], "<f4") if raw else np.asarray(output.contents.fp32_contents, "<f4")
        found[output.name] = flat.reshape(output.shape)
    return found


async def embedded(channel: grpc.aio.Channel, data: bytes) -> NDArray[np.float32]:
    """What EmbedImage makes of the same file."""
    stub: Any = embedder_pb2_grpc.EmbedderServiceStub(channel)
    answer = await stub.EmbedImage(embedder_pb2.EmbedImageRequest(photo=common_pb2.Photo(data=data)))
    return np.frombuffer(answer.vector.data, "<f4")


async def refusal(call: Any) -> VisrecError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return fault(caught.value)


async def test_the_server_lives_and_is_ready_with_its_model(stub: Any) -> None:
    assert (await stub.ServerLive(ServerLiveRequest())).live
    assert (await stub.ServerReady(ServerReadyRequest())).ready
    assert (await stub.ModelReady(ModelReadyRequest(name="toy"))).ready


async def test_the_server_says_which_release_it_is(stub: Any) -> None:
    answer = await stub.ServerMetadata(ServerMetadataRequest())
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert (answer.name, answer.version, list(answer.extensions)) == ("visrec-embedder", project["version"], [])
    assert project["version"] == VERSION


async def test_the_model_says_what_it_takes_and_gives(stub: Any) -> None:
    answer = await stub.ModelMetadata(ModelMetadataRequest(name="toy"))
    assert answer.name == "toy"
    assert list(answer.versions) == [TOY.card.digest[:16]]
    assert [(each.name, each.datatype, list(each.shape)) for each in answer.inputs] == [("photo", "BYTES", [-1])]
    assert [(each.name, each.datatype, list(each.shape)) for each in answer.outputs] == [
        ("vector", "FP32", [-1, TOY.space.dimension]),
        ("features", "FP32", [-1, TOY.card.raw_dimension]),
    ]


@pytest.mark.parametrize("form", ["raw", "typed"])
async def test_photos_become_the_vectors_that_each_gets_alone(
    stub: Any, served: Served[grpc.aio.Channel], form: str
) -> None:
    files = [jpeg(seed) for seed in range(MOST)]
    answer = await stub.ModelInfer(asking(**{form: files}, id="a name"))
    assert (answer.model_name, answer.model_version, answer.id) == ("toy", TOY.card.digest[:16], "a name")
    assert answer.parameters["space"].string_param == TOY.space.name
    assert list(tensors(answer)) == ["vector", "features"], "the standard: all that there are when none is named"
    alone = np.stack([await embedded(served.channel, file) for file in files])
    np.testing.assert_allclose(tensors(answer)["vector"], alone, atol=SAME)


async def test_the_answer_is_raw_exactly_when_the_request_was(stub: Any) -> None:
    raw = await stub.ModelInfer(asking([jpeg()]))
    assert len(raw.raw_output_contents) == 2
    assert not raw.outputs[0].HasField("contents")
    typed = await stub.ModelInfer(asking(typed=[jpeg()]))
    assert not typed.raw_output_contents
    assert len(typed.outputs[0].contents.fp32_contents) == TOY.space.dimension


@pytest.mark.parametrize("form", ["raw", "typed"])
async def test_the_outputs_that_were_named_come_in_that_order(stub: Any, form: str) -> None:
    answer = await stub.ModelInfer(asking(**{form: [jpeg(), jpeg(1)]}, outputs=wanting("features", "vector")))
    found = tensors(answer)
    assert list(found) == ["features", "vector"]
    assert found["features"].shape == (2, TOY.card.raw_dimension)
    assert found["vector"].shape == (2, TOY.space.dimension)
    alone = tensors(await stub.ModelInfer(asking([jpeg()], outputs=wanting("features"))))
    assert list(alone) == ["features"]
    expected = ToyNetwork().look(read_picture(jpeg(), TOY.card.input_pixels)[None]).features
    np.testing.assert_allclose(alone["features"], expected, atol=SAME)
    np.testing.assert_allclose(found["features"][:1], expected, atol=SAME)


async def test_the_one_version_and_the_one_space_can_be_named(stub: Any) -> None:
    version, space = TOY.card.digest[:16], InferParameter(string_param=TOY.space.name)
    assert (await stub.ModelReady(ModelReadyRequest(name="toy", version=version))).ready
    assert (await stub.ModelMetadata(ModelMetadataRequest(name="toy", version=version))).name == "toy"
    answer = await stub.ModelInfer(asking([jpeg()], model_version=version, parameters={"space": space}))
    assert answer.model_version == version


async def test_the_space_of_a_given_head_can_be_named(stub: Any, served: Served[grpc.aio.Channel]) -> None:
    block = embedder_pb2.HeadBlock(
        block=common_pb2.Block(name="first", dimension=1, default_weight=1),
        matrix=np.eye(1, TOY.card.raw_dimension, dtype="<f4").tobytes(),
    )
    heads: Any = embedder_pb2_grpc.EmbedderServiceStub(served.channel)
    head = embedder_pb2.Head(family="tiny", blocks=[block])
    space = (await heads.PutHead(embedder_pb2.PutHeadRequest(head=head))).space.name
    answer = await stub.ModelInfer(asking([jpeg()], parameters={"space": InferParameter(string_param=space)}))
    assert answer.parameters["space"].string_param == space
    assert tensors(answer)["vector"].shape == (1, 1)


async def test_parameters_that_others_understand_are_ignored(stub: Any) -> None:
    request = asking([jpeg()], parameters={"timeout": InferParameter(int64_param=5)}, outputs=wanting("vector"))
    request.inputs[0].parameters["binary_data_size"].int64_param = 5
    request.outputs[0].parameters["binary_data"].bool_param = True
    assert (await stub.ModelInfer(request)).raw_output_contents


@pytest.mark.parametrize(("name", "version", "kind"), [("b0", "", "model"), ("", "", "model"), ("toy", "2", "version")])
async def test_a_model_that_is_not_here_is_not_found(stub: Any, name: str, version: str, kind: str) -> None:
    for call in (
        stub.ModelReady(ModelReadyRequest(name=name, version=version)),
        stub.ModelMetadata(ModelMetadataRequest(name=name, version=version)),
        stub.ModelInfer(asking([jpeg()], model_name=name, model_version=version)),
    ):
        problem = await refusal(call)
        assert isinstance(problem, NotFound)
        assert problem.kind.endswith(kind)


async def test_a_space_that_the_model_does_not_have_is_not_found(stub: Any) -> None:
    parameters = {"space": InferParameter(string_param="visual@00000000")}
    problem = await refusal(stub.ModelInfer(asking([jpeg()], parameters=parameters)))
    assert isinstance(problem, NotFound)
    assert problem.kind == "space"


def one(**fields: Any) -> list[Input]:
    return [Input(**({"name": "photo", "datatype": "BYTES", "shape": [1]} | fields))]


def some(*fields: str) -> dict[str, InferParameter]:
    return {field: InferParameter(string_param="x") for field in fields}


TYPED = InferTensorContents(bytes_contents=[jpeg()])
MIXED = InferTensorContents(bytes_contents=[jpeg()], fp32_contents=[1.0])


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (asking([jpeg()], inputs=[]), "inputs"),
        (asking([jpeg()], inputs=one() * 2), "inputs"),
        (asking([jpeg()], inputs=one(name="image")), "inputs[0].name"),
        (asking([jpeg()], inputs=one(datatype="UINT8")), "inputs[0].datatype"),
        (asking([jpeg()], inputs=one(shape=[])), "inputs[0].shape"),
        (asking([jpeg()], inputs=one(shape=[1, 1])), "inputs[0].shape"),
        (asking([jpeg()], inputs=one(shape=[-1])), "inputs[0].shape"),
        (asking([]), "inputs[0].shape"),
        (asking([b""] * (MOST + 1)), "inputs[0].shape"),
        (asking([jpeg()], inputs=one(shape=[2**62])), "inputs[0].shape"),
        (asking([jpeg()], inputs=one(contents=TYPED)), "inputs[0].contents"),
        (
            asking([jpeg()], inputs=one(parameters=some("shared_memory_region"))),
            "inputs[0].parameters[shared_memory_region]",
        ),
        (asking(inputs=one()), "inputs[0].contents.bytes_contents"),
        (asking(inputs=one(contents=MIXED)), "inputs[0].contents.fp32_contents"),
        (asking(inputs=one(contents=TYPED, shape=[2])), "inputs[0].contents.bytes_contents"),
        (asking([jpeg()], raw_input_contents=[packed([jpeg()])] * 2), "raw_input_contents"),
        (asking([jpeg()], raw_input_contents=[b""]), "raw_input_contents[0]"),
        (asking([jpeg()], raw_input_contents=[b"\1\0"]), "raw_input_contents[0]"),
        (asking([jpeg()], raw_input_contents=[b"\xff\xff\xff\xff" + jpeg()]), "raw_input_contents[0]"),
        (asking([jpeg()], raw_input_contents=[packed([jpeg()])[:-1]]), "raw_input_contents[0]"),
        (asking([jpeg()], raw_input_contents=[packed([jpeg()]) + b"\0"]), "raw_input_contents[0]"),
        (asking([jpeg()], raw_input_contents=[packed([jpeg()] * 2)]), "raw_input_contents[0]"),
        (asking([jpeg()], outputs=wanting("vector", "logits")), "outputs[1].name"),
        (asking([jpeg()], outputs=wanting("vector", "vector")), "outputs[1].name"),
        (
            asking([jpeg()], outputs=[Output(name="vector", parameters=some("classification"))]),
            "outputs[0].parameters[classification]",
        ),
        (asking([jpeg()], parameters={"space": InferParameter(int64_param=1)}), "parameters[space]"),
        (asking([jpeg()], parameters={"space": InferParameter()}), "parameters[space]"),
    ],
)
async def test_a_bad_tensor_is_refused_by_its_field_and_the_next_call_is_answered(
    stub: Any, request_: ModelInferRequest, field: str
) -> None:
    problem = await refusal(stub.ModelInfer(request_))
    assert type(problem) is InvalidInput
    assert problem.field == field
    assert (await stub.ModelInfer(asking([jpeg()]))).raw_output_contents


@pytest.mark.parametrize("bad", [b"", b"no picture", jpeg()[:300], bytes(16 * 1024 * 1024 + 1)])
@pytest.mark.parametrize(
    ("form", "field"), [("raw", "raw_input_contents[0][3]"), ("typed", "inputs[0].contents.bytes_contents[3]")]
)
async def test_a_bad_photo_fails_the_call_and_names_itself_in_the_details(
    stub: Any, form: str, field: str, bad: bytes
) -> None:
    files = [jpeg(0), jpeg(1), jpeg(2), bad, jpeg(4)]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ModelInfer(asking(**{form: files}))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert isinstance(fault(caught.value), InvalidPicture)
    trailers = dict(caught.value.trailing_metadata() or ())
    status = Status.FromString(trailers["grpc-status-details-bin"])
    info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(request)
    assert (info.reason, info.domain) == ("INVALID_PICTURE", "visrec")
    assert request.field_violations[0].field == field


async def test_a_request_never_has_more_photos_than_the_queue_has_room_for(runtime: RuntimeSettings) -> None:
    async with serving_async(embedder(max_waiting=1), runtime) as served:
        stub: Any = GRPCInferenceServiceStub(served.channel)
        assert (await stub.ModelInfer(asking([jpeg()]))).raw_output_contents
        problem = await refusal(stub.ModelInfer(asking([jpeg()] * 2)))
    assert isinstance(problem, InvalidInput)
    assert problem.field == "inputs[0].shape"


async def test_health_and_reflection_know_both_services(served: Served[grpc.aio.Channel]) -> None:
    health: Any = health_pb2_grpc.HealthStub(served.channel)
    reflection: Any = reflection_pb2_grpc.ServerReflectionStub(served.channel)
    names = {"visrec.v1.EmbedderService", SERVICE}
    for name in names:
        answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE),
    ]
    listed, described = [answer async for answer in reflection.ServerReflectionInfo(iter(asked))]
    assert names <= {each.name for each in listed.list_services_response.service}
    files = map(FileDescriptorProto.FromString, described.file_descriptor_response.file_descriptor_proto)
    assert "inference" in {file.package for file in files}


async def test_calls_and_photos_are_counted(runtime: RuntimeSettings) -> None:
    photos = Telemetry()
    async with serving_async(embedder(photos), runtime) as served:
        stub: Any = GRPCInferenceServiceStub(served.channel)
        await stub.ModelInfer(asking([jpeg(0), jpeg(1), jpeg(2)]))
        await refusal(stub.ModelInfer(asking([b"no picture"])))
    stages = photos.registry.get_sample_value("visrec_embedder_stage_seconds_count", {"stage": "decode"})
    assert stages == 3
    for code in ("OK", "INVALID_ARGUMENT"):
        labels = {"grpc_service": SERVICE, "grpc_method": "ModelInfer", "grpc_code": code}
        assert served.telemetry.registry.get_sample_value("grpc_server_handled_total", labels) == 1


def standing_before(embed: Embed, *, ready: bool = True) -> AsyncApp:
    """The servicer alone, before a queue that is made up."""
    metrics = EmbedderMetrics(CollectorRegistry(), lambda: 0)
    servicer = InferenceServicer(TOY, Heads(TOY, None, lambda: 0), embed, metrics, ready=lambda: ready, waiting=64)

    async def nothing() -> None:
        return

    def register(server: grpc.aio.Server) -> None:
        add_GRPCInferenceServiceServicer_to_server(servicer, server)

    return AsyncApp((SERVICE,), register, canary=nothing, close=nothing)


async def full(photo: Photo, deadline: float) -> Embedded:
    raise Overloaded("too many photos are waiting", retry_after_ms=700)


async def test_a_full_queue_is_said_with_a_time_to_come_again(runtime: RuntimeSettings) -> None:
    async with serving_async(standing_before(full), runtime) as served:
        stub: Any = GRPCInferenceServiceStub(served.channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ModelInfer(asking([jpeg()] * 3))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    problem = fault(caught.value)
    assert isinstance(problem, Overloaded)
    assert problem.retry_after_ms == 700


async def test_at_the_deadline_the_photos_leave_the_queue(runtime: RuntimeSettings) -> None:
    """The caller's deadline, and the default one of a call that has none."""
    left = asyncio.Semaphore(0)

    async def waiting(photo: Photo, deadline: float) -> Embedded:
        try:
            await asyncio.Event().wait()
        finally:
            left.release()
        raise AssertionError

    quick = runtime.model_copy(update={"default_deadline_s": 0.2})
    async with serving_async(standing_before(waiting), quick) as served:
        stub: Any = GRPCInferenceServiceStub(served.channel)
        for timeout in (0.2, None):
            assert isinstance(await refusal(stub.ModelInfer(asking([jpeg()] * 3), timeout=timeout)), TooLate)
            async with asyncio.timeout(20):
                for _ in range(3):
                    await left.acquire()


async def test_the_queue_is_told_the_deadline_of_the_call(runtime: RuntimeSettings) -> None:
    told: list[float] = []

    async def listening(photo: Photo, deadline: float) -> Embedded:
        told.append(deadline - asyncio.get_running_loop().time())
        return await full(photo, deadline)

    async with serving_async(standing_before(listening), runtime) as served:
        stub: Any = GRPCInferenceServiceStub(served.channel)
        await refusal(stub.ModelInfer(asking([jpeg()] * 2), timeout=25))
    assert len(told) == 2
    assert all(runtime.default_deadline_s < left_s <= 25.5 for left_s in told)


async def test_a_server_whose_canary_failed_lives_but_is_not_ready(runtime: RuntimeSettings) -> None:
    async with serving_async(standing_before(full, ready=False), runtime) as served:
        stub: Any = GRPCInferenceServiceStub(served.channel)
        assert (await stub.ServerLive(ServerLiveRequest())).live
        assert not (await stub.ServerReady(ServerReadyRequest())).ready
        assert not (await stub.ModelReady(ModelReadyRequest(name="toy"))).ready


async def test_it_is_not_ready_before_its_first_canary(runtime: RuntimeSettings) -> None:
    app = embedder()

    async def never() -> None:
        await asyncio.Event().wait()

    async with serving_async(replace(app, canary=never), runtime, ready=False) as served:
        stub: Any = GRPCInferenceServiceStub(served.channel)
        assert (await stub.ServerLive(ServerLiveRequest())).live
        assert not (await stub.ServerReady(ServerReadyRequest())).ready
