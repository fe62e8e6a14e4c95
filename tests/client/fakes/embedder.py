"""An embedder that looks at nothing."""
# ruff: noqa: N802 (methods are named as in the contract)

from __future__ import annotations

import grpc

from tests.client.fakes.refusing import refuse, status_of
from visrec.v1 import common_pb2, embedder_pb2, embedder_pb2_grpc

SPACE = common_pb2.Space(name="toy@1", blocks=[common_pb2.Block(name="content", dimension=2, default_weight=1.0)])


class FakeEmbedder(embedder_pb2_grpc.EmbedderServiceServicer):
    """Every photo has the same vector; one that begins with `bad` is no picture."""

    def __init__(self) -> None:
        self.spaces_asked: list[str] = []
        self.space = SPACE

    def GetModel(
        self, request: embedder_pb2.GetModelRequest, context: grpc.ServicerContext
    ) -> embedder_pb2.GetModelResponse:
        return embedder_pb2.GetModelResponse(model=embedder_pb2.Model(name="toy", digest="d1", spaces=[self.space]))

    def EmbedImage(
        self, request: embedder_pb2.EmbedImageRequest, context: grpc.ServicerContext
    ) -> embedder_pb2.EmbedImageResponse:
        self.spaces_asked.append(request.space)
        if request.photo.data.startswith(b"bad"):
            refuse(
                context, status_of(grpc.StatusCode.INVALID_ARGUMENT, "no picture", "INVALID_PICTURE", at="photo.data")
            )
        return embedder_pb2.EmbedImageResponse(vector=common_pb2.Vector(space=SPACE.name, data=bytes(8)))
