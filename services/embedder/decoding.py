"""A photo's file -> pixels, behind a port: in this process, or in one of its own that may be killed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from services.embedder.framing import WHOLE, Box, Pixels
from services.embedder.images import DEFAULT_LIMITS, Limits, read_views
from services.embedder.room import PixelRoom


@dataclass(frozen=True)
class Picture:
    """A file and what to see of it: the part `crop`, in one view or in all `images.VIEWS`. `field` is its path in the
    request, for errors to name."""

    data: bytes
    crop: Box = WHOLE
    views: int = 1
    field: str = "photo"


class Decoder(ABC):
    """Used by one thread."""

    @abstractmethod
    def read(self, picture: Picture, into: Pixels) -> None:
        """Fills `into`, (picture.views, side, side, 3) uint8. Raises what `images.read_views` raises, and NotReady when
        there is no way to decode at present."""

    @abstractmethod
    def close(self) -> None:
        """Gives back what it holds. It may be told twice."""


class LocalDecoder(Decoder):
    """In this process: as safe as the decoders are, and with nothing to start. For tests."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS, room: PixelRoom | None = None) -> None:
        self._limits = limits
        self._room = room or PixelRoom(limits.max_pixels)

    def read(self, picture: Picture, into: Pixels) -> None:
        side = into.shape[1]
        into[:] = read_views(
            picture.data,
            side,
            views=picture.views,
            field=picture.field,
            crop=picture.crop,
            limits=self._limits,
            room=self._room,
        )

    def close(self) -> None:
        pass
