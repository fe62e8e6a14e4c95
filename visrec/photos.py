"""Photos as a caller has them: a path or the bytes of a file."""

from __future__ import annotations

import os
from pathlib import Path

from visrec.v1 import common_pb2

PhotoSource = bytes | str | os.PathLike[str]
"""A path, or the bytes of a JPEG, PNG, WebP, GIF or BMP file. The services take at most 16 MiB a photo."""

Crop = tuple[float, float, float, float]
"""Left, top, right and bottom as fractions (0 to 1) of width and height."""


def photo_message(source: PhotoSource, crop: Crop | None = None) -> common_pb2.Photo:
    """The photo as it is sent. Raises OSError when the file cannot be read."""
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    return common_pb2.Photo(data=data, crop=_crop_box(crop) if crop else None)


def _crop_box(crop: Crop) -> common_pb2.CropBox:
    left, top, right, bottom = crop
    return common_pb2.CropBox(left=left, top=top, right=right, bottom=bottom)
