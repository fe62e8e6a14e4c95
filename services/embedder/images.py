"""The bytes of a photo -> checked RGB pixels for the network. Knows files and Pillow, not networks.

Everything about a file is doubted: formats are on a list, sizes are read from the header and judged before anything is
decoded, and whatever a decoder raises on a broken file becomes `InvalidPicture`.
"""

from __future__ import annotations

import io
import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from services.embedder.framing import TURNS, WHOLE, Box, Pixels, boxes_of, seen, stored
from services.embedder.room import Room
from services.errors import InvalidInput, InvalidPicture

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
"""What is read unless the settings say otherwise."""

MORE_FORMATS: Final = ("TIFF",)
"""A family of formats with many decoders: only on request."""

_ORIENTATION_TAG: Final = 0x0112
_JPEG_OVERSAMPLING: Final = 1
"""Least ratio of what the JPEG decoder's own scaling leaves to what the network needs; the rest is resampled."""

_MOST_SCANS: Final = 200
"""Of a JPEG. Ten are usual; each goes over the whole picture again, so thousands take minutes."""
_START_OF_SCAN: Final = b"\xff\xda"
_SCANS_COPIES: Final = 2
"""A JPEG in several scans is held in full before it is scaled, in two bytes a component."""
_RLE_PIXELS: Final = 4_000_000
"""Largest run-length coded BMP: its decoder is the only one in Python, a second for every million pixels."""
_WEBP_COPIES: Final = 4
"""The decoder animates, also what stands still: it has the last frame, this one, its bytes, and then the picture."""


@dataclass(frozen=True)
class Limits:
    """What is read at all: bytes of the file, pixels (width x height) of the picture, frames that it announces (only
    the first is looked at), pixels on its shorter side, formats as Pillow names them. Fewer than 16 pixels on a side
    show nothing that could be compared; 1x1 pictures are tracking pixels."""

    max_bytes: int = 16 * 1024 * 1024
    max_pixels: int = 50_000_000
    max_frames: int = 1000
    min_side: int = 16
    formats: tuple[str, ...] = FORMATS


DEFAULT_LIMITS: Final = Limits()


class _NoBound:
    """For who reads one picture after the other."""

    def held(self, pixels: int) -> AbstractContextManager[None]:  # noqa: ARG002 - as the port says
        return nullcontext()


_NO_BOUND: Final = _NoBound()


def prepare_process(limits: Limits) -> None:
    """For a process of our own that decodes: loads every decoder now instead of when it is first needed, and lets
    Pillow itself refuse what announces too many pixels, for which some formats make room when they are opened."""
    Image.init()
    # It warns above this, and refuses above the double.
    Image.MAX_IMAGE_PIXELS = limits.max_pixels // 2


