"""WebP files that mean harm. Chunks: RFC 9649."""

from __future__ import annotations

import random
import struct
from functools import cache
from typing import Final

from PIL import Image

from tests.embedder.pictures import encode, image
from tests.fuzz.case import Case, either, refused
from tests.fuzz.exifs import EXIFS

ANIMATION, XMP, EXIF, ALPHA, PROFILE = 2, 4, 8, 16, 32


def chunk(kind: bytes, data: bytes, *, length: int | None = None) -> bytes:
    return kind + struct.pack("<I", len(data) if length is None else length) + data + bytes(len(data) % 2)


def webp(*chunks: bytes, length: int | None = None) -> bytes:
    data = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(data) if length is None else length) + data


def _three(number: int) -> bytes:
    return struct.pack("<I", number)[:3]


def canvas(width: int, height: int, flags: int = 0) -> bytes:
    return chunk(b"VP8X", bytes([flags, 0, 0, 0]) + _three(width - 1) + _three(height - 1))


def flat(width: int, height: int, more: bytes = b"") -> bytes:
    """A lossless picture of one colour, of any size, in a few bytes: five prefix codes of one symbol each take no bits
    for a pixel."""
    bits = width - 1 | height - 1 << 14
    # Behind the sizes and the version: no transform, no cache, no groups of codes, and five times "simple, one symbol".
    bits |= sum(1 << 4 * code for code in range(5)) << 35
    return chunk(b"VP8L", b"\x2f" + bits.to_bytes(8, "little") + more)


def animated(width: int, height: int, frames: bytes) -> bytes:
    return webp(canvas(width, height, ANIMATION), chunk(b"ANIM", bytes(6)), frames)


def shown(width: int, height: int, x: int = 0, y: int = 0, *, inside: bytes | None = None) -> bytes:
    """One frame of an animation. Places are in steps of two pixels."""
    head = _three(x) + _three(y) + _three(width - 1) + _three(height - 1) + _three(10) + b"\0"
    return chunk(b"ANMF", head + (flat(width, height) if inside is None else inside))


@cache
def lossy() -> bytes:
    return encode(image(), "WEBP", quality=80)


@cache
def lossless() -> bytes:
    return encode(image(), "WEBP", lossless=True)


@cache
def with_alpha() -> bytes:
    picture = image()
    picture.putalpha(image(seed=1, mode="L"))
    return encode(picture, "WEBP", quality=50)


@cache
def animation() -> bytes:
    return encode(image(), "WEBP", save_all=True, append_images=[image(seed=1), image(seed=2)])


@cache
def _lossy_inside() -> bytes:
    return encode(Image.new("RGB", (80, 60), (9, 99, 199)), "WEBP", quality=10)[12:]


def _lossy_of(width: int, height: int) -> bytes:
    """A frame header that lies about its size."""
    at = lossy().index(b"\x9d\x01\x2a") + 3
    return lossy()[:at] + struct.pack("<HH", width, height) + lossy()[at + 4 :]


def _noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


