"""The embedder over gRPC."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from services.errors import Internal, VisrecError
from services.indexer.writing.embedder import Embedder, Kept, Look, Photo
from services.runtime.channel import Channel
from services.runtime.faults import error_of
from services.runtime.wire import decode_space
from services.spaces import Float32, Space, encode
from visrec.v1 import common_pb2, embedder_pb2, embedder_pb2_grpc

PROJECTED_AT_ONCE = 500
"""Two megabytes of raw features and vectors; the embedder takes 1000."""


class GrpcEmbedder(Embedder):
    """Sends photos through one stream a call; the embedder reads as fast as it embeds."""

    def __init__(self, channel: Channel) -> None:
        self._stub = embedder_pb2_grpc.EmbedderServiceStub(channel)

    def default_space(self) -> Space:
        return decode_space(self._stub.GetModel(embedder_pb2.GetModelRequest()).model.spaces[0])

    def embed(self, photos: Sequence[Photo], space: Space, *, raw: bool = False) -> list[Look | VisrecError]:
        results: list[Look | VisrecError] = []
        failure: VisrecError = Internal("the embedder left photos unanswered")
        try:
            answers = self._stub.EmbedImages(_requests(photos, space, raw=raw))
            results.extend(_result(answer, space, raw=raw) for answer in answers)
        except VisrecError as problem:
            failure = problem
        return results + [failure] * (len(photos) - len(results))

    def project(self, kept: Sequence[Kept], origin: Space, space: Space) -> list[Float32 | VisrecError]:
        results: list[Float32 | VisrecError] = []
        for start in range(0, len(kept), PROJECTED_AT_ONCE):
            photos = [_kept(one, origin) for one in kept[start : start + PROJECTED_AT_ONCE]]
            request = embedder_pb2.ProjectFeaturesRequest(space=space.name, photos=photos)
            results.extend(_projected(one, space) for one in self._stub.ProjectFeatures(request).results)
        return results


def _requests(photos: Sequence[Photo], space: Space, *, raw: bool) -> Iterator[embedder_pb2.EmbedImagesRequest]:
    for number, photo in enumerate(photos):
        message = common_pb2.Photo(data=photo.data)
        if photo.crop:
            message.crop.left, message.crop.top = photo.crop.left, photo.crop.top
            message.crop.right, message.crop.bottom = photo.crop.right, photo.crop.bottom
        request = embedder_pb2.EmbedImageRequest(photo=message, space=space.name, include_raw_features=raw)
        yield embedder_pb2.EmbedImagesRequest(key=str(number), request=request)


def _result(answer: embedder_pb2.EmbedImagesResponse, space: Space, *, raw: bool) -> Look | VisrecError:
    if answer.WhichOneof("result") == "error":
        return error_of(answer.error)
    found = _vector(answer.embedding.vector, space)
    if isinstance(found, VisrecError):
        return found
    features = answer.embedding.raw_features
    return Look(found, np.frombuffer(features, "<f2") if raw and features else None)


def _kept(kept: Kept, origin: Space) -> embedder_pb2.KeptFeatures:
    vector = common_pb2.Vector(space=origin.name, data=encode(kept.vector))
    return embedder_pb2.KeptFeatures(raw_features=kept.raw.astype("<f2").tobytes(), vector=vector)


def _projected(result: embedder_pb2.ProjectedVector, space: Space) -> Float32 | VisrecError:
    return error_of(result.error) if result.HasField("error") else _vector(result.vector, space)


def _vector(vector: common_pb2.Vector, space: Space) -> Float32 | VisrecError:
    try:
        space.require(vector.space)
        return space.decode(vector.data, "vector.data")
    except VisrecError as problem:
        return problem
