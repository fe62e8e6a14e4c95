"""Pictures with labels, and the squares that pictures are made of here."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PIL import Image, ImageOps

SIDE = 224
"""Pixels of the squares: what the network looks at, so that nothing is resampled after them."""


@dataclass(frozen=True)
class Picture:
    """One picture and what is known of it.

    name    unique among all that are embedded.
    file    gives the bytes of its file; pictures that are made are made then.
    labels  what its neighbours may be asked to share, such as its category.
    group   pictures of one group show the same thing and never count as neighbours of each other.
    """

    name: str
    file: Callable[[], bytes]
    labels: Mapping[str, str]
    group: str


def square(file: bytes) -> Image.Image:
    """The middle of the picture, SIDE x SIDE, RGB, over white where it is transparent."""
    with Image.open(io.BytesIO(file)) as picture:
        layer = picture.convert("RGBA")
    whole = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return ImageOps.fit(whole, (SIDE, SIDE), Image.Resampling.BICUBIC)


def file_of(image: Image.Image) -> bytes:
    """As a BMP: written at once, and nothing is lost."""
    file = io.BytesIO()
    image.save(file, "BMP")
    return file.getvalue()
