"""What one would write by hand: bytes of a photo in, 1280 numbers out, with Pillow and onnxruntime and nothing else.

The bare loop and the other servers all use this, so that what is compared is the serving.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

SIDE = 224

GRAPH_VARIABLE = "BENCH_GRAPH"
"""The environment variable by which a server is told which graph to run."""

Features = NDArray[np.float32]


def decode(photo: bytes) -> NDArray[np.uint8]:
    """The centre square as (224, 224, 3) uint8 RGB; a JPEG is scaled while it is decoded."""
    with Image.open(io.BytesIO(photo)) as image:
        least = min(image.size)
        image.draft("RGB", (image.width * SIDE // least, image.height * SIDE // least))
        edge = min(image.size)
        left, top = (image.width - edge) // 2, (image.height - edge) // 2
        square = (left, top, left + edge, top + edge)
        return np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=square))


class Network:
    """The graph in a file, run by one thread a call; it may be called from several."""

    def __init__(self, graph: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])

    def embed(self, photos: Sequence[bytes]) -> Features:
        """(n, 1280) of n >= 1 photos."""
        features: Features = self._session.run(["features"], {"pixels": np.stack([decode(each) for each in photos])})[0]
        return features


def network_of_environment() -> Network:
    """The graph that GRAPH_VARIABLE names."""
    return Network(Path(os.environ[GRAPH_VARIABLE]))
