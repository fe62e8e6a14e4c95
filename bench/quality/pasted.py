"""Products cut out of their white backdrop and pasted over photos: is the colour that is found the product's?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from bench.quality.picture import SIDE, Picture, file_of, square

_WHITE = 228
"""From this on, in each channel, a pixel may be of the backdrop."""
_SMALL = 0.65
"""Side of the product that is pasted anywhere, as a share of the photo's."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class CutOut:
    """A product as a square, and how much of each of its pixels is product (L)."""

    product: Picture
    image: Image.Image
    mask: Image.Image


def cut_out(products: Iterable[Picture]) -> Iterator[CutOut]:
    """Those products that stand clear of their backdrop: most of the border is backdrop, and neither hardly anything
    nor nearly everything is product."""
    for product in products:
        image = square(product.file())
        thing = ~backdrop(np.asarray(np.asarray(image).min(axis=-1) >= _WHITE))
        border = np.concatenate([thing[:4].ravel(), thing[-4:].ravel(), thing[:, :4].ravel(), thing[:, -4:].ravel()])
        if 0.05 < thing.mean() < 0.7 and border.mean() < 0.25:
            # A little less than was found, with a soft edge: no white seam gives the product away.
            mask = Image.fromarray((thing * 255).astype(np.uint8))
            yield CutOut(product, image, mask.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.GaussianBlur(0.7)))


def backdrop(white: Mask) -> Mask:
    """The white pixels that are reached from the border over white pixels, up, down and sideways."""
    found = white.copy()
    found[1:-1, 1:-1] = False
    while True:
        spread = _along_rows(white, _along_rows(white.T, found.T).T)
        if (spread == found).all():
            return found
        found = spread


def in_place(products: Sequence[CutOut], photos: Sequence[Picture]) -> list[Picture]:
    """Each product where it was, over a photo by chance."""
    random = np.random.default_rng(0)
    chosen = random.integers(len(photos), size=len(products)).tolist()
    return [_over(photos[photo], each, SIDE, (0, 0)) for each, photo in zip(products, chosen, strict=True)]


def anywhere(products: Sequence[CutOut], photos: Sequence[Picture]) -> list[Picture]:
    """Each product smaller and somewhere, over a photo by chance."""
    random = np.random.default_rng(1)
    side = round(_SMALL * SIDE)
    chosen = random.integers(len(photos), size=len(products)).tolist()
    corners = random.integers(SIDE - side, size=(len(products), 2)).tolist()
    return [
        _over(photos[photo], each, side, (x, y)) for each, photo, (x, y) in zip(products, chosen, corners, strict=True)
    ]


def _over(photo: Picture, thing: CutOut, side: int, corner: tuple[int, int]) -> Picture:
    """Of the product's group, so that its own photo is not counted as found."""
    name = f"{side} of {thing.product.name} over {photo.name}"
    return Picture(name, partial(_paste, photo, thing, side, corner), thing.product.labels, thing.product.group)


def _paste(photo: Picture, thing: CutOut, side: int, corner: tuple[int, int]) -> bytes:
    whole = square(photo.file())
    size = (side, side)
    whole.paste(thing.image.resize(size, Image.Resampling.BICUBIC), corner, thing.mask.resize(size))
    return file_of(whole)


def _along_rows(free: Mask, found: Mask) -> Mask:
    """Every run of free pixels in a row of which one is found, as a whole."""
    height, width = free.shape
    runs = np.cumsum(~free, axis=1) + (width + 1) * np.arange(height)[:, None]
    reached = np.bincount(runs[found], minlength=(width + 1) * height) > 0
    return np.asarray(free & reached[runs])
