"""The messages of the contract to the values of the domain, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from services.embedder.framing import WHOLE, Box
from services.embedder.given_head import GivenBlock, GivenHead
from services.embedder.head import Evidence, Head
from services.embedder.heads import Summary
from services.embedder.model import Card
from services.embedder.photo import Embedded, Photo
from services.embedder.projection import Kept
from services.errors import InvalidInput, VisrecError
from services.runtime import faults
from services.runtime.wire import encode_space
from services.spaces import Block, Float32, Space, encode
from visrec.v1 import common_pb2, embedder_pb2


def decode_photo(request: embedder_pb2.EmbedImageRequest, head: Head, field: str) -> Photo:
    """`field` is the path of the photo in the request. Raises InvalidInput for wishes that exclude each other."""
    crop = request.photo.crop
    box = Box(crop.left, crop.top, crop.right, crop.bottom) if request.photo.HasField("crop") else WHOLE
    return Photo(request.photo.data, box, field, head, evidence=request.include_evidence, multi_crop=request.multi_crop)


def encode_embedded(
    embedded: Embedded, space: Space, model_digest: str, *, raw_features: bool
) -> embedder_pb2.EmbedImageResponse:
    """With the raw features in float16 when they are asked for, and the evidence if there is any."""
    response = embedder_pb2.EmbedImageResponse(
        vector=common_pb2.Vector(space=space.name, data=encode(embedded.vector)),
        model_digest=model_digest,
        costs=[
            common_pb2.StageCost(stage="queue", ms=embedded.queue_ms),
            common_pb2.StageCost(stage="decode", ms=embedded.decode_ms),
            common_pb2.StageCost(stage="network", ms=embedded.network_ms),
        ],
    )
    if raw_features:
        response.raw_features = embedded.features.astype("<f2").tobytes()
    if embedded.evidence:
        response.evidence.CopyFrom(_evidence(embedded.evidence))
    return response


def decode_kept(message: embedder_pb2.KeptFeatures, origins: Mapping[str, Head | VisrecError]) -> Kept:
    """`origins`: for each space that a vector names the head that makes it, or why there is none."""
    vector = message.vector
    return Kept(message.raw_features, vector.data, origins[vector.space] if message.HasField("vector") else None)


def encode_projected(
    results: Iterable[Float32 | VisrecError], space: Space, model_digest: str
) -> embedder_pb2.ProjectFeaturesResponse:
    """Each vector, or why there is none."""
    response = embedder_pb2.ProjectFeaturesResponse(model_digest=model_digest)
    for result in results:
        if isinstance(result, VisrecError):
            response.results.add(error=faults.status_of(result))
        else:
            response.results.add(vector=common_pb2.Vector(space=space.name, data=encode(result)))
    return response


def encode_model(card: Card, spaces: Iterable[Space]) -> embedder_pb2.Model:
    """The default space first."""
    return embedder_pb2.Model(
        name=card.name,
        digest=card.digest,
        precision=card.precision,
        licence=card.licence,
        input_pixels=card.input_pixels,
        raw_dimension=card.raw_dimension,
        spaces=map(encode_space, spaces),
    )


def decode_head(message: embedder_pb2.Head, raw_dimension: int) -> GivenHead:
    """Raises InvalidInput when the bytes of a block are not as many as its dimensions say."""
    blocks = (_block(block, raw_dimension, f"head.blocks[{number}]") for number, block in enumerate(message.blocks))
    return GivenHead(message.family, message.description, tuple(blocks))


def encode_summary(summary: Summary) -> embedder_pb2.HeadSummary:
    """A head in a list."""
    found = embedder_pb2.HeadSummary(space=encode_space(summary.space), description=summary.description)
    found.create_time.FromMicroseconds(summary.created_us)
    return found


def _block(message: embedder_pb2.HeadBlock, raw_dimension: int, at: str) -> GivenBlock:
    said = message.block
    block = Block(said.name, said.dimension, said.default_weight)
    if message.builtin:
        if message.matrix or message.mean:
            raise InvalidInput(f"{at}.matrix", "a builtin block has neither matrix nor mean")
        return GivenBlock(block)
    if not message.matrix:
        raise InvalidInput(f"{at}.matrix", "is empty; give a matrix, or say that the block is builtin")
    matrix = _numbers(message.matrix, block.dimension * raw_dimension, f"{at}.matrix")
    mean = _numbers(message.mean, block.dimension, f"{at}.mean") if message.mean else np.zeros(block.dimension)
    return GivenBlock(block, matrix.reshape(block.dimension, raw_dimension), mean.astype(np.float32))


def _numbers(data: bytes, count: int, field: str) -> Float32:
    if len(data) != 4 * count:
        raise InvalidInput(field, f"{len(data)} bytes given, {4 * count} are needed ({count} float32)")
    return np.frombuffer(data, dtype="<f4")


def _evidence(evidence: Evidence) -> embedder_pb2.EvidenceInputs:
    rows, columns, _ = evidence.regions.shape
    return embedder_pb2.EvidenceInputs(
        block=evidence.block,
        rows=rows,
        columns=columns,
        regions=encode(evidence.regions),
        offset=encode(evidence.offset),
    )
