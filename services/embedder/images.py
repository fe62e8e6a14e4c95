"""The bytes of a photo -> checked RGB pixels for the network. Knows files and Pillow, not networks.

Everything about a file is doubted: formats are on a list, sizes are read from the header and judged before anything is
decoded, and whatever a decoder raises on a broken file becomes `InvalidPicture`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

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
    data: bytes, side: int, *, field: str = "photo", crop: Box = WHOLE, limits: Limits = DEFAULT_LIMITS
) -> Pixels:
    """The centre square of the (cropped) picture as uint8 RGB (side, side, 3), upright, alpha laid over white.

    JPEG, PNG, WebP, BMP, and the first frame of a GIF. Sixteen-bit greys keep their upper eight bits; CMYK is converted
    without a profile. Raises InvalidPicture, naming `field`.data, for anything that is not such a picture, is broken or
    cut short, is above `limits`, or leaves fewer than `MIN_SIDE` pixels on a side; InvalidInput for a bad `crop`,
    naming its edge within `field`.crop.
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
            return _decode(image, crop, side, at)
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


def _decode(image: Image.Image, crop: Box, side: int, at: str) -> Pixels:
    orientation = _orientation(image)
    square = _centre_square(_stored(crop, orientation), image.size)
    edge = square.right - square.left
    if edge < MIN_SIDE:
        raise InvalidPicture(at, f"the crop leaves {edge:.0f} pixels on a side, at least {MIN_SIDE} are needed")
    width, height = image.size
    if image.format == "JPEG":
        # The decoder halves while it transforms, which costs less the more it halves.
        needed = min(1.0, _JPEG_OVERSAMPLING * side / edge)
        image.draft("RGB", (max(1, int(width * needed)), max(1, int(height * needed))))
    scale_x, scale_y = image.size[0] / width, image.size[1] / height
    box = (square.left * scale_x, square.top * scale_y, square.right * scale_x, square.bottom * scale_y)
    small = _rgb(image).resize((side, side), Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
    upright = small.transpose(_TURNS[orientation]) if orientation in _TURNS else small
    return np.asarray(upright, dtype=np.uint8)


def _rgb(image: Image.Image) -> Image.Image:
    """Decodes. Any mode of the formats above to RGB."""
    image.load()
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
