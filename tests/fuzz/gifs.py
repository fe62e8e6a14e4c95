"""GIF files that mean harm. Blocks: https://www.w3.org/Graphics/GIF/spec-gif89a.txt."""

from __future__ import annotations

import random
import struct
from functools import cache
from typing import Final

from PIL import Image

from tests.embedder.pictures import encode, image
from tests.fuzz.case import Case, either, refused, slow

END: Final = b";"


def screen(width: int, height: int, *, colours: int = 2) -> bytes:
    """Header and global palette of 2 to 256 `colours`; none: no palette."""
    flags = 0x80 | (colours.bit_length() - 2) if colours else 0
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", width, height, flags, 0, 0)
        + bytes(range(256)) * 3 * (colours > 2)
        + (b"\x10\x20\x30\x40\x50\x60" if colours == 2 else b"")
    )


def blocks(data: bytes) -> bytes:
    """As sub-blocks of at most 255 bytes, with their end."""
    parts = (data[at : at + 255] for at in range(0, len(data), 255))
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def frame(
    width: int, height: int, x: int = 0, y: int = 0, *, data: bytes | None = None, code: int = 2, flags: int = 0
) -> bytes:
    """One picture; without `data`, zeros for each pixel and a code that clears the table."""
    head = b"," + struct.pack("<HHHHB", x, y, width, height, flags) + bytes([code])
    return head + (blocks(zeros(width * height)) if data is None else data)


