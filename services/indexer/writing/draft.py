"""What a caller wants written: an item with photos, or with vectors that are still bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.errors import InvalidInput, VisrecError
from services.indexer.item import MAX_PHOTOS, Item
from services.indexer.writing.embedder import Photo
from services.spaces import Float16, Float32, Space

MAX_RAW = 16_384
"""Most raw features of a photo."""


@dataclass(frozen=True)
class GivenVector:
    """A vector as it came: little-endian float32 of a space that may not be the right one."""

    space: str
    data: bytes


@dataclass(frozen=True)
class Draft:
    """An item to write, with its photos or its vectors. `raw`: beside vectors, the raw features of each photo as
    little-endian float16."""

    item: Item
    photos: Sequence[Photo] = ()
    vectors: Sequence[GivenVector] = ()
    raw: Sequence[bytes] = ()

    def check(self, at: str) -> None:
        """Raises InvalidInput, naming a field below `at`."""
        self.item.check(f"{at}.item")
        if bool(self.photos) == bool(self.vectors):
            raise InvalidInput(at, "needs photos or vectors, and not both")
        if len(self.photos) > MAX_PHOTOS:
            raise InvalidInput(f"{at}.photos", f"{len(self.photos)} given, at most {MAX_PHOTOS}")
        for name, given in self.by_space().items():
            if len(given) > MAX_PHOTOS:
                raise InvalidInput(f"{at}.vectors", f"{len(given)} of {name[:80]!r} given, at most {MAX_PHOTOS}")
        if self.raw:
            self._check_raw(f"{at}.raw_features")

    def by_space(self) -> dict[str, list[int]]:
        """Positions among the vectors, by the name of their space."""
        spaces: dict[str, list[int]] = {}
        for number, given in enumerate(self.vectors):
            spaces.setdefault(given.space, []).append(number)
        return spaces

    def raw_rows(self) -> Float16 | None:
        """(photos, F), None when none were given."""
        return np.frombuffer(b"".join(self.raw), "<f2").reshape(len(self.raw), -1) if self.raw else None

    def _check_raw(self, at: str) -> None:
        if any(len(self.raw) != len(given) for given in self.by_space().values()):
            raise InvalidInput(at, "needs one for each vector of each space, and vectors beside them")
        for number, data in enumerate(self.raw):
            here = f"{at}[{number}]"
            if len(data) != len(self.raw[0]) or len(data) % 2 or not 1 <= len(data) // 2 <= MAX_RAW:
                message = f"{len(data)} bytes given: needs float16, as many as the others"
                raise InvalidInput(here, message, reason="WRONG_DIMENSION")
            if not np.isfinite(np.frombuffer(data, "<f2")).all():
                raise InvalidInput(here, "every value must be finite", reason="NOT_FINITE")


def decode_all(space: Space, given: Sequence[tuple[str, bytes]]) -> tuple[Float32, dict[int, VisrecError]]:
    """(n, D) normalised from n pairs of a path in the request and bytes, and why some of them are none, by position.

    All at once: one by one it costs five times as much.
    """
    size = 4 * space.dimension
    whole = b"".join(data if len(data) == size else bytes(size) for _, data in given)
    rows = np.frombuffer(whole, "<f4").reshape(len(given), -1)
    with np.errstate(invalid="ignore"):
        good = (np.abs(rows) <= 1e15).all(axis=1)
    units = space.normalise(np.where(good[:, None], rows, np.float32(0)))
    failures: dict[int, VisrecError] = {}
    for position in np.flatnonzero(~(good & units.any(axis=1))).tolist():
        path, data = given[position]
        try:
            space.decode(data, path)
        except InvalidInput as problem:
            failures[position] = problem
    return units, failures
