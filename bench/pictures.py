"""Made-up photos: as large to send and as hard to decode as real ones, and the same on every machine."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 640, 480
QUALITY = 90


def picture(seed: int) -> bytes:
    """A JPEG of 640 by 480 pixels and about 95 KB: a gradient, some shapes and grain, decided by `seed`."""
    random = np.random.default_rng(seed)
    corners = random.integers(0, 256, (2, 2, 3)).astype(np.uint8)
    image = Image.fromarray(corners).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        left, top = int(random.integers(0, WIDTH)), int(random.integers(0, HEIGHT))
        size = int(random.integers(20, 200))
        red, green, blue = (int(value) for value in random.integers(0, 256, 3))
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape((left, top, left + size, top + size), fill=(red, green, blue))
    grain = random.normal(0, 7, (HEIGHT, WIDTH, 1))
    pixels = np.clip(np.asarray(image, dtype=np.float32) + grain, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
