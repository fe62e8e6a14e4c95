"""What is asked about a photo, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.embedder.framing import VIEWS, WHOLE, Box
from services.embedder.head import Evidence, Head
from services.embedder.seen import Seen
from services.embedder.sight import Picture
from services.errors import InvalidInput
from services.spaces import Float32


@dataclass(frozen=True)
class Photo:
    """A file, the part of it to look at, and by which head; None is the model's own. `evidence` asks for what splits a
    score over its regions; `multi_crop` averages several views, each a run of the network. `field` is its path in the
    request, for errors to name; `ours` the canary. Raises InvalidInput when evidence cannot be had: of several views,
    or by a head without a block that is made from regions."""

    data: bytes
    crop: Box = WHOLE
    field: str = "photo"
    head: Head | None = None
    evidence: bool = False
    multi_crop: bool = False
    ours: bool = False

    def __post_init__(self) -> None:
        at = f"{self.field.removesuffix('photo')}include_evidence"
        if self.evidence and self.multi_crop:
            raise InvalidInput(at, "cannot be had of several crops at once; leave out multi_crop")
        if self.evidence and self.head and not self.head.has_regions:
            raise InvalidInput(at, f"no block of {self.head.space.name} is made from regions")

    @property
    def picture(self) -> Picture:
        """What has to be looked at."""
        views = VIEWS if self.multi_crop else 1
        return Picture(self.data, self.crop, views, self.evidence, self.ours, self.field)


@dataclass(frozen=True, eq=False)
class Embedded:
    """`vector` (D,) float32; what was `seen` in the photo, one picture; what it cost, in milliseconds. Photos that were
    run together share their `network_ms`; one that was seen before costs nothing."""

    vector: Float32
    seen: Seen
    evidence: Evidence | None = None
    queue_ms: float = 0.0
    decode_ms: float = 0.0
    network_ms: float = 0.0

    @property
    def features(self) -> Float32:
        """(raw_dimension,) float32."""
        return np.asarray(self.seen.features[0])
