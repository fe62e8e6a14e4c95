"""The colour block: which colours the thing in a picture has, as a soft histogram over CIE Lab.

Each colour is shared between the (up to eight) nearest cells of a 4x4x4 grid over Lab; the square root of the shares
is a unit vector whose inner product is the Bhattacharyya coefficient of two palettes. The thing is where the network's
last feature map is active, and rather in the middle: a palette F weighted by that is held against the palette B of the
rest, and a colour counts F (F / (F + B))^2, so that what is found outside as well counts little.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.spaces import Float32

VERSION: Final = 2
"""Raised whenever the same pixels give other numbers than before."""

CELLS: Final = 4
DIMENSION: Final = CELLS**3

_LEVELS: Final = 16
"""Levels per sRGB channel that are told apart: 8 bits are cut to 4, so that tables replace arithmetic per pixel."""
_STEP: Final = 256 // _LEVELS
_STRIDE: Final = 3
"""Every third pixel of every third row is looked at: a palette does not need more."""
_CHROMA: Final = 60.0
"""Lab's a and b are cut to +-60, where nearly all colours of real things are."""
_GRID: Final = 7
"""Rows and columns of a picture without a map."""
_FLOOR: Final = 0.05
"""Least activity of a region, of a greatest of 1: a thing that the network overlooks still has a colour."""
_SIGMA: Final = 2 / 7
"""Of the bell around the middle, in sides of the picture."""
_LEAST_OUTSIDE: Final = 1e-3
"""What every pixel is outside at least, so that B is of something."""


_NOTHING: Final = 1e-12
"""Share below which a cell is empty."""


def describe(pixels: NDArray[np.uint8], activity: Float32 | None = None) -> Float32:
    """(n, height, width, 3) uint8 sRGB, and (n, rows, columns) of how active the network is in each region, if that is
    known -> (n, 64) float32, each row of unit norm and not negative."""
    if activity is None:
        activity = np.ones((len(pixels), _GRID, _GRID), dtype=np.float32)
    return np.sqrt(np.stack([_shares(*each) for each in zip(pixels, activity, strict=True)])).astype(np.float32)


def to_lab(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 3) sRGB in 0..255 -> CIE Lab under D65 (IEC 61966-2-1, then CIE 15)."""
    linear = srgb / 255.0
    linear = np.where(linear > 0.04045, ((linear + 0.055) / 1.055) ** 2.4, linear / 12.92)
    xyz = linear @ _RGB_TO_XYZ.T / _D65
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


_RGB_TO_XYZ: Final = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_D65: Final = np.array([0.95047, 1.0, 1.08883])


def _shares(picture: NDArray[np.uint8], activity: Float32) -> NDArray[np.float64]:
    """(64,) of sum 1: the share of each cell in what the thing is made of."""
    codes = _codes(picture[::_STRIDE, ::_STRIDE])
    weights = _enlarged(_where(activity), codes.shape).ravel()
    inside = np.bincount(codes.ravel(), weights, _LEVELS**3)
    counts = np.bincount(codes.ravel(), minlength=_LEVELS**3)
    present = np.flatnonzero(counts)
    cells, parts = _cell_tables()
    at, shared = cells[present].ravel(), parts[present]
    thing = _palette(at, shared, inside[present])
    rest = _palette(at, shared, (1 + _LEAST_OUTSIDE) * counts[present] - inside[present])
    shares = thing * (thing / np.maximum(thing + rest, _NOTHING)) ** 2
    return np.asarray(shares / shares.sum())


def _codes(picture: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """(..., 3) -> (...): the number of each pixel's colour among the `_LEVELS` cubed that are told apart."""
    wide = picture.astype(np.uint16)
    return np.asarray((wide[..., 0] >> 4 << 8) | (wide[..., 1] >> 4 << 4) | (wide[..., 2] >> 4), dtype=np.uint16)


def _where(activity: Float32) -> NDArray[np.float64]:
    """(rows, columns): how likely each region shows the thing, greatest value 1."""
    active = activity.astype(np.float64) - np.min(activity)
    greatest = float(np.max(active))
    unit = active / greatest if greatest > 0 else np.ones_like(active)
    weight = (_FLOOR + (1 - _FLOOR) * unit) * _bell(*activity.shape)
    return np.asarray(weight / np.max(weight))


def _enlarged(where: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    rows, columns = _interpolation(shape[0], len(where)), _interpolation(shape[1], where.shape[1])
    return np.asarray(rows @ where @ columns.T)


def _palette(cells: NDArray[np.intp], parts: NDArray[np.float64], weights: NDArray[Any]) -> NDArray[np.float64]:
    """(64,) of sum 1: the share of each cell in n weighted colours, of which `cells` (8 n,) and `parts` (n, 8)."""
    sums = np.bincount(cells, (parts * weights[:, None]).ravel(), minlength=DIMENSION)
    return np.asarray(sums / sums.sum())


@lru_cache(maxsize=8)
def _bell(rows: int, columns: int) -> NDArray[np.float64]:
    """(rows, columns): a Gaussian around the middle, 1 there."""
    sides = [np.arange(count) / count - (count - 1) / (2 * count) for count in (rows, columns)]
    down, across = (np.exp(-(side**2) / (2 * _SIGMA**2)) for side in sides)
    return np.asarray(down[:, None] * across)


@lru_cache(maxsize=8)
def _interpolation(count: int, cells: int) -> NDArray[np.float64]:
    """(count, cells), rows of sum 1: bilinear, from the middles of the cells."""
    place = np.clip((np.arange(count) + 0.5) / count * cells - 0.5, 0, cells - 1)
    low = np.minimum(place.astype(np.intp), max(0, cells - 2))
    table = np.zeros((count, cells))
    table[np.arange(count), low] += 1 - (place - low)
    table[np.arange(count), np.minimum(low + 1, cells - 1)] += place - low
    return table


@lru_cache(maxsize=1)
def _cell_tables() -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """For each colour that is told apart its eight cells, (4096, 8), and its parts in them, (4096, 8), rows of sum 1:
    trilinear interpolation."""
    middles = np.arange(_LEVELS) * _STEP + _STEP / 2
    lab = to_lab(np.stack(np.meshgrid(middles, middles, middles, indexing="ij"), axis=-1)).reshape(-1, 3)
    unit = np.stack([lab[:, 0] / 100, *(0.5 + lab[:, axis] / (2 * _CHROMA) for axis in (1, 2))], axis=-1)
    place = np.clip(unit, 0.0, 1.0) * (CELLS - 1)
    low = np.minimum(place.astype(np.intp), CELLS - 2)
    corners = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), axis=-1).reshape(8, 3)
    cells = (low[:, None] + corners) @ np.array([CELLS**2, CELLS, 1])
    high = (place - low)[:, None]
    return cells, np.where(corners == 1, high, 1 - high).prod(axis=-1)
