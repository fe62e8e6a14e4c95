"""What an explanation needs of the others beyond what an answer does."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.ranker.others.ports import Opaque
from services.ranker.reasons.evidence import EvidenceInputs


class PhotoEvidence(Protocol):
    """The embedder."""

    async def evidence(self, photo: Opaque, space: str) -> EvidenceInputs:
        """Raises InvalidPicture for what is not a picture, InvalidInput for a model or space that has no regions."""


class ItemVectors(Protocol):
    """The indexer."""

    async def of(self, catalogue: str, item_id: str, space: str) -> NDArray[np.float32]:
        """(photos, D) canonical, of one photo at least. Raises NotFound for an item that is not there any more."""
