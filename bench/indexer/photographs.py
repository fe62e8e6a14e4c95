"""Real photos: those of a folder, embedded by the embedder, with parts of them until there are enough rows to tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np

from bench import sample
from bench.failure import BenchFailed
from bench.fleet import started
from bench.indexer.data import CHUNK_ROWS, Chunk
from bench.indexer.space import Float32, Space
from visrec.connection import MAX_MESSAGE_BYTES
from visrec.v1 import common_pb2, embedder_pb2, embedder_pb2_grpc

ROWS = 20_000
"""Wanted: of each photo the whole of it and as many parts as that takes, MOST_VIEWS at most."""
MOST_VIEWS = 16
LEAST_SIDE = 0.5
"""Of a part, beside the photo's width or height."""
HELD_OUT = 10
"""One of so many photos is asked with, and no part of it is in the catalogue."""
CATEGORIES = 50
SEED = 11
WITHIN_S = 3600.0

Advance = Callable[[int], None]


@dataclass(frozen=True)
class View:
    """A file, and the part of it that is looked at; None: all."""

    path: Path
    crop: common_pb2.CropBox | None = None


class Photographs:
    """`space` is the embedder's default one."""

    name = "photos"

    def __init__(self, space: Space, vectors: Float32, asked: Float32) -> None:
        """`vectors` (n, D) are the rows, in any order; `asked` (q, D) of other photos."""
        self.space, self.limit = space, len(vectors)
        self._vectors = space.normalised(np.random.default_rng(SEED).permutation(vectors))
        self._asked = space.normalised(asked)
        # Nobody has sorted the photos: a category is what is nearest to one of some rows.
        self._categories = (self._vectors @ self._vectors[:CATEGORIES].T).argmax(axis=1).astype(np.uint16)

    def chunk(self, number: int) -> Chunk:
        part = slice(number * CHUNK_ROWS, (number + 1) * CHUNK_ROWS)
        return Chunk(self._vectors[part], self._categories[part])

    def queries(self, count: int) -> Float32:
        return self._asked[:count]


def embedded(folder: Path, advance: Advance) -> Photographs:
    """By a private set of services, which is gone afterwards. Raises BenchFailed, also for a folder without photos."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in sample.SUFFIXES)
    shown = [View(path) for path in paths[::HELD_OUT]]
    kept = views([path for number, path in enumerate(paths) if number % HELD_OUT])
    if not shown or not kept:
        raise BenchFailed(f"{folder}: not enough photos there")
    options = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)]
    with started() as fleet, grpc.insecure_channel(fleet.targets.embedder, options) as channel:
        stub = embedder_pb2_grpc.EmbedderServiceStub(channel)
        try:
            message = stub.GetModel(embedder_pb2.GetModelRequest(), timeout=WITHIN_S).model.spaces[0]
            rows = np.stack(list(_vectors(stub, kept, advance)))
            asked = np.stack(list(_vectors(stub, shown, advance)))
        except grpc.RpcError as error:
            raise BenchFailed(f"the embedder: {error.code().name} {error.details()}") from error
    return Photographs(Space.of(message), rows, asked)


def views(paths: Sequence[Path]) -> list[View]:
    """All photos whole, and parts of each: the same ones in every run."""
    random = np.random.default_rng(SEED)
    parts = min(MOST_VIEWS, -(-ROWS // max(1, len(paths)))) - 1
    return [View(path, crop) for path in paths for crop in (None, *(_part(random) for _ in range(parts)))]


def _part(random: np.random.Generator) -> common_pb2.CropBox:
    width, height = random.uniform(LEAST_SIDE, 1.0, 2)
    left, top = random.uniform(0.0, 1.0 - width), random.uniform(0.0, 1.0 - height)
    return common_pb2.CropBox(left=left, top=top, right=min(1.0, left + width), bottom=min(1.0, top + height))


def _vectors(stub: embedder_pb2_grpc.EmbedderServiceStub, seen: Sequence[View], advance: Advance) -> Iterator[Float32]:
    """Of those that can be read; a broken file is left out."""

    def requests() -> Iterator[embedder_pb2.EmbedImagesRequest]:
        for view in seen:
            photo = common_pb2.Photo(data=view.path.read_bytes(), crop=view.crop)
            yield embedder_pb2.EmbedImagesRequest(request=embedder_pb2.EmbedImageRequest(photo=photo))

    for answer in stub.EmbedImages(requests(), timeout=WITHIN_S):
        advance(1)
        if answer.WhichOneof("result") == "embedding":
            yield np.frombuffer(answer.embedding.vector.data, "<f4")
