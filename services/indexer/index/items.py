"""Sets of items of one part, as roaring bitmaps; members are the items' places in the part."""

from __future__ import annotations

from array import array
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

Places = NDArray[np.uint32]
Bools = NDArray[np.bool_]


class ItemSet:
    """Never changes. `bitmap`: the members, among the `of` items of the part."""

    def __init__(self, bitmap: BitMap, of: int) -> None:
        self.bitmap = bitmap
        self.of = of
        self.count = len(bitmap)

    @classmethod
    def empty(cls, of: int) -> ItemSet:
        """No member."""
        return cls(BitMap(), of)

    @cached_property
    def mask(self) -> Bools:
        """(of,) bool."""
        mask = np.zeros(self.of, bool)
        mask[places_of(self.bitmap)] = True
        return mask

    @property
    def places(self) -> Places:
        """Ascending."""
        return places_of(self.bitmap)

    @property
    def most_bytes(self) -> int:
        """What it may take: a byte an item for the mask, and the bitmap, which is at most so large."""
        return self.of + min(2 * self.count, self.of // 8) + 64


def bitmap_of(places: NDArray[np.integer]) -> BitMap:
    """Whatever their order."""
    # The constructor walks through a NumPy array element by element, and takes an `array` as a whole.
    return BitMap(array("I", np.ascontiguousarray(places, np.uint32).tobytes()))


def places_of(bitmap: BitMap) -> Places:
    """Ascending, (n,) uint32."""
    return np.frombuffer(bitmap.to_array(), np.uint32)