def zeros(pixels: int) -> bytes:
    """LZW of that many zeros, three bits a code: clear (4), and up to two zeros before the codes grow."""
    bits: list[int] = []
    for _ in range(-(-pixels // 2)):
        bits += [0, 0, 1, 0, 0, 0, 0, 0, 0]
    bits += [1, 0, 1]
    packed = bytearray(-(-len(bits) // 8))
    for at, bit in enumerate(bits):
        packed[at // 8] |= bit << at % 8
    return bytes(packed)


def control(transparent: int = 0, disposal: int = 3, delay: int = 0) -> bytes:
    return b"!\xf9\x04" + struct.pack("<BHB", disposal << 2 | 1, delay, transparent) + b"\0"


@cache
def good() -> bytes:
    return encode(image(), "GIF")


@cache
def large() -> bytes:
    return encode(Image.new("P", (7000, 7000)), "GIF")


def _noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


CASES: Final[dict[str, Case]] = {
    "signature only": refused(lambda: b"GIF89a"),
    "header only": refused(lambda: screen(80, 60)),
    "no frame": refused(lambda: screen(80, 60) + END),
    "no end": either(lambda: screen(80, 60) + frame(80, 60)),
    "no palette": either(lambda: screen(80, 60, colours=0) + frame(80, 60) + END),
    "palette cut short": refused(lambda: screen(80, 60, colours=256)[:200]),
    "zero screen": either(lambda: screen(0, 0) + frame(80, 60) + END),
    "zero screen and frame": refused(lambda: screen(0, 0) + frame(0, 0) + END),
    "zero frame": either(lambda: screen(80, 60) + frame(0, 0) + END),
    "frame of no rows": either(lambda: screen(80, 60) + frame(80, 0) + END),
    "65,535 pixels on a side": refused(lambda: screen(65_535, 65_535) + frame(1, 1) + END),
    "49 MP of screen, one pixel of frame": either(lambda: screen(7000, 7000) + frame(1, 1) + END),
    "49 MP of frame, no data": either(lambda: screen(7000, 7000) + frame(7000, 7000, data=b"\0") + END),
    "49 MP": either(large),
    "above the limit": refused(lambda: screen(9000, 6000) + frame(1, 1) + END),
    "frame outside of the screen": either(lambda: screen(80, 60) + frame(80, 60, 1000, 1000) + END),
    "frame at the last pixel there can be": refused(lambda: screen(80, 60) + frame(60, 60, 65_535, 65_535) + END),
    "frame that makes the screen too large": refused(lambda: screen(80, 60) + frame(9000, 6000, data=b"\0") + END),
    "frame larger than the screen": either(lambda: screen(80, 60) + frame(4000, 3000, data=blocks(b"\x04")) + END),
    "second frame that is too large": either(
        lambda: screen(80, 60) + frame(80, 60) + frame(65_535, 65_535, data=b"\0") + END
    ),
    "5,000 frames": either(lambda: screen(80, 60) + (control() + frame(80, 60)) * 5000 + END),
    "frames that are restored": either(lambda: screen(5000, 5000) + (control(1, 3) + frame(9, 9)) * 100 + END),
    "frame without its data": refused(lambda: screen(80, 60) + frame(80, 60)[:10]),
    "LZW noise": either(lambda: screen(80, 60) + frame(80, 60, data=blocks(_noise(5000)), code=8) + END),
    "LZW noise of 12 MP": either(
        lambda: screen(4000, 3000) + frame(4000, 3000, data=blocks(_noise(10**6)), code=8) + END
    ),
    **{
        f"LZW codes of {code} bits": either(
            lambda code=code: screen(80, 60) + frame(80, 60, data=blocks(_noise(500)), code=code) + END  # type: ignore[misc]
        )
        for code in (0, 1, 9, 12, 13, 255)
    },
    "LZW that clears without end": either(
        lambda: screen(80, 60) + frame(80, 60, data=blocks(bytes.fromhex("244992") * 100_000)) + END
    ),
    "LZW that ends at once": either(lambda: screen(80, 60) + frame(80, 60, data=blocks(b"\x05")) + END),
    "LZW that is never cleared": either(lambda: screen(80, 60) + frame(80, 60, data=blocks(bytes(10_000))) + END),
    "interlaced": either(lambda: screen(80, 60) + frame(80, 60, flags=0x40) + END),
    "interlaced, one row": refused(lambda: screen(80, 1) + frame(80, 1, flags=0x40) + END),
    "local palette cut short": refused(lambda: screen(80, 60) + frame(80, 60, flags=0x87, data=b"")[:-2]),
    "transparent colour there is not": either(lambda: screen(80, 60) + control(255) + frame(80, 60) + END),
    "control of no bytes": either(lambda: screen(80, 60) + b"!\xf9\0" + frame(80, 60) + END),
    "control cut short": either(lambda: screen(80, 60) + b"!\xf9\1\1\0" + frame(80, 60) + END),
    "unknown extension": either(lambda: screen(80, 60) + b"!\x77" + blocks(_noise(1000)) + frame(80, 60) + END),
    "extension at the end": refused(lambda: screen(80, 60) + b"!"),
    "application of odd length": either(lambda: screen(80, 60) + b"!\xff\x0bNETSCAPE2.0\1\1\0" + frame(80, 60) + END),
    "comment of a MiB": either(lambda: screen(80, 60) + b"!\xfe" + blocks(bytes(2**20)) + frame(80, 60) + END),
    "comment of 500,000 bytes, each a block": either(
        lambda: screen(80, 60) + b"!\xfe" + b"\1x" * 500_000 + b"\0" + frame(80, 60) + END
    ),
    "comment of 8,000,000 blocks": slow(
        lambda: screen(80, 60) + b"!\xfe" + b"\1x" * 8_000_000 + b"\0" + frame(80, 60) + END
    ),
    "sub-blocks that do not end": either(lambda: screen(80, 60) + frame(80, 60)[:-1] + b"\xff" * 100_000),
    "extension that does not end": refused(lambda: screen(80, 60) + b"!\xfe" + b"\xff" * 100_000),
    "200,000 empty extensions": either(lambda: screen(80, 60) + b"!\1\0" * 200_000 + frame(80, 60) + END),
    "a MiB of nothing between blocks": either(lambda: screen(80, 60) + bytes(2**20) + frame(80, 60) + END),
}
