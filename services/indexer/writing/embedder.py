"""What the indexer needs of an embedder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from services.errors import VisrecError
from services.spaces import Float16, Float32, Space


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


@dataclass(frozen=True, eq=False)
class Look:
    """What an embedder made of a photo: `vector` (D,), normalised, and the raw features (F,) if they were asked for."""

    vector: Float32
    raw: Float16 | None = None


@dataclass(frozen=True, eq=False)
class Kept:
    """What was kept of a photo: its raw features (F,), and its vector (D,) in some space of the same model, from which
    blocks are taken that are not made of features."""

    raw: Float16
    vector: Float16


class Embedder(ABC):
    """Turns photos into vectors, elsewhere."""

    @abstractmethod
    def default_space(self) -> Space:
        """The space that photos are embedded into unless another is named. Raises NotReady."""

    @abstractmethod
    def embed(self, photos: Sequence[Photo], space: Space, *, raw: bool = False) -> list[Look | VisrecError]:
        """What it makes of each photo, or why nothing (NotFound of a space that it does not know); never raises for one
        photo's sake."""

    @abstractmethod
    def project(self, kept: Sequence[Kept], origin: Space, space: Space) -> list[Float32 | VisrecError]:
        """The vector (D,) in `space` of each photo that was looked at before, or why there is none. `origin`: the space
        of the kept vectors. Raises NotFound for a space that it does not know, and NotReady."""
