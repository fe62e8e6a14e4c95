"""Other views of a product: its other colours, and the same photo taken anew, as if by somebody else."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from functools import partial

import numpy as np
from PIL import Image, ImageEnhance

from bench.quality.picture import SIDE, Picture, file_of, square
from bench.quality.question import Question

LEAST_SIDE, MOST_TURNED, LIGHT = 0.7, 8.0, 0.25
"""Of another view: at least so much of each side is in it, it is turned by at most so many degrees, and up to so much
darker or lighter. Half of them are mirrored."""


def other_colours(products: Sequence[Picture]) -> Question:
    """Each product that there is in several colours: are the others found?"""
    times = Counter(product.labels["title"] for product in products)
    several = [product for product in products if times[product.labels["title"]] > 1]
    return Question("luma: other colours of it", "title", several, list(products))


def taken_anew(shop: str, photos: Sequence[Picture], among: Sequence[Picture]) -> Question:
    """Another view of each photo: is the photo itself found among all? It is the one right answer."""
    views = [
        Picture(f"view/{photo.name}", partial(_taken, photo), {"photo": photo.name}, f"view/{photo.name}")
        for photo in photos
    ]
    gallery = [Picture(photo.name, photo.file, {"photo": photo.name}, photo.group) for photo in among]
    return Question(f"{shop}: a photo taken anew", "photo", views, gallery)


def _taken(photo: Picture) -> bytes:
    random = np.random.default_rng(zlib.crc32(photo.name.encode()))
    image = square(photo.file())
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    turned = image.rotate(random.uniform(-MOST_TURNED, MOST_TURNED), Image.Resampling.BICUBIC, fillcolor=_corner(image))
    side = round(SIDE * random.uniform(LEAST_SIDE, 1.0))
    left, top = (int(edge) for edge in random.integers(0, SIDE - side + 1, 2))
    part = turned.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return file_of(ImageEnhance.Brightness(part).enhance(1 + random.uniform(-LIGHT, LIGHT)))


def _corner(image: Image.Image) -> tuple[int, ...]:
    """What is behind, so that turning leaves no black edge to be found by."""
    colour = image.getpixel((0, 0))
    assert isinstance(colour, tuple)
    return colour
