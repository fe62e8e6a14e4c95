"""The evidence map: which regions of a photo the likeness of an item comes from.

The embedder splits the photo's content block over regions, so that for an item's unit block x

    <photo, x> = sum over regions of <region, x> + <offset, x>

exactly. What the answer counted of that likeness is laid over the same regions in proportion. The idea is that of class
activation maps (Zhou et al., CVPR 2016), with an item in the place of a class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.errors import Refused
from services.ranker.others.ports import Embedding

Float32 = NDArray[np.float32]

TOLERANCE = 5e-3
"""Between the likeness that was shown and what the map sums to: float16 rounds a stored vector by less than 1e-3 of an
inner product, and the network's own sums may differ by about as much from batch to batch."""


@dataclass(frozen=True)
class EvidenceInputs:
    """What the embedder says of a photo: `regions` (rows * columns, d) and `offset` (d,) float32, of one `block`."""

    embedding: Embedding
    block: str
    rows: int
    columns: int
    regions: Float32
    offset: Float32


@dataclass(frozen=True)
class Shown:
    """The part of the photo's block in a score: its value, and what it contributed."""

    value: float
    contribution: float


@dataclass(frozen=True)
class EvidenceMap:
    """`values`: (rows * columns,), row by row; with `offset` they sum to the contribution of the photo's `block`."""

    block: str
    rows: int
    columns: int
    values: NDArray[np.float64]
    offset: float


def evidence_map(
    inputs: EvidenceInputs, photos: Float32, counted: Callable[[float], float], shown: Shown | None
) -> EvidenceMap:
    """`photos`: (n, d) the unit block of each of the item's photos. `counted`: the value that a likeness has in a
    score; monotonic. `shown`: what the answer said of it, which tells which of the photos it was; None when it said
    nothing of this block: then the map is of the most alike and sums to the likeness.

    Raises Refused with reason EVIDENCE_MISMATCH for another photo than the one of the answer, or another item.
    """
    regions = photos.astype(np.float64) @ inputs.regions.astype(np.float64).T
    offsets = photos.astype(np.float64) @ inputs.offset.astype(np.float64)
    likenesses: list[float] = (regions.sum(axis=1) + offsets).tolist()
    apart = [-likeness if shown is None else abs(counted(likeness) - shown.value) for likeness in likenesses]
    at = apart.index(min(apart))
    values, offset, likeness = regions[at], float(offsets[at]), likenesses[at]
    scale = 1.0
    if shown is not None:
        bounds = counted(likeness - TOLERANCE), counted(likeness + TOLERANCE)
        if not min(bounds) <= shown.value <= max(bounds):  # a block that pushes away counts the other way round
            raise mismatch()
        scale = shown.contribution / likeness if likeness else 0.0
    return EvidenceMap(inputs.block, inputs.rows, inputs.columns, values * scale, offset * scale)


def mismatch() -> Refused:
    """Why there is no map of that photo."""
    return Refused(
        "the map does not sum to what was shown: this is another photo, or the item has been changed since",
        reason="EVIDENCE_MISMATCH",
    )
