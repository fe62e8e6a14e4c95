"""BMP files that mean harm. Headers: BITMAPINFOHEADER and its successors, and OS/2's BITMAPCOREHEADER."""

from __future__ import annotations

import struct
from functools import cache
from typing import Final

from tests.embedder.pictures import encode, image
from tests.fuzz.case import Case, either, refused, slow

RAW, RLE8, RLE4, FIELDS, JPEG, PNG = range(6)
_PALETTE: Final = bytes(range(256)) * 4


def bmp(
    width: int = 80,
    height: int = 60,
    *,
    bits: int = 24,
    compression: int = RAW,
    colours: int = 0,
    header: int = 40,
    at: int | None = None,
    data: bytes = b"",
) -> bytes:
    """A file of that header. `at`: where it says that pixels begin; `data`: all that follows the header."""
    info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, 0, 2835, 2835, colours, 0)
    info = info[:header].ljust(min(header, 4096), b"\0")
    start = 14 + len(info) if at is None else at
    return b"BM" + struct.pack("<IHHI", 14 + len(info) + len(data), 0, 0, start) + info + data


def runs(data: bytes, width: int = 80, height: int = 60, compression: int = RLE8) -> bytes:
    bits = 8 if compression == RLE8 else 4
    palette = _PALETTE[: 4 << bits]
    return bmp(width, height, bits=bits, compression=compression, at=54 + len(palette), data=palette + data)


def masked(masks: tuple[int, ...], bits: int = 32, header: int = 56) -> bytes:
    head = struct.pack(f"<{len(masks)}I", *masks)
    whole = bmp(bits=bits, compression=FIELDS, header=header, at=14 + max(header, 56), data=bytes(80 * 60 * 4))
    return whole[:54] + head + whole[54 + len(head) :]


@cache
def good() -> bytes:
    return encode(image(), "BMP")


CASES: Final[dict[str, Case]] = {
    "signature only": refused(lambda: b"BM"),
    "header only": refused(bmp),
    "no pixels": refused(lambda: bmp(0, 0, data=bytes(100))),
    "negative width": refused(lambda: bmp(-80, 60, data=bytes(80 * 60 * 3))),
    "negative height": either(lambda: bmp(80, -60, data=bytes(80 * 60 * 3))),
    "the most negative height": refused(lambda: bmp(80, -(2**31), data=bytes(80 * 60 * 3))),
    "2^31 pixels on a side": refused(lambda: bmp(2**31 - 1, 2**31 - 1, data=bytes(100))),
    "above the limit": refused(lambda: bmp(9000, 6000, bits=1, data=bytes(1000))),
    "49 MP and no data": refused(lambda: bmp(7000, 7000, data=bytes(1000))),
    "49 MP of one bit": either(lambda: bmp(7000, 7000, bits=1, colours=2, at=62, data=bytes(8 + 876 * 7000))),
    **{
        f"header of {size} bytes": either(lambda size=size: bmp(header=size, data=bytes(80 * 60 * 3)))  # type: ignore[misc]
        for size in (0, 4, 12, 16, 39, 41, 52, 56, 64, 108, 124, 2**31 - 1, 2**32 - 1)
    },
    **{
        f"{bits} bits": either(lambda bits=bits: bmp(bits=bits, data=bytes(80 * 60 * 4)))  # type: ignore[misc]
        for bits in (0, 1, 2, 3, 4, 8, 16, 32, 64, 65_535)
    },
    "1 << 255 colours": refused(lambda: bmp(bits=255, data=bytes(80 * 60 * 3))),
    "2^32 colours": refused(lambda: bmp(bits=8, colours=2**32 - 1, data=bytes(80 * 60))),
    "65,536 colours of eight bits": either(lambda: bmp(bits=8, colours=65_536, data=bytes(65_536 * 4 + 80 * 60))),
    "one colour": either(lambda: bmp(bits=8, colours=1, data=b"\1\2\3\0" + b"\xff" * 80 * 60)),
    "palette that is not there": refused(lambda: bmp(bits=8, colours=256)),
    "pixels begin in the header": either(lambda: bmp(at=2, data=bytes(80 * 60 * 3))),
    "pixels begin behind the end": refused(lambda: bmp(at=2**32 - 1, data=bytes(80 * 60 * 3))),
    "RLE8": either(lambda: runs(b"\x50\1\0\0" * 60 + b"\0\1")),
    "RLE4": either(lambda: runs(b"\x50\x12\0\0" * 60 + b"\0\1", compression=RLE4)),
    "RLE8 that does not end": either(lambda: runs(b"\1\1" * 100_000)),
    "RLE4 that does not end": either(lambda: runs(b"\1\1" * 100_000, compression=RLE4)),
    "RLE8 of lines without pixels": either(lambda: runs(b"\0\0" * 100_000)),
    "RLE8 of runs of nothing": either(lambda: runs(b"\x50\1" + b"\x50\1" * 100_000)),
    "RLE8 that ends at once": either(lambda: runs(b"\0\1")),
    "RLE8 of jumps": either(lambda: runs(b"\0\2\xff\xff" * 100)),
    "RLE8 of a jump over 49 MP": either(lambda: runs(b"\0\2\xff\xff", 3_000_000, 16)),
    "RLE8 of lines of 100,000 pixels": either(lambda: runs(b"\1\1\0\0" * 16, 100_000, 16)),
    "RLE4 of lines of 100,000 pixels": either(lambda: runs(b"\1\1\0\0" * 16, 100_000, 16, RLE4)),
    "RLE8 of lines of 3,000,000 pixels": slow(lambda: runs(b"\1\1\0\0" * 16, 3_000_000, 16)),
    "RLE4 of lines of 3,000,000 pixels": slow(lambda: runs(b"\1\1\0\0" * 16, 3_000_000, 16, RLE4)),
    "RLE4 of 12 MP": either(lambda: runs(b"\xff\x12" * 47_060, 4000, 3000, RLE4)),
    "RLE8 of literal bytes cut short": either(lambda: runs(b"\0\xffxxx")),
    "RLE8 of literal bytes beyond the line": either(lambda: runs(b"\0\xff" + bytes(256) * 100)),
    "RLE8 of 24 bits": either(lambda: bmp(compression=RLE8, data=bytes(80 * 60 * 3))),
    "RLE8 from the top": either(lambda: runs(b"\x50\1\0\0" * 60, 80, -60)),
    "a JPEG inside": refused(lambda: bmp(compression=JPEG, data=encode(image(), "JPEG"))),
    "a PNG inside": refused(lambda: bmp(compression=PNG, data=encode(image(), "PNG"))),
    "compression 2^31": refused(lambda: bmp(compression=2**31, data=bytes(80 * 60 * 3))),
    "masks of nothing": either(lambda: masked((0, 0, 0, 0))),
    "masks that overlap": either(lambda: masked((0xFFFFFFFF,) * 4)),
    "masks of single bits": either(lambda: masked((1, 2, 4, 8))),
    "masks cut short": refused(lambda: masked((0xFF0000,), header=40)[:58]),
    "masks of 16 bits": either(lambda: masked((0xF800, 0x7E0, 0x1F, 0), bits=16)),
    "masks of 8 bits": refused(lambda: masked((0xE0, 0x1C, 3, 0), bits=8)),
}
