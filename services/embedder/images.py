"""The bytes of a photo -> checked RGB pixels for the network. Knows files and Pillow, not networks.

Everything about a file is doubted: formats are on a list, sizes are read from the header and judged before anything is
decoded, and whatever a decoder raises on a broken file becomes `InvalidPicture`.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from services.embedder.room import PixelRoom
from services.errors import InvalidInput, InvalidPicture

Pixels = NDArray[np.uint8]

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
MIN_SIDE: Final = 16
"""Fewer pixels than this on a side show nothing that could be compared; 1x1 pictures are tracking pixels."""

FRAMING_VERSION: Final = 1
"""Raised whenever the same file gives other pixels than before."""

_ORIENTATION_TAG: Final = 0x0112
_JPEG_OVERSAMPLING: Final = 1
"""Least ratio of what the JPEG decoder's own scaling leaves to what the network needs; the rest is resampled."""

_REDUCING_GAP: Final = 2.0
"""What averaging blocks of pixels leaves, in multiples of what is needed; the rest is resampled with care."""
_BICUBIC_MARGIN: Final = 1.5
"""Resampled pixels that bicubic resampling looks at on either side."""
_STRIP_PIXELS: Final = 1_000_000
_WEBP_COPIES: Final = 4
"""The decoder animates, also what stands still: it has the last frame, this one, its bytes, and then the picture."""


@dataclass(frozen=True)
class Limits:
    """What is read at all: bytes of the file, pixels (width x height) of the picture."""

    max_bytes: int = 16 * 1024 * 1024
    max_pixels: int = 50_000_000


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True)
class Box:
    """A part of a picture, as it is seen (after EXIF orientation), in fractions of its width and height."""

    left: float
    top: float
    right: float
    bottom: float

    def check(self, field: str) -> None:
        """Raises InvalidInput, naming the edge within `field`, unless each low edge is below its high one, in 0..1."""
        for low, high in (("left", "right"), ("top", "bottom")):
            if not 0 <= getattr(self, low) <= 1:
                raise InvalidInput(f"{field}.{low}", "must be within 0 and 1", reason="BAD_CROP")
            if not getattr(self, low) < getattr(self, high) <= 1:
                raise InvalidInput(f"{field}.{high}", f"must be greater than {low} and at most 1", reason="BAD_CROP")


WHOLE: Final = Box(0.0, 0.0, 1.0, 1.0)


def read_picture(
    data: bytes,
    side: int,
    *,
    field: str = "photo",
    crop: Box = WHOLE,
    limits: Limits = DEFAULT_LIMITS,
    room: PixelRoom | None = None,
) -> Pixels:
    """The centre square of the (cropped) picture as uint8 RGB (side, side, 3), upright, alpha laid over white.

    JPEG, PNG, WebP, BMP, and the first frame of a GIF. Sixteen-bit greys keep their upper eight bits; CMYK is converted
    without a profile. Raises InvalidPicture, naming `field`.data, for anything that is not such a picture, is broken or
    cut short, is above `limits`, or leaves fewer than `MIN_SIDE` pixels on a side; InvalidInput for a bad `crop`,
    naming its edge within `field`.crop.

    What is decoded takes its pixels of `room`, waiting for them. Beyond the decoder's own picture memory is small.
    """
    crop.check(f"{field}.crop")
    at = f"{field}.data"
    if not data:
        raise InvalidPicture(at, "is empty; send the bytes of a picture file")
    if len(data) > limits.max_bytes:
        raise InvalidPicture(at, f"{len(data)} bytes, at most {limits.max_bytes} are read")
    try:
        with _open(data, at) as image:
            _check_size(image, limits, at)
            return _decode(image, _Framing(crop, side), room or PixelRoom(limits.max_pixels), at)
    except InvalidInput:
        raise
    # Decoders answer hostile files with any exception there is (struct.error, KeyError, MemoryError, ...).
    except Exception as error:
        raise InvalidPicture(at, f"the picture is broken or cut short ({type(error).__name__})") from error


