"""The style block: how a picture is made or treated (drawn, painted, filtered, soft, coarse), whatever it shows.

The statistics of a middle layer say which textures there are and how strongly they vary, and not where (Gatys, Ecker
and Bethge, "Image Style Transfer Using Convolutional Neural Networks", 2016; Huang and Belongie, "Arbitrary Style
Transfer in Real-time with Adaptive Instance Normalization", 2017, who show that means and deviations suffice). A fitted
projection makes a few dozen numbers of them.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.spaces import Float32

VERSION: Final = 1
"""Raised whenever the same texture gives other numbers than before."""

_LEAST_VARIANCE: Final = 1e-5
"""Below this a channel says nothing over the whole picture."""
_WHITENING: Final = 0.5
"""Power of its deviation that each direction is divided by: 0 leaves the principal components as they are, 1 makes all
equal. In between is measurably better than either."""


def statistics(texture: Float32) -> Float32:
    """(n, channels, rows, columns) -> (n, 2 channels) float32: means, then log deviations over the picture."""
    flat = texture.reshape(*texture.shape[:2], -1)
    mean = flat.mean(axis=-1)
    variance = np.einsum("ncp,ncp->nc", flat, flat) / np.float32(flat.shape[-1]) - mean**2
    deviation = np.log(np.maximum(variance, 0) + np.float32(_LEAST_VARIANCE)) / 2
    return np.concatenate([mean, deviation], axis=1, dtype=np.float32)


def fit(found: Float32, dimension: int) -> Float32:
    """The projection, (dimension, statistics) float32, from the statistics of varied pictures, (n, statistics).

    Principal components, where means and deviations together have the same variance, half whitened. Each has its
    largest entry positive: the sign that an SVD gives is the library's whim.
    """
    centred = found.astype(np.float64) - found.mean(axis=0, dtype=np.float64)
    halves = np.split(centred, 2, axis=1)
    scale: NDArray[np.float64] = np.repeat([np.sqrt(half.var(axis=0).sum()) for half in halves], found.shape[1] // 2)
    _, singular, components = np.linalg.svd(centred / scale, full_matrices=False)
    leading = components[:dimension]
    leading = leading * np.sign(leading[np.arange(dimension), np.abs(leading).argmax(axis=1)])[:, None]
    deviation = singular[:dimension] / np.sqrt(len(found))
    return np.asarray(leading / scale / deviation[:, None] ** _WHITENING, dtype=np.float32)
