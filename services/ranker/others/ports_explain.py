"""What an explanation needs of the others beyond what an answer does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.ranker.others.ports import Embedding, Opaque
from services.ranker.reasons.evidence import EvidenceInputs


@dataclass(frozen=True)
class Match:
    """One item beside one photo: `vector` (D,) float32 of the row that scored, `parts` by block, weighed."""

    vector: NDArray[np.float32]
    parts: Mapping[str, float]


class PhotoEvidence(Protocol):
    """The embedder."""

    async def evidence(self, photo: Opaque, space: str) -> EvidenceInputs:
        """Raises InvalidPicture for what is not a picture, InvalidInput for a model or space that has no regions."""


class ItemMatch(Protocol):
    """The indexer."""

    async def match(self, catalogue: str, item_id: str, photo: Embedding, block_weights: Mapping[str, float]) -> Match:
        """The item as `photo` finds it. Raises NotFound for an item that is not there any more."""
