"""Pictures as vectors, from a running embedder, as blocks of unit length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import grpc
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from bench.embedder.meter import Meter
from bench.failure import BenchFailed
from bench.fleet import Fleet
from bench.quality.picture import Picture
from visrec.connection import Connection
from visrec.errors import VisrecCallError
from visrec.v1 import common_pb2, embedder_pb2
from visrec.vectors import Vector

Rows = NDArray[np.float64]

TIMEOUT_S = 900.0
"""For all pictures of a stream."""


@dataclass(frozen=True)
class Vectors:
    """What was embedded, by the picture's name; `cpu_s` is the processor time that the embedder took; `raw` features
    are little-endian float16."""

    space: common_pb2.Space
    by_name: dict[str, Vector] = field(default_factory=dict)
    cpu_s: float = 0.0
    raw: dict[str, bytes] = field(default_factory=dict)

    def block(self, name: str, pictures: Sequence[Picture]) -> Rows:
        """(pictures, dimension of the block)."""
        whole = np.array([self.by_name[picture.name].numbers for picture in pictures])
        return np.asarray(whole[:, self._slices()[name]])

    def with_those_of(self, others: Vectors) -> Vectors:
        """Both together; they are of one space."""
        return replace(self, by_name={**self.by_name, **others.by_name}, raw={**self.raw, **others.raw})

    @property
    def blocks(self) -> list[str]:
        """Names of the blocks, in their order."""
        return [block.name for block in self.space.blocks]

    def _slices(self) -> Mapping[str, slice]:
        ends = np.cumsum([block.dimension for block in self.space.blocks])
        starts = [0, *ends[:-1]]
        return {name: slice(*edges) for name, edges in zip(self.blocks, zip(starts, ends, strict=True), strict=True)}


def embed(
    fleet: Fleet, pictures: Sequence[Picture], title: str, console: Console, *, three_views: bool = False
) -> Vectors:
    """All pictures in one stream; with `three_views`, each as the mean of three. Raises BenchFailed, naming the picture
    that is refused, and VisrecCallError."""

    def requests() -> Iterator[embedder_pb2.EmbedImagesRequest]:
        for picture in pictures:
            photo = common_pb2.Photo(data=picture.file())
            request = embedder_pb2.EmbedImageRequest(photo=photo, multi_crop=three_views, include_raw_features=True)
            yield embedder_pb2.EmbedImagesRequest(key=picture.name, request=request)

    with Connection(fleet.targets) as connection, Progress(console=console) as progress:
        model = connection.call(connection.embedder.GetModel, embedder_pb2.GetModelRequest()).model
        found: dict[str, Vector] = {}
        raw: dict[str, bytes] = {}
        task = progress.add_task(title, total=len(pictures))
        meter = Meter(fleet.processes()["embedder"].pid)
        before = meter.read()
        try:
            for answer in connection.embedder.EmbedImages(requests(), timeout=TIMEOUT_S):
                if answer.HasField("error"):
                    raise BenchFailed(f"{answer.key} was refused: {answer.error.message}")
                found[answer.key] = Vector.from_message(answer.embedding.vector)
                raw[answer.key] = answer.embedding.raw_features
                progress.advance(task)
        except grpc.RpcError as error:
            raise VisrecCallError.from_rpc(error) from error
        return Vectors(model.spaces[0], found, meter.read().cpu_s - before.cpu_s, raw)
