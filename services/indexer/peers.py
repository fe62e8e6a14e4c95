"""The embedder over gRPC."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.errors import Internal, VisrecError
from services.indexer.embedder import Embedder, Photo
from services.runtime.channel import Channel
from services.runtime.faults import error_of
from services.runtime.wire import decode_space
from services.spaces import Float32, Space
from visrec.v1 import common_pb2, embedder_pb2, embedder_pb2_grpc


class GrpcEmbedder(Embedder):
    """Sends photos through one stream a call; the embedder reads as fast as it embeds."""

    def __init__(self, channel: Channel) -> None:
        self._stub = embedder_pb2_grpc.EmbedderServiceStub(channel)

    def default_space(self) -> Space:
        return decode_space(self._stub.GetModel(embedder_pb2.GetModelRequest()).model.spaces[0])

    def embed(self, photos: Sequence[Photo], space: Space) -> list[Float32 | VisrecError]:
        results: list[Float32 | VisrecError] = []
        failure: VisrecError = Internal("the embedder left photos unanswered")
        try:
            results.extend(_result(answer, space) for answer in self._stub.EmbedImages(_requests(photos, space)))
        except VisrecError as problem:
            failure = problem
        return results + [failure] * (len(photos) - len(results))


def _requests(photos: Sequence[Photo], space: Space) -> Iterator[embedder_pb2.EmbedImagesRequest]:
    for number, photo in enumerate(photos):
        message = common_pb2.Photo(data=photo.data)
        if photo.crop:
            message.crop.left, message.crop.top = photo.crop.left, photo.crop.top
            message.crop.right, message.crop.bottom = photo.crop.right, photo.crop.bottom
        request = embedder_pb2.EmbedImageRequest(photo=message, space=space.name)
        yield embedder_pb2.EmbedImagesRequest(key=str(number), request=request)


def _result(answer: embedder_pb2.EmbedImagesResponse, space: Space) -> Float32 | VisrecError:
    if answer.WhichOneof("result") == "error":
        return error_of(answer.error)
    vector = answer.embedding.vector
    try:
        space.require(vector.space)
        return space.decode(vector.data, "vector.data")
    except VisrecError as problem:
        return problem