def to_png(pixels: Pixels) -> bytes:
    """(height, width, 3) -> a file that is read as just these pixels."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def read_picture(
    data: bytes,
    side: int,
    *,
    field: str = "photo",
    crop: Box = WHOLE,
    limits: Limits = DEFAULT_LIMITS,
    room: Room | None = None,
) -> Pixels:
    """The centre square of the picture, (side, side, 3): `read_views` of one view."""
    views = read_views(data, side, field=field, crop=crop, limits=limits, room=room)
    return np.asarray(views[0])


def read_views(
    data: bytes,
    side: int,
    *,
    views: int = 1,
    field: str = "photo",
    crop: Box = WHOLE,
    limits: Limits = DEFAULT_LIMITS,
    room: Room | None = None,
) -> Pixels:
    """Views of the (cropped) picture as uint8 RGB (views, side, side, 3), upright, alpha laid over white: its middle
    square; of `VIEWS`, the inner part of that, and the whole of it on a white square, too.

    JPEG, PNG, WebP, BMP, and the first frame of a GIF. Sixteen-bit greys keep their upper eight bits; CMYK is converted
    without a profile. Raises InvalidPicture, naming `field`.data, for anything that is not such a picture, is broken or
    cut short, is beyond `limits`, or has fewer pixels on a side than they ask for; InvalidInput for a bad `crop`,
    naming its edge within `field`.crop.

    What is decoded takes its pixels of `room`, if there is one, waiting for them. Beyond the decoder's own picture
    memory is small.
    """
    crop.check(f"{field}.crop")
    at = f"{field}.data"
    if not data:
        raise InvalidPicture(at, "is empty; send the bytes of a picture file")
    if len(data) > limits.max_bytes:
        raise InvalidPicture(at, f"{len(data)} bytes, at most {limits.max_bytes} are read")
    try:
        with _open(data, limits, at) as image:
            _check_size(image, limits, at)
            scans = _scans(image, data)
            _check_patience(image, scans, at)
            asked = _Asked(crop, side, views, limits.min_side)
            return _decode(image, asked, scans, room or _NO_BOUND, at)
    except InvalidInput:
        raise
    except MemoryError as error:
        raise InvalidPicture(at, "decoding takes more memory than is allowed; send it smaller, or as JPEG") from error
    # Decoders answer hostile files with any exception there is (struct.error, KeyError, MemoryError, ...).
    except Exception as error:
        raise InvalidPicture(at, f"the picture is broken or cut short ({type(error).__name__})") from error


def _open(data: bytes, limits: Limits, at: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=limits.formats)
    except UnidentifiedImageError as error:
        raise InvalidPicture(at, f"not a picture that is read; send one of {', '.join(limits.formats)}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidPicture(at, "the header announces too many pixels") from error


def _check_size(image: Image.Image, limits: Limits, at: str) -> None:
    width, height = image.size
    if width * height > limits.max_pixels:
        raise InvalidPicture(at, f"{width}x{height} pixels, at most {limits.max_pixels} are read")
    if min(width, height) < limits.min_side:
        raise InvalidPicture(at, f"{width}x{height} pixels, at least {limits.min_side} on each side are needed")
    # A GIF announces no number; finding it would mean to walk through the file, and the rest of it is never read.
    frames = getattr(image, "n_frames", 1) if image.format != "GIF" else 1
    if frames > limits.max_frames:
        raise InvalidPicture(at, f"{frames} frames, at most {limits.max_frames} are read")


@dataclass(frozen=True)
class _Asked:
    crop: Box
    side: int
    views: int
    min_side: int

    def boxes(self, image: Image.Image, turn: int, at: str) -> list[Box]:
        """In pixels, as the picture lies in the file."""
        found = boxes_of(stored(self.crop, turn), image.size)[: self.views]
        edge = found[0].right - found[0].left
        if edge < self.min_side:
            raise InvalidPicture(
                at, f"the crop leaves {edge:.0f} pixels on a side, at least {self.min_side} are needed"
            )
        return found


def _decode(image: Image.Image, asked: _Asked, scans: int, room: Room, at: str) -> Pixels:
    """`scans` of a JPEG, which is scaled while it is decoded; 0 of anything else."""
    whole = image.size
    if scans:
        turn = _orientation(image)
        boxes = asked.boxes(image, turn, at)
        _scale_while_decoding(image, boxes, asked.side)
        held = image.size if scans == 1 else whole
        with room.held(math.prod(held) * (1 if scans == 1 else _SCANS_COPIES)):
            return seen(image, boxes, whole, turn, asked.side)
    with room.held(math.prod(whole) * (_WEBP_COPIES if image.format == "WEBP" else 1)):
        # Metadata may lie behind the pixels, and asking for it first would decode them: a broken picture would then
        # count as one with broken metadata, and come out black.
        image.load()
        turn = _orientation(image)
        return seen(image, asked.boxes(image, turn, at), whole, turn, asked.side)


def _scale_while_decoding(image: Image.Image, boxes: list[Box], side: int) -> None:
    """The decoder halves while it transforms, which costs less the more it halves."""
    smallest = min(max(each.right - each.left, each.bottom - each.top) for each in boxes)
    needed = min(1.0, _JPEG_OVERSAMPLING * side / smallest)
    image.draft("RGB", (max(1, int(image.size[0] * needed)), max(1, int(image.size[1] * needed))))


def _scans(image: Image.Image, data: bytes) -> int:
    """Of a JPEG, at least 1; 0 for other formats. An MPO is a JPEG with further pictures behind it, as some phones and
    cameras write them; those, and thumbnails, make it more scans than there are."""
    return max(1, data.count(_START_OF_SCAN)) if image.format in ("JPEG", "MPO") else 0


def _check_patience(image: Image.Image, scans: int, at: str) -> None:
    """Small files that would take long; others that do are ended by the clock."""
    if scans > _MOST_SCANS:
        raise InvalidPicture(at, f"a JPEG of {scans} scans, at most {_MOST_SCANS} are read")
    pixels = math.prod(image.size)
    tiles = getattr(image, "tile", None)
    if image.format == "BMP" and tiles and tiles[0][0] == "bmp_rle" and pixels > _RLE_PIXELS:
        raise InvalidPicture(at, f"a run-length coded BMP of {pixels} pixels, at most {_RLE_PIXELS} are read")


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8. Broken metadata must not cost an intact picture, so it counts as upright."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001 - parsers of metadata raise as many kinds of errors as decoders do
        return 1
    return value if value in TURNS else 1
