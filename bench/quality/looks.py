"""Photos under ten looks: a photo of the same look is what style should find, whatever it shows."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from bench.quality.picture import SIDE, Picture, file_of, square

MOST_PHOTOS = 150

Look = Callable[[Image.Image, np.random.Generator], Image.Image]


def treated(photos: Sequence[Picture]) -> list[Picture]:
    """At most MOST_PHOTOS of them, spread over all, under each `look`. The plain ones are resampled like the others,
    so that this does not tell them apart; all of one photo are a group."""
    count = min(MOST_PHOTOS, len(photos))
    chosen = [photos[number * len(photos) // count] for number in range(count)]
    return [
        Picture(f"look/{look}/{photo.name}", partial(_treat, photo, look), {"look": look}, photo.group)
        for look in LOOKS
        for photo in chosen
    ]


def _treat(photo: Picture, look: str) -> bytes:
    random = np.random.default_rng(zlib.crc32(photo.name.encode()))
    return file_of(LOOKS[look](square(photo.file()), random))


def _grey(photo: Image.Image, _: np.random.Generator) -> Image.Image:
    return ImageOps.grayscale(photo).convert("RGB")


def _sepia(photo: Image.Image, _: np.random.Generator) -> Image.Image:
    return ImageOps.colorize(ImageOps.grayscale(photo), "#201008", "#f5e6c8")


def _soft(photo: Image.Image, _: np.random.Generator) -> Image.Image:
    return photo.filter(ImageFilter.GaussianBlur(2))


def _oil(photo: Image.Image, _: np.random.Generator) -> Image.Image:
    return photo.filter(ImageFilter.ModeFilter(9))


def _poster(photo: Image.Image, _: np.random.Generator) -> Image.Image:
    return ImageOps.posterize(photo, 2)


def _pencil(photo: Image.Image, _: np.random.Generator) -> Image.Image:
    edges = ImageOps.grayscale(photo).filter(ImageFilter.GaussianBlur(1)).filter(ImageFilter.FIND_EDGES)
    # The filter leaves the outermost pixels as they were.
    inner = edges.crop((2, 2, SIDE - 2, SIDE - 2)).resize((SIDE, SIDE))
    return ImageOps.invert(ImageOps.autocontrast(inner)).convert("RGB")


def _grain(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    pixels = np.asarray(photo)
    return Image.fromarray(np.clip(pixels + random.normal(0, 25, pixels.shape), 0, 255).astype(np.uint8))


def _faded(photo: Image.Image, _: np.random.Generator) -> Image.Image:
    return Image.blend(ImageEnhance.Color(photo).enhance(0.5), Image.new("RGB", photo.size, (200, 190, 180)), 0.4)


def _coarse(photo: Image.Image, _: np.random.Generator) -> Image.Image:
    side = SIDE // 6
    return photo.resize((side, side), Image.Resampling.BOX).resize((SIDE, SIDE), Image.Resampling.NEAREST)


LOOKS: dict[str, Look] = {
    "plain": lambda photo, _: photo,
    "grey": _grey,
    "sepia": _sepia,
    "soft": _soft,
    "oil": _oil,
    "poster": _poster,
    "pencil": _pencil,
    "grain": _grain,
    "faded": _faded,
    "coarse": _coarse,
}
