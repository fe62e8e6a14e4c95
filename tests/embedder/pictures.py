"""Pictures and picture files that the tests make themselves."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

from services.embedder.framing import Pixels


def waves(height: int, width: int, seed: int = 0) -> Pixels:
    """(height, width, 3): soft colour waves, different for each seed."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    frequency, phase = generator.uniform(0.5, 4, (3, 2)), generator.uniform(0, 2 * np.pi, 3)
    turns = frequency[:, :1, None] * x + frequency[:, 1:, None] * y
    return np.asarray(127.5 + 127.5 * np.sin(2 * np.pi * turns + phase[:, None, None]), np.uint8).transpose(1, 2, 0)


def image(height: int = 60, width: int = 80, seed: int = 0, mode: str = "RGB") -> Image.Image:
    return Image.fromarray(waves(height, width, seed)).convert(mode)


def encode(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def jpeg(seed: int = 0, height: int = 60, width: int = 80) -> bytes:
    return encode(image(height, width, seed), "JPEG", quality=95)


def png_header(width: int, height: int) -> bytes:
    """A PNG of that size in its header, with next to nothing behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
