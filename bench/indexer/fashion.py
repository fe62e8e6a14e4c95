"""Fashion-MNIST, the usual set of benchmarks of nearest neighbours: 60,000 pictures of clothes of 784 pixels."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.failure import BenchFailed
from bench.indexer.data import CHUNK_ROWS, Chunk
from bench.indexer.space import Block, Float32, Space

FOLDER = Path("/usr/share/datasets/fashion-mnist")
MISSING = "Fashion-MNIST is not installed, so it is left out; to have it: apt-get install dataset-fashion-mnist"
HEAD = ">HBB"
UNSIGNED_BYTES = 8


class Fashion:
    """Vectors less their mean, of unit norm; what is asked with are its 10,000 test pictures."""

    name = "fashion-mnist"

    def __init__(self, folder: Path = FOLDER) -> None:
        """Raises BenchFailed where it is not installed."""
        if not (folder / "train-images-idx3-ubyte.gz").exists():
            raise BenchFailed(MISSING)
        pictures = read(folder / "train-images-idx3-ubyte.gz")
        self._labels = read(folder / "train-labels-idx1-ubyte.gz").astype(np.uint16)
        self.limit = len(pictures)
        self.space = Space("fashion-mnist less its mean", (Block("pixels", pictures[0].size, 1.0),))
        flat = pictures.reshape(len(pictures), -1).astype(np.float32)
        self._mean: Float32 = flat.mean(axis=0)
        self._vectors = self.space.normalised(flat - self._mean)
        self._queries = folder / "t10k-images-idx3-ubyte.gz"

    def chunk(self, number: int) -> Chunk:
        part = slice(number * CHUNK_ROWS, (number + 1) * CHUNK_ROWS)
        return Chunk(self._vectors[part], self._labels[part])

    def queries(self, count: int) -> Float32:
        pictures = read(self._queries)[:count]
        return self.space.normalised(pictures.reshape(len(pictures), -1).astype(np.float32) - self._mean)


def read(path: Path) -> NDArray[np.uint8]:
    """An array in LeCun's IDX format, gzipped: two zero bytes, the type, how many dimensions, their sizes, values.
    Raises BenchFailed for anything but unsigned bytes."""
    data = gzip.decompress(path.read_bytes())
    zero, kind, dimensions = struct.unpack_from(HEAD, data)
    if zero or kind != UNSIGNED_BYTES:
        raise BenchFailed(f"{path}: not an IDX file of bytes")
    shape = struct.unpack_from(f">{dimensions}I", data, struct.calcsize(HEAD))
    return np.frombuffer(data, np.uint8, offset=struct.calcsize(HEAD) + 4 * dimensions).reshape(shape)
