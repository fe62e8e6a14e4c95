"""Pictures made by the tests: a pattern (the subject) in a colour, never the same twice."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

PATTERNS = ("stripes", "rings", "checks", "noise")
COLOURS = {"red": (200, 40, 40), "green": (40, 160, 60), "blue": (40, 70, 200), "yellow": (230, 200, 40)}


def picture(pattern: str, colour: str, number: int, size: int = 96) -> bytes:
    """A JPEG of the pattern in the colour on light grey; `number` varies scale and position."""
    rng = np.random.default_rng([PATTERNS.index(pattern), list(COLOURS).index(colour), number])
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    scale, shift = rng.uniform(6, 12), rng.uniform(0, 20, 2)
    waves = {
        "stripes": np.sin((x + shift[0]) * 2 * np.pi / scale),
        "rings": np.sin(np.hypot(x - size / 2 - shift[0], y - size / 2 - shift[1]) * 2 * np.pi / scale),
        "checks": np.sign(np.sin(x * np.pi / scale + shift[0]) * np.sin(y * np.pi / scale + shift[1])),
        "noise": rng.standard_normal((size, size)),
    }
    ink = (waves[pattern] > 0)[..., None]
    pixels = np.where(ink, np.array(COLOURS[colour]), 225) + rng.normal(0, 4, (size, size, 1))
    buffer = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
