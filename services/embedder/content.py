"""The content block: a linear head over the network's features, derived from its classifier without any labels.

The classifier's 1000 directions span what the network was trained to tell apart; their leading 256 dimensions keep
nearly all of that at a fifth of the size. Each of them is then centred and scaled by what varied pictures do along it,
so that none has a greater say than another. Linear on purpose: the mean over the picture's regions may be taken before
or after it, so a score can be split exactly over regions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

VERSION: Final = 1
"""Raised whenever the same features give other numbers than before."""

DIMENSION: Final = 256


def directions(classifier: Float32) -> NDArray[np.float64]:
    """(256, features), orthonormal rows: the leading right singular vectors of the (classes, features) matrix, centred
    over its classes. Each has its largest entry positive: the sign that an SVD gives is the library's whim."""
    centred = classifier.astype(np.float64) - classifier.mean(axis=0, dtype=np.float64)
    leading = np.linalg.svd(centred, full_matrices=False)[2][:DIMENSION]
    largest = np.abs(leading).argmax(axis=1)
    return np.asarray(leading * np.sign(leading[np.arange(len(leading)), largest])[:, None])


@dataclass(frozen=True)
class ContentHead:
    """block = matrix . features - mean, before it is normalised. `matrix` (256, features), `mean` (256,), float32."""

    matrix: Float32
    mean: Float32

    @classmethod
    def of(cls, classifier: Float32, mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> ContentHead:
        """`mean` and `deviation`, (256,) each, of varied pictures along the `directions`; deviations above 0."""
        matrix = directions(classifier) / deviation[:, None]
        return cls(matrix.astype(np.float32), (mean / deviation).astype(np.float32))

    def __call__(self, features: Float32) -> Float32:
        """(n, features) -> (n, 256) float32."""
        return features @ self.matrix.T - self.mean
