"""What is indexed: rows of a space, made or read chunk by chunk, and vectors to ask with that are not among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.fleet import ROOT
from bench.indexer.space import Float16, Float32, Space

FOLDER = ROOT / "var" / "bench" / "indexer"
CHUNK_ROWS = 10_000

HIGHEST_PRICE = 100.0

Categories = NDArray[np.uint16]
Bools = NDArray[np.bool_]


class Chunk(NamedTuple):
    """`vectors` (n, D), each block of unit norm; `categories` (n,)."""

    vectors: Float32
    categories: Categories


class Data(Protocol):
    """A data set. `limit`: there are so many rows at most. Row n is the same in every run and for every count."""

    name: str
    space: Space
    limit: int

    def chunk(self, number: int) -> Chunk:
        """The rows from `number * CHUNK_ROWS` on: so many, the last chunk of a limited set excepted."""

    def queries(self, count: int) -> Float32:
        """(count or fewer, D), like the rows."""


def chunks(data: Data, first: int, count: int) -> Iterator[tuple[int, Chunk]]:
    """Rows `first` to `first + count`, as (number of the first row, rows)."""
    end = min(first + count, data.limit)
    while first < end:
        number, skipped = divmod(first, CHUNK_ROWS)
        vectors, categories = data.chunk(number)
        part = slice(skipped, min(CHUNK_ROWS, end - number * CHUNK_ROWS))
        yield first, Chunk(vectors[part], categories[part])
        first = (number + 1) * CHUNK_ROWS


def prices(rows: NDArray[np.integer]) -> NDArray[np.float64]:
    """What each row costs: uniform from 0 to HIGHEST_PRICE whatever the vectors are (Knuth's multiplicative hash)."""
    hashed = (rows.astype(np.uint64) * np.uint64(2_654_435_761)) % np.uint64(2**32)
    return hashed.astype(np.float64) * (HIGHEST_PRICE / 2**32)


@dataclass(frozen=True)
class Rows:
    """The first rows of a data set as an index has them: `vectors` (n, D) float16, the canonical ones, on disk, and
    `categories` (n,)."""

    space: Space
    vectors: Float16
    categories: Categories
    path: Path

    @classmethod
    def written(cls, data: Data, count: int, folder: Path = FOLDER) -> Rows:
        """In files of `folder` that are kept: what an earlier run has written is not made again."""
        count, dimension = min(count, data.limit), data.space.dimension
        path, beside = folder / f"{data.space.slug}.f16", folder / f"{data.space.slug}.u16"
        if not (_holds(path, 2 * count * dimension) and _holds(beside, 2 * count)):
            folder.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as vectors, beside.open("wb") as categories:
                for _, chunk in chunks(data, 0, count):
                    vectors.write(chunk.vectors.astype("<f2").tobytes())
                    categories.write(chunk.categories.astype("<u2").tobytes())
        known: Float16 = np.memmap(path, "<f2", "r", shape=(count, dimension))
        return cls(data.space, known, np.fromfile(beside, "<u2", count), path)

    def __len__(self) -> int:
        return len(self.vectors)

    def head(self, count: int) -> Rows:
        """The first `count`."""
        return Rows(self.space, self.vectors[:count], self.categories[:count], self.path)


def _holds(path: Path, size: int) -> bool:
    """A run that was broken off leaves a file that is too short."""
    return path.exists() and path.stat().st_size >= size
