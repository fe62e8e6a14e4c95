"""Where a server takes photos, and a first question to it: does it compute what it should?"""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import grpc
import numpy as np
from numpy.typing import NDArray

from bench.embedder.photos import Photos, request
from visrec.v1 import embedder_pb2, embedder_pb2_grpc

TIMEOUT_S = 10.0
MESSAGE_BYTES = 32 * 1024 * 1024

HTTP_HEADERS = {"Content-Type": "application/octet-stream"}


@dataclass(frozen=True)
class Endpoint:
    """`address` is host:port, `path` the URL's or, with gRPC, the method as /package.Service/Method."""

    protocol: Literal["grpc", "http1"]
    address: str
    path: str

    def bodies(self, photos: Photos) -> Sequence[Path]:
        """The files to send as they are; gRPC's are messages without a frame."""
        return photos.grpc if self.protocol == "grpc" else photos.pictures

    def features(self, photo: bytes) -> NDArray[np.float64] | None:
        """(1280,): what the network says of a photo, or None while nobody answers. An answer to something else raises
        ValueError."""
        found = self._features_grpc(photo) if self.protocol == "grpc" else self._features_http1(photo)
        return None if found is None else found.astype(np.float64)

    def _features_grpc(self, photo: bytes) -> NDArray[np.float16] | None:
        message = embedder_pb2.EmbedImageRequest.FromString(request(photo, raw=True))
        with grpc.insecure_channel(self.address) as channel:
            try:
                answer = embedder_pb2_grpc.EmbedderServiceStub(channel).EmbedImage(message, timeout=TIMEOUT_S)
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.UNAVAILABLE:
                    return None
                raise ValueError(f"{self.path}: {error.code().name} {error.details()}") from error
        return np.frombuffer(answer.raw_features, "<f2")

    def _features_http1(self, photo: bytes) -> NDArray[np.float32] | None:
        connection = http.client.HTTPConnection(self.address, timeout=TIMEOUT_S)
        try:
            connection.request("POST", self.path, photo, HTTP_HEADERS)
            answer = connection.getresponse()
            body = answer.read()
        except OSError:
            return None
        finally:
            connection.close()
        if answer.status == http.client.SERVICE_UNAVAILABLE:
            return None
        if answer.status != http.client.OK:
            raise ValueError(f"{self.path}: status {answer.status}: {body[:200]!r}")
        return np.frombuffer(body, "<f4")


def cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Of two vectors of the same length; 0 when either has none."""
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths else 0.0
