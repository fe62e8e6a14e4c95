"""Requests of the protocol, read with doubt, and its answers."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from services.embedder.inference.elements import read_elements
from services.embedder.inference.open_inference_pb2 import (
    InferParameter,
    InferTensorContents,
    ModelInferRequest,
    ModelInferResponse,
)
from services.errors import InvalidInput
from services.spaces import Float32

PHOTO: Final = "photo"
VECTOR: Final = "vector"
FEATURES: Final = "features"
SPACE: Final = "space"

_INPUT: Final = "inputs[0]"
_RAW: Final = "raw_input_contents[0]"
_TYPED: Final = f"{_INPUT}.contents.bytes_contents"

_EXTENSIONS: Final = ("shared_memory_region", "classification")
"""Parameters of Triton's that would make a tensor something else. Those that do not are ignored."""


@dataclass(frozen=True)
class File:
    """A photo's bytes, and where they are in the request."""

    data: bytes
    field: str


def decode_files(request: ModelInferRequest, most: int) -> list[File]:
    """The elements of the one input, at most `most`. Raises InvalidInput."""
    if len(request.inputs) != 1:
        raise InvalidInput("inputs", f"{len(request.inputs)} tensors, exactly one is taken: {PHOTO}")
    given = request.inputs[0]
    if given.name != PHOTO:
        raise InvalidInput(f"{_INPUT}.name", f"there is one input, {PHOTO}")
    if given.datatype != "BYTES":
        raise InvalidInput(f"{_INPUT}.datatype", "must be BYTES: picture files, as they are")
    _refuse_extensions(given.parameters, _INPUT)
    count = _count(given.shape, most)
    if not request.raw_input_contents:
        return _files(_typed(given.contents, count), _TYPED)
    if given.contents.ListFields():
        raise InvalidInput(f"{_INPUT}.contents", "must be empty when raw_input_contents has the data")
    if len(request.raw_input_contents) != 1:
        raise InvalidInput("raw_input_contents", f"{len(request.raw_input_contents)} tensors, there is one input")
    return _files(read_elements(request.raw_input_contents[0], count, _RAW), _RAW)


def decode_outputs(request: ModelInferRequest, known: Collection[str]) -> list[str]:
    """Names of the tensors that are wanted, of those that are `known`: all when none is named. Raises InvalidInput."""
    names: list[str] = []
    for index, wanted in enumerate(request.outputs):
        at = f"outputs[{index}]"
        if wanted.name not in known:
            raise InvalidInput(f"{at}.name", f"not an output of this model, which has {', '.join(known)}")
        if wanted.name in names:
            raise InvalidInput(f"{at}.name", "was asked for already")
        _refuse_extensions(wanted.parameters, at)
        names.append(wanted.name)
    return names or list(known)


def decode_space(request: ModelInferRequest) -> str:
    """Name of the space, empty for the default one. Raises InvalidInput."""
    if SPACE not in request.parameters:
        return ""
    value = request.parameters[SPACE]
    if value.WhichOneof("parameter_choice") != "string_param":
        raise InvalidInput(f"parameters[{SPACE}]", "must be a string_param: the name of a space")
    return value.string_param


def encode_answer(
    request: ModelInferRequest, version: str, space: str, tensors: Mapping[str, Float32]
) -> ModelInferResponse:
    """`tensors` (each n, dimension), raw when the request was."""
    answer = ModelInferResponse(
        model_name=request.model_name,
        model_version=version,
        id=request.id,
        parameters={SPACE: InferParameter(string_param=space)},
    )
    for name, rows in tensors.items():
        tensor = answer.outputs.add(name=name, datatype="FP32", shape=rows.shape)
        if request.raw_input_contents:
            answer.raw_output_contents.append(rows.astype("<f4").tobytes())
        else:
            tensor.contents.fp32_contents.extend(rows.ravel().tolist())
    return answer


def _count(shape: Collection[int], most: int) -> int:
    if len(shape) != 1:
        raise InvalidInput(f"{_INPUT}.shape", "must be [n]: one dimension, the number of photos")
    count = math.prod(shape)
    if not 1 <= count <= most:
        raise InvalidInput(f"{_INPUT}.shape", f"must be [n] with n from 1 to {most}")
    return count


def _typed(contents: InferTensorContents, count: int) -> Iterable[bytes]:
    for field, _ in contents.ListFields():
        if field.name != "bytes_contents":
            raise InvalidInput(f"{_INPUT}.contents.{field.name}", "elements of BYTES belong into bytes_contents")
    if len(contents.bytes_contents) != count:
        raise InvalidInput(_TYPED, f"{len(contents.bytes_contents)} elements, the shape says {count}")
    return contents.bytes_contents


def _files(elements: Iterable[bytes], field: str) -> list[File]:
    return [File(data, f"{field}[{index}]") for index, data in enumerate(elements)]


def _refuse_extensions(parameters: Mapping[str, InferParameter], field: str) -> None:
    for name in _EXTENSIONS:
        if name in parameters:
            raise InvalidInput(f"{field}.parameters[{name}]", "is an extension that this server does not have")