CASES: Final[dict[str, Case]] = {
    "signature only": refused(lambda: b"RIFF\x04\0\0\0WEBP"),
    "RIFF of sound": refused(lambda: b"RIFF\x24\0\0\0WAVEfmt " + bytes(100)),
    "empty VP8": refused(lambda: webp(chunk(b"VP8 ", b""))),
    "empty VP8L": refused(lambda: webp(chunk(b"VP8L", b""))),
    "empty VP8X": refused(lambda: webp(chunk(b"VP8X", b""))),
    "canvas and no picture": refused(lambda: webp(canvas(80, 60))),
    "flat": either(lambda: webp(flat(80, 60))),
    "49 MP in 34 bytes": either(lambda: webp(flat(7000, 7000))),
    "49 MP in 16 columns": either(lambda: webp(flat(3050, 16_000))),
    "above the limit in 34 bytes": refused(lambda: webp(flat(9000, 6000))),
    "16,384 pixels on a side": refused(lambda: webp(flat(16_384, 16_384))),
    "canvas above the limit": refused(lambda: webp(canvas(13_000, 13_000), flat(13_000, 13_000))),
    "canvas of 2^24 pixels on a side": refused(lambda: webp(canvas(2**24, 2**24), flat(80, 60))),
    "canvas of 2^24 by 16": refused(lambda: webp(canvas(2**24, 16), flat(80, 60))),
    "canvas larger than the picture": either(lambda: webp(canvas(6000, 6000), flat(80, 60))),
    "canvas smaller than the picture": either(lambda: webp(canvas(16, 16), flat(6000, 6000))),
    "canvas of one pixel": refused(lambda: webp(canvas(1, 1), flat(1, 1))),
    "lossy, larger than its data": either(lambda: _lossy_of(7000, 7000)),
    "lossy, 16,383 pixels on a side": refused(lambda: _lossy_of(16_383, 16_383)),
    "lossy, zero width": refused(lambda: _lossy_of(0, 60)),
    "lossy of noise": either(lambda: lossy()[:60] + _noise(5000)),
    "lossless of noise": either(lambda: webp(chunk(b"VP8L", b"\x2f" + lossless()[21:25] + _noise(5000)))),
    "lossless with 255 transforms": either(lambda: webp(chunk(b"VP8L", b"\x2f" + lossless()[21:25] + b"\xff" * 5000))),
    "lossy and lossless": either(lambda: webp(canvas(80, 60), lossy()[12:], lossless()[12:])),
    "alpha of noise": either(lambda: webp(canvas(80, 60, ALPHA), chunk(b"ALPH", b"\1" + _noise(900)), _lossy_inside())),
    "alpha without its picture": refused(lambda: webp(canvas(80, 60, ALPHA), chunk(b"ALPH", b"\1" + bytes(900)))),
    "a hundred alphas": either(
        lambda: webp(canvas(80, 60, ALPHA), chunk(b"ALPH", b"\0" * 4801) * 100, _lossy_inside())
    ),
    "animation of 5,000 frames": either(lambda: animated(80, 60, shown(80, 60) * 5000)),
    "animation of 49 MP": either(lambda: animated(7000, 7000, shown(16, 16) * 10)),
    "animation of 25 MP frames": either(lambda: animated(5000, 5000, shown(5000, 5000) * 10)),
    "animation of no frames": refused(lambda: animated(80, 60, b"")),
    "animation, frame outside of the canvas": either(lambda: animated(80, 60, shown(80, 60, 1000, 1000))),
    "animation, frame larger than the canvas": either(lambda: animated(80, 60, shown(6000, 6000))),
    "animation, frame in a frame": either(lambda: animated(80, 60, shown(80, 60, inside=shown(80, 60)))),
    "animation, frame that is lossy": either(lambda: animated(80, 60, shown(80, 60, inside=_lossy_inside()) * 2)),
    "animation, second frame of noise": either(
        lambda: animated(80, 60, shown(80, 60) + shown(80, 60, inside=chunk(b"VP8L", _noise(99))))
    ),
    "animation that is not announced": either(lambda: webp(canvas(80, 60), shown(80, 60))),
    "RIFF of no bytes": either(lambda: webp(flat(80, 60), length=0)),
    "RIFF of 4 GiB": either(lambda: webp(flat(80, 60), length=2**32 - 1)),
    "chunk of 4 GiB": refused(lambda: webp(chunk(b"VP8L", flat(80, 60)[8:], length=2**32 - 1))),
    "unknown chunk of 2 GiB": refused(lambda: webp(chunk(b"whoa", b"", length=2**31), flat(80, 60))),
    "100,000 unknown chunks": either(lambda: webp(canvas(80, 60), chunk(b"whoa", b"") * 100_000, flat(80, 60))),
    "profile of noise": either(lambda: webp(canvas(80, 60, PROFILE), chunk(b"ICCP", _noise(10_000)), flat(80, 60))),
    "XMP with an orientation": either(
        lambda: webp(canvas(80, 60, XMP), flat(80, 60), chunk(b"XMP ", b'<a tiff:Orientation="9"' * 1000))
    ),
    **{
        f"EXIF: {name}": either(
            lambda make=make: webp(canvas(80, 60, EXIF), flat(80, 60), chunk(b"EXIF", make()))  # type: ignore[misc]
        )
        for name, make in EXIFS.items()
    },
}
