"""The colour block: which colours a picture shows, as a soft histogram over CIE Lab.

Each colour is shared between the (up to eight) nearest cells of a 4x4x4 grid over Lab; the square root of the shares
is a unit vector whose inner product is the Bhattacharyya coefficient of two palettes. What looks like the backdrop
counts less, the more so the plainer the picture's border is, so that a shoe on white is described by the shoe.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

VERSION: Final = 1
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
_BORDER: Final = 8
"""Width in pixels of the frame that is taken for the backdrop."""
_SAME: Final = 10.0
"""Lab distance within which two border pixels are one backdrop."""
_FAR: Final = 20.0
"""Lab distance from the backdrop from which a colour certainly belongs to the thing."""
_LEAST: Final = 0.05
"""Weight of the very colour of a plain backdrop. Above 0: a white thing on white still has a colour."""


def describe(pixels: NDArray[np.uint8]) -> Float32:
    """(n, height, width, 3) uint8 sRGB -> (n, 64) float32, each row of unit norm and not negative."""
    return np.sqrt(np.stack([_shares(picture) for picture in pixels])).astype(np.float32)


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


def _shares(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(64,) of sum 1: the share of each cell among the weighted pixels."""
    codes = _codes(picture[::_STRIDE, ::_STRIDE])
    counts = np.bincount(codes.ravel(), minlength=_LEVELS**3)
    present = np.flatnonzero(counts)
    weighted = counts[present] * _weights(present, _frame(codes))
    cells, parts = _cell_tables()
    # Not a matrix product: BLAS would wake a thread per processor for it, each already at work on another photo.
    sums = np.bincount(cells[present].ravel(), (parts[present] * weighted[:, None]).ravel(), minlength=DIMENSION)
    shares: NDArray[np.float64] = sums / sums.sum()
    return shares


def _codes(picture: NDArray[np.uint8]) -> NDArray[np.intp]:
    """(..., 3) -> (...): the number of each pixel's colour among the `_LEVELS` cubed that are told apart."""
    red, green, blue = (picture[..., channel].astype(np.intp) // _STEP for channel in range(3))
    return (red * _LEVELS + green) * _LEVELS + blue


def _frame(codes: NDArray[np.intp]) -> NDArray[np.intp]:
    width = _BORDER // _STRIDE
    return np.concatenate(
        [codes[:width].ravel(), codes[-width:].ravel(), codes[:, :width].ravel(), codes[:, -width:].ravel()]
    )


def _weights(colours: NDArray[np.intp], frame: NDArray[np.intp]) -> NDArray[np.float64]:
    """How much each colour counts, `_LEAST` to 1, given the colours of the border."""
    lab = _lab_table()
    border = lab[frame]
    backdrop = np.median(border, axis=0)
    plainness = np.mean(np.linalg.norm(border - backdrop, axis=-1) < _SAME)
    foreground = np.clip(np.linalg.norm(lab[colours] - backdrop, axis=-1) / _FAR, _LEAST, 1.0)
    return np.asarray(1.0 - plainness * (1.0 - foreground))


@lru_cache(maxsize=1)
def _lab_table() -> NDArray[np.float64]:
    """(4096, 3): Lab of the middle of every colour that is told apart."""
    middles = np.arange(_LEVELS) * _STEP + _STEP / 2
    return to_lab(np.stack(np.meshgrid(middles, middles, middles, indexing="ij"), axis=-1)).reshape(-1, 3)


@lru_cache(maxsize=1)
def _cell_tables() -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """For each colour that is told apart its eight cells, (4096, 8), and its parts in them, (4096, 8), rows of sum 1:
    trilinear interpolation."""
    lab = _lab_table()
    unit = np.stack([lab[:, 0] / 100, *(0.5 + lab[:, axis] / (2 * _CHROMA) for axis in (1, 2))], axis=-1)
    place = np.clip(unit, 0.0, 1.0) * (CELLS - 1)
    low = np.minimum(place.astype(np.intp), CELLS - 2)
    corners = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), axis=-1).reshape(8, 3)
    cells = (low[:, None] + corners) @ np.array([CELLS**2, CELLS, 1])
    high = (place - low)[:, None]
    return cells, np.where(corners == 1, high, 1 - high).prod(axis=-1)
