"""What the indexer needs of an embedder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from services.errors import VisrecError
from services.spaces import Float32, Space


@dataclass(frozen=True)
class Crop:
    """Part of a photo, in fractions of its width and height."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Photo:
    """The bytes of a picture file and the part of it to look at, None: all of it."""

    data: bytes
    crop: Crop | None = None


class Embedder(ABC):
    """Turns photos into vectors, elsewhere."""

    @abstractmethod
    def default_space(self) -> Space:
        """The space that photos are embedded into unless another is named. Raises NotReady."""

    @abstractmethod
    def embed(self, photos: Sequence[Photo], space: Space) -> list[Float32 | VisrecError]:
        """One (D,) normalised vector for each photo, or why there is none; never raises for one photo's sake."""
