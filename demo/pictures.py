"""Photos as small pictures inside a page, so that the page is one file."""

from __future__ import annotations

import base64
import io
import os
from functools import cache

from PIL import Image, ImageOps

SIDE_PIXELS = 360
"""Longest side: a card is about half as wide, and screens are dense."""

QUALITY = 78

NOTHING = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
"""One transparent pixel, for a photo that cannot be read."""


@cache
def data_uri(path: str | os.PathLike[str]) -> str:
    """A JPEG of at most `SIDE_PIXELS` as a data URI, upright, transparent parts white."""
    try:
        with Image.open(path) as photo:
            photo.draft("RGB", (2 * SIDE_PIXELS, 2 * SIDE_PIXELS))
            upright = ImageOps.exif_transpose(photo)
            upright.thumbnail((SIDE_PIXELS, SIDE_PIXELS))
            flat = Image.new("RGB", upright.size, "white")
            seen = upright.convert("RGBA")
            flat.paste(seen, mask=seen)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return NOTHING
    file = io.BytesIO()
    flat.save(file, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
