"""What the network sees in photos before its last stages, once for all: these layers are not learned."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from services.embedder import lite
from services.embedder.architecture import Scale
from services.embedder.weights import Weights
from train.photos import Photos

Maps = NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class Trunk:
    """The layers before the last `stages` stages, in float32 on one thread."""

    weights: Weights
    scale: Scale
    stages: int

    @contextmanager
    def maps(self, photos: Photos, on_photos: Callable[[int], None]) -> Iterator[Maps]:
        """(n, channels, rows, columns) of all photos, in a file without a name that is gone afterwards: with one stage
        19 KB a photo, with two 44. `on_photos` is told how many more were looked at. Raises WrongList, and
        OSError where the disk has no room for all."""
        session = self.session()
        _, *shape = session.get_outputs()[0].shape
        with tempfile.TemporaryFile() as file:
            # Without its blocks a full disk would be found by a write into mapped memory, which kills the process.
            os.posix_fallocate(file.fileno(), 0, len(photos) * math.prod(shape) * np.dtype(np.float16).itemsize)
            maps = np.memmap(file, dtype=np.float16, mode="w+", shape=(len(photos), *shape))
            at = 0
            for pixels in photos.pixels(self.scale.pixels):
                maps[at : at + len(pixels)] = session.run(None, {"pixels": pixels})[0]
                at += len(pixels)
                on_photos(len(pixels))
            yield maps

    def session(self) -> onnxruntime.InferenceSession:
        """`pixels` -> `trunk`, see lite.build_trunk."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        graph = lite.build_trunk(self.weights, self.stages, self.scale).SerializeToString()
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
