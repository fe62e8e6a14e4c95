"""The content block of a network with a classifier: a linear head derived from it without any labels.

The classifier's 1000 directions span what the network was trained to tell apart; their leading dimensions keep nearly
all of that at a fifth of the size. Each of them is then centred and scaled by what varied pictures do along it, so that
none has a greater say than another.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.embedder.head import Linear
from services.spaces import Float32

VERSION: Final = 1
"""Raised whenever the same features give other numbers than before."""


def directions(classifier: Float32, dimension: int) -> NDArray[np.float64]:
    """(dimension, features), orthonormal rows: the leading right singular vectors of the (classes, features) matrix,
    centred over its classes. Each has its largest entry positive: the sign that an SVD gives is the library's whim."""
    centred = classifier.astype(np.float64) - classifier.mean(axis=0, dtype=np.float64)
    leading = np.linalg.svd(centred, full_matrices=False)[2][:dimension]
    largest = np.abs(leading).argmax(axis=1)
    return np.asarray(leading * np.sign(leading[np.arange(len(leading)), largest])[:, None])


def head(classifier: Float32, mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> Linear:
    """`mean` and `deviation`, (d,) each, of varied pictures along the `directions`; deviations above 0."""
    matrix = directions(classifier, len(mean)) / deviation[:, None]
    return Linear(matrix.astype(np.float32), (mean / deviation).astype(np.float32))
