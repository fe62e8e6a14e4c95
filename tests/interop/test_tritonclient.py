"""Triton's own client against a running embedder.

It runs in a process of its own: its messages have the names of ours, as the standard wants it, and protobuf lets only
one of them into a process.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.descriptor import Descriptor

from services.embedder.app import build
from services.embedder.inference import open_inference_pb2
from services.embedder.settings import EmbedderSettings
from services.runtime.app import AsyncApp
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from tests.embedder.pictures import jpeg
from tests.servers import Served, serving_on_a_loop
from visrec.v1 import common_pb2, embedder_pb2, embedder_pb2_grpc

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "var" / "envs" / "interop" / "bin" / "python"
CALLS = Path(__file__).with_name("calls_of_tritonclient.py")

PHOTOS = [jpeg(seed) for seed in range(5)]
RUN_S = 120.0
"""A bound for what hangs."""

SAME = 1e-6
"""Absolute tolerance of float32: photos that were run together may be added up in another order."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served[grpc.Channel]]:
    runtime = RuntimeSettings(var_dir=tmp_path_factory.mktemp("var"), canary_every_s=0.05, drain_s=5)

    async def start() -> AsyncApp:
        return await build(EmbedderSettings(model="toy"), runtime, Telemetry())

    with serving_on_a_loop(start, runtime) as served:
        yield served


@pytest.fixture(scope="module")
def model(served: Served[grpc.Channel]) -> embedder_pb2.Model:
    return embedder_pb2_grpc.EmbedderServiceStub(served.channel).GetModel(embedder_pb2.GetModelRequest()).model


@pytest.fixture(scope="module")
def told(
    served: Served[grpc.Channel], model: embedder_pb2.Model, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What the client's calls came to."""
    if not PYTHON.exists():
        pytest.fail(f"{PYTHON.relative_to(ROOT)} is missing; `make test` installs it")
    folder = tmp_path_factory.mktemp("photos")
    for number, photo in enumerate(PHOTOS):
        (folder / f"{number}.jpg").write_bytes(photo)
    command = [str(PYTHON), str(CALLS), served.target, model.name, str(folder)]
    ended = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=RUN_S)
    assert ended.returncode == 0, ended.stderr
    answers: dict[str, Any] = json.loads(ended.stdout)
    return answers


def test_the_server_and_its_model_are_live_and_ready(told: dict[str, Any]) -> None:
    assert [told[name] for name in ("live", "ready", "model_ready", "version_ready")] == [True] * 4
    assert told["server"]["name"] == "visrec-embedder"


def test_the_metadata_is_what_getmodel_says(told: dict[str, Any], model: embedder_pb2.Model) -> None:
    """In JSON, protobuf writes an int64 as a string."""
    dimension = sum(block.dimension for block in model.spaces[0].blocks)
    assert told["metadata"]["name"] == model.name
    assert told["metadata"]["versions"] == [model.digest[:16]]
    assert told["metadata"]["inputs"] == [{"name": "photo", "datatype": "BYTES", "shape": ["-1"]}]
    assert told["metadata"]["outputs"] == [
        {"name": "vector", "datatype": "FP32", "shape": ["-1", str(dimension)]},
        {"name": "features", "datatype": "FP32", "shape": ["-1", str(model.raw_dimension)]},
    ]


def test_the_vectors_are_those_of_embedimage(told: dict[str, Any], served: Served[grpc.Channel]) -> None:
    stub = embedder_pb2_grpc.EmbedderServiceStub(served.channel)
    requests = [
        embedder_pb2.EmbedImageRequest(photo=common_pb2.Photo(data=photo), include_raw_features=True)
        for photo in PHOTOS
    ]
    answers = [stub.EmbedImage(request) for request in requests]
    vectors = [np.frombuffer(answer.vector.data, "<f4") for answer in answers]
    features = [np.frombuffer(answer.raw_features, "<f2") for answer in answers]
    assert told["dtype"] == "float32"
    assert told["id"] == "a name"
    np.testing.assert_allclose(told["vector"], vectors, atol=SAME)
    np.testing.assert_allclose(told["by_default"], vectors, atol=SAME)
    # EmbedImage rounds them to float16.
    np.testing.assert_allclose(told["features"], features, atol=1e-3)


def test_a_bad_photo_is_the_callers_error_and_says_which(told: dict[str, Any]) -> None:
    status, message = told["bad_photo"]
    assert status == "StatusCode.INVALID_ARGUMENT"
    assert message.startswith(f"raw_input_contents[0][{len(PHOTOS)}]: ")


def test_a_model_that_is_not_here_is_not_found(told: dict[str, Any]) -> None:
    assert told["bad_model"][0] == "StatusCode.NOT_FOUND"


def test_our_messages_have_the_fields_that_the_client_sends(told: dict[str, Any]) -> None:
    ours = open_inference_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    fields = [
        field
        for method in ours.methods
        for message in (method.input_type, method.output_type)
        for field in fields_of(message)
    ]
    assert sorted(fields) == told["fields"]


def fields_of(message: Descriptor) -> Iterator[list[Any]]:
    """As the client's side lists them."""
    for field in message.fields:
        yield [message.full_name, field.name, field.number, field.type, bool(field.is_repeated)]
        if field.message_type:
            yield from fields_of(field.message_type)