def _open(data: bytes, at: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise InvalidPicture(at, f"not a picture that is read; send one of {', '.join(FORMATS)}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidPicture(at, "the header announces too many pixels") from error


def _check_size(image: Image.Image, limits: Limits, at: str) -> None:
    width, height = image.size
    if width * height > limits.max_pixels:
        raise InvalidPicture(at, f"{width}x{height} pixels, at most {limits.max_pixels} are read")
    if min(width, height) < MIN_SIDE:
        raise InvalidPicture(at, f"{width}x{height} pixels, at least {MIN_SIDE} on each side are needed")


@dataclass(frozen=True)
class _Framing:
    crop: Box
    side: int


def _decode(image: Image.Image, framing: _Framing, room: PixelRoom, at: str) -> Pixels:
    orientation, side = _orientation(image), framing.side
    square = _centre_square(_stored(framing.crop, orientation), image.size)
    edge = square.right - square.left
    if edge < MIN_SIDE:
        raise InvalidPicture(at, f"the crop leaves {edge:.0f} pixels on a side, at least {MIN_SIDE} are needed")
    width, height = image.size
    if image.format == "JPEG":
        # The decoder halves while it transforms, which costs less the more it halves.
        needed = min(1.0, _JPEG_OVERSAMPLING * side / edge)
        image.draft("RGB", (max(1, int(width * needed)), max(1, int(height * needed))))
    scale_x, scale_y = image.size[0] / width, image.size[1] / height
    box = Box(square.left * scale_x, square.top * scale_y, square.right * scale_x, square.bottom * scale_y)
    with room.held(_pixels_held(image, width * height)):
        small = _resized(image, box, side)
    upright = small.transpose(_TURNS[orientation]) if orientation in _TURNS else small
    return np.asarray(upright, dtype=np.uint8)


def _pixels_held(image: Image.Image, whole: int) -> int:
    """While the picture of `whole` pixels is decoded to the size of `image`."""
    if image.format == "WEBP":
        return _WEBP_COPIES * whole
    # A progressive JPEG is held in full before it is scaled.
    return whole if "progressive" in image.info else math.prod(image.size)


def _resized(image: Image.Image, box: Box, side: int) -> Image.Image:
    """Decodes. The box (in pixels) as RGB, `side` pixels wide and high.

    As `resize(reducing_gap=2.0)` does it, but in strips: the picture is never copied as a whole, neither to lay it over
    white nor to change its mode.
    """
    image.load()
    factor_x = max(1, int((box.right - box.left) / side / _REDUCING_GAP))
    factor_y = max(1, int((box.bottom - box.top) / side / _REDUCING_GAP))
    left, top, right, bottom = _with_margin(box, side, image.size)
    rows = factor_y * max(1, _STRIP_PIXELS // (right - left) // factor_y)
    reduced = Image.new("RGB", (-(-(right - left) // factor_x), -(-(bottom - top) // factor_y)))
    for start in range(top, bottom, rows):
        strip = _rgb(image.crop((left, start, right, min(start + rows, bottom))))
        reduced.paste(strip.reduce((factor_x, factor_y)), (0, (start - top) // factor_y))
    within = (
        (box.left - left) / factor_x,
        (box.top - top) / factor_y,
        (box.right - left) / factor_x,
        (box.bottom - top) / factor_y,
    )
    return reduced.resize((side, side), Image.Resampling.BICUBIC, box=within)


def _with_margin(box: Box, side: int, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The whole pixels that resampling looks at: those of the box and, where there are any, some around it."""
    margin_x = _BICUBIC_MARGIN * (box.right - box.left) / side
    margin_y = _BICUBIC_MARGIN * (box.bottom - box.top) / side
    return (
        max(0, int(box.left - margin_x)),
        max(0, int(box.top - margin_y)),
        min(size[0], math.ceil(box.right + margin_x)),
        min(size[1], math.ceil(box.bottom + margin_y)),
    )


def _rgb(image: Image.Image) -> Image.Image:
    """Any mode of the formats above to RGB."""
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8. Broken metadata must not cost an intact picture, so it counts as upright."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001 - parsers of metadata raise as many kinds of errors as decoders do
        return 1
    return value if value in _TURNS else 1


def _stored(box: Box, orientation: int) -> Box:
    """The box of the upright picture, in the fractions of the picture as it lies in the file."""
    left, top, right, bottom = box.left, box.top, box.right, box.bottom
    if orientation in (5, 6, 7, 8):
        left, top, right, bottom = top, left, bottom, right
    if orientation in (2, 3, 7, 8):
        left, right = 1 - right, 1 - left
    if orientation in (3, 4, 6, 7):
        top, bottom = 1 - bottom, 1 - top
    return Box(left, top, right, bottom)


def _centre_square(box: Box, size: tuple[int, int]) -> Box:
    """The largest centred square of the box, in pixels."""
    width, height = (box.right - box.left) * size[0], (box.bottom - box.top) * size[1]
    edge = min(width, height)
    left = box.left * size[0] + (width - edge) / 2
    top = box.top * size[1] + (height - edge) / 2
    return Box(left, top, left + edge, top + edge)
