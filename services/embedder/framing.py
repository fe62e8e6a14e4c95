"""Which parts of a picture are seen, and how they become squares of pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.errors import InvalidInput

Pixels = NDArray[np.uint8]

VERSION: Final = 1
"""Raised whenever the same file gives other pixels than before."""

VIEWS: Final = 3
"""How many views there are: the middle, the inner part of it, and the whole."""

_INNER: Final = 0.8
"""Share of the middle square's side that the second view looks at."""
_REDUCING_GAP: Final = 2.0
"""What averaging blocks of pixels leaves, in multiples of what is needed; the rest is resampled with care."""
_BICUBIC_MARGIN: Final = 1.5
"""Resampled pixels that bicubic resampling looks at on either side."""
_STRIP_PIXELS: Final = 1_000_000


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


def seen(image: Image.Image, boxes: list[Box], whole: tuple[int, int], turn: int, side: int) -> Pixels:
    """Decodes. The `boxes` (in pixels of a picture of `whole` size, to which `image` may have been scaled down) as RGB
    (boxes, side, side, 3), turned upright from the EXIF orientation `turn`."""
    scale_x, scale_y = image.size[0] / whole[0], image.size[1] / whole[1]
    found = np.empty((len(boxes), side, side, 3), dtype=np.uint8)
    for view, each in zip(found, boxes, strict=True):
        box = Box(each.left * scale_x, each.top * scale_y, each.right * scale_x, each.bottom * scale_y)
        small = _on_white(_resized(image, box, *_fitting(each, side)), side)
        view[:] = np.asarray(small.transpose(TURNS[turn]) if turn in TURNS else small)
    return found


def _resized(image: Image.Image, box: Box, width: int, height: int) -> Image.Image:
    """Decodes. The box (in pixels) as RGB, `width` x `height` pixels.

    As `resize(reducing_gap=2.0)` does it, but in strips: the picture is never copied as a whole, neither to lay it over
    white nor to change its mode.
    """
    image.load()
    corners = (box.left, box.top, box.right, box.bottom)
    if image.mode == "RGB" and max(box.right - box.left, box.bottom - box.top) < 2 * _REDUCING_GAP * min(width, height):
        # Nothing to convert and nothing to reduce: strips would only be copies.
        return image.resize((width, height), Image.Resampling.BICUBIC, box=corners)
    factor_x = max(1, int((box.right - box.left) / width / _REDUCING_GAP))
    factor_y = max(1, int((box.bottom - box.top) / height / _REDUCING_GAP))
    left, top, right, bottom = _with_margin(box, width, height, image.size)
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
    return reduced.resize((width, height), Image.Resampling.BICUBIC, box=within)


def _fitting(box: Box, side: int) -> tuple[int, int]:
    """Width and height of the box when its longer side is `side` pixels."""
    width, height = box.right - box.left, box.bottom - box.top
    longer = max(width, height)
    return max(1, round(side * width / longer)), max(1, round(side * height / longer))


def _on_white(picture: Image.Image, side: int) -> Image.Image:
    """In the middle of a white square."""
    if picture.size == (side, side):
        return picture
    square = Image.new("RGB", (side, side), "white")
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square


def _with_margin(box: Box, width: int, height: int, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The whole pixels that resampling looks at: those of the box and, where there are any, some around it."""
    margin_x = _BICUBIC_MARGIN * (box.right - box.left) / width
    margin_y = _BICUBIC_MARGIN * (box.bottom - box.top) / height
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


TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def stored(box: Box, orientation: int) -> Box:
    """The box of the upright picture, in the fractions of the picture as it lies in the file."""
    left, top, right, bottom = box.left, box.top, box.right, box.bottom
    if orientation in (5, 6, 7, 8):
        left, top, right, bottom = top, left, bottom, right
    if orientation in (2, 3, 7, 8):
        left, right = 1 - right, 1 - left
    if orientation in (3, 4, 6, 7):
        top, bottom = 1 - bottom, 1 - top
    return Box(left, top, right, bottom)


def boxes_of(box: Box, size: tuple[int, int]) -> list[Box]:
    """The `VIEWS` of a box, in pixels: its middle square, the inner part of that, and all of it."""
    width, height = (box.right - box.left) * size[0], (box.bottom - box.top) * size[1]
    x, y = box.left * size[0] + width / 2, box.top * size[1] + height / 2
    half = min(width, height) / 2
    middle, inner = (Box(x - reach, y - reach, x + reach, y + reach) for reach in (half, _INNER * half))
    return [middle, inner, Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)]
