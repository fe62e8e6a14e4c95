"""PNG files that mean harm. Chunks: https://www.w3.org/TR/png-3/."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from functools import cache
from typing import Final

from tests.embedder.pictures import encode, image
from tests.fuzz.case import Case, either, refused, slow

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS: Final = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
_BLOCK: Final = 2**20


def chunk(kind: bytes, data: bytes = b"", *, length: int | None = None) -> bytes:
    """With the right checksum, and another `length` than its own where one is given."""
    head = struct.pack(">I", len(data) if length is None else length)
    return head + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int, depth: int = 8, colour: int = RGB, interlace: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))


def png(*chunks: bytes) -> bytes:
    return SIGNATURE + b"".join(chunks) + chunk(b"IEND")


def zeros(size: int) -> bytes:
    """`size` zero bytes as zlib packs them, a thousandth of that, without packing them: one block again and again."""
    packer = zlib.compressobj(9)
    start = packer.compress(bytes(_BLOCK)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(_BLOCK)) + packer.flush(zlib.Z_FULL_FLUSH)
    whole, rest = divmod(size, _BLOCK)
    packer = zlib.compressobj(9, wbits=-15)
    tail = packer.compress(bytes(rest)) + packer.flush()
    # Adler-32 of n zeros: the first sum stays 1, the second counts them.
    return (start + block * (whole - 1) if whole else start[:2]) + tail + struct.pack(">HH", size % 65521, 1)


def bomb(width: int, height: int, depth: int = 8, colour: int = RGB, interlace: int = 0) -> bytes:
    """A black picture of that size in a small file."""
    row = 1 + -(-width * CHANNELS[colour] * depth // 8)
    return png(
        header(width, height, depth, colour, interlace),
        *([chunk(b"PLTE", bytes(range(6)))] if colour == PALETTE else []),
        # Interlacing adds rows, each with its filter, and rounds each up.
        chunk(b"IDAT", zeros((row + 8 * interlace) * height + 8 * interlace * height)),
    )


@cache
def good() -> bytes:
    return encode(image(), "PNG")


def with_chunks(*chunks: bytes, late: bool = False) -> bytes:
    """The good one with more chunks, behind its header or (`late`) before its end."""
    at = len(good()) - 12 if late else good().index(b"IHDR") + 21
    return good()[:at] + b"".join(chunks) + good()[at:]


def _pixels(width: int, height: int, channels: int = 3) -> bytes:
    return zlib.compress(bytes((1 + width * channels) * height))


def _control(number: int, width: int = 80, height: int = 60, x: int = 0, y: int = 0) -> bytes:
    return chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, width, height, x, y, 1, 100, 1, 1))


def animation(frames: Iterable[tuple[int, int, int, int]], announced: int) -> bytes:
    """An animated PNG of 80x60: frames as width, height, x and y."""
    parts = [header(80, 60), chunk(b"acTL", struct.pack(">II", announced, 0))]
    for number, (width, height, x, y) in enumerate(frames):
        parts.append(_control(2 * number, width, height, x, y))
        data = _pixels(min(width, 80), min(height, 60))
        parts.append(chunk(b"fdAT", struct.pack(">I", 2 * number + 1) + data) if number else chunk(b"IDAT", data))
    return png(*parts)


CASES: Final[dict[str, Case]] = {
    "signature only": refused(lambda: SIGNATURE),
    "no pixels": refused(lambda: bomb(0, 0)),
    "no width": refused(lambda: png(header(0, 60), chunk(b"IDAT", zlib.compress(b"")))),
    "no IHDR": refused(lambda: png(chunk(b"IDAT", _pixels(80, 60)))),
    "no IDAT": refused(lambda: png(header(80, 60))),
    "IHDR cut short": refused(lambda: SIGNATURE + header(80, 60)[:20]),
    "IHDR of no bytes": refused(lambda: png(chunk(b"IHDR"), chunk(b"IDAT", _pixels(80, 60)))),
    "two IHDR of other sizes": either(lambda: png(header(80, 60), header(8000, 6000), chunk(b"IDAT", _pixels(80, 60)))),
    "IHDR again behind the data": either(lambda: with_chunks(header(60_000, 60_000), late=True)),
    "depth 3": refused(lambda: png(header(80, 60, depth=3), chunk(b"IDAT", _pixels(80, 60)))),
    "colour 5": refused(lambda: png(header(80, 60, colour=5), chunk(b"IDAT", _pixels(80, 60)))),
    "palette without PLTE": either(lambda: png(header(80, 60, 8, PALETTE), chunk(b"IDAT", _pixels(80, 60, 1)))),
    "palette of one byte": either(
        lambda: png(header(80, 60, 8, PALETTE), chunk(b"PLTE", b"x"), chunk(b"IDAT", _pixels(80, 60, 1)))
    ),
    "palette of 64 KiB": either(
        lambda: png(header(80, 60, 8, PALETTE), chunk(b"PLTE", bytes(65_535)), chunk(b"IDAT", _pixels(80, 60, 1)))
    ),
    "tRNS longer than the palette": either(
        lambda: png(
            header(80, 60, 8, PALETTE),
            chunk(b"PLTE", bytes(6)),
            chunk(b"tRNS", bytes(4096)),
            chunk(b"IDAT", _pixels(80, 60, 1)),
        )
    ),
    "tRNS of no bytes": either(lambda: with_chunks(chunk(b"tRNS"))),
    "49 MP of RGB": either(lambda: bomb(7000, 7000)),
    "49 MP of 16-bit RGBA": either(lambda: bomb(7000, 7000, 16, RGBA)),
    "49 MP of a palette": either(lambda: bomb(7000, 7000, 1, PALETTE)),
    "49 MP of 16-bit grey": either(lambda: bomb(7000, 7000, 16, GREY)),
    "49 MP announced and no data": refused(lambda: png(header(7000, 7000, 16, RGBA), chunk(b"IDAT", _pixels(1, 1)))),
    "49 MP in 16 rows": either(lambda: bomb(3_000_000, 16)),
    "49 MP in 16 columns": either(lambda: bomb(16, 3_000_000)),
    "12 MP interlaced": either(lambda: bomb(4000, 3000, 16, RGBA, interlace=1)),
    "above the limit": refused(lambda: bomb(9000, 6000, 1, GREY)),
    "above what Pillow warns of": refused(lambda: png(header(10_000, 10_000), chunk(b"IDAT", zeros(1000)))),
    "above what Pillow refuses": refused(lambda: png(header(20_000, 20_000), chunk(b"IDAT", zeros(1000)))),
    "2^31 pixels wide": refused(lambda: png(header(2**31, 16), chunk(b"IDAT", zeros(1000)))),
    "2^32 pixels by 2^32": refused(lambda: png(header(2**32 - 1, 2**32 - 1), chunk(b"IDAT", zeros(1000)))),
    "one row": refused(lambda: bomb(40_000_000, 1, 1, GREY)),
    "a GiB behind 80x60 pixels": either(lambda: png(header(80, 60), chunk(b"IDAT", zeros(2**30)))),
    "IDAT that is no zlib": refused(lambda: png(header(80, 60), chunk(b"IDAT", bytes(range(256)) * 60))),
    "IDAT with a preset dictionary": refused(lambda: png(header(80, 60), chunk(b"IDAT", b"\x78\xbb" + bytes(100)))),
    "filter 255 in each row": either(
        lambda: png(header(80, 60), chunk(b"IDAT", zlib.compress((b"\xff" + bytes(240)) * 60)))
    ),
    "IDAT of 2 GiB announced": either(
        lambda: png(header(80, 60), chunk(b"IDAT", _pixels(80, 60)[:20], length=2**31 - 1))
    ),
    "text of 4 GiB announced": refused(lambda: with_chunks(chunk(b"tEXt", b"a\0b", length=2**32 - 1))),
    "100,000 empty IDAT": either(
        lambda: png(header(80, 60), chunk(b"IDAT") * 100_000, chunk(b"IDAT", _pixels(80, 60)))
    ),
    "an IDAT for each byte": either(
        lambda: png(header(80, 60), *(chunk(b"IDAT", bytes([byte])) for byte in _pixels(80, 60)))
    ),
    "another chunk between IDAT": either(
        lambda: png(
            header(80, 60),
            chunk(b"IDAT", _pixels(80, 60)[:9]),
            chunk(b"tEXt", b"a\0b"),
            chunk(b"IDAT", _pixels(80, 60)[9:]),
        )
    ),
    "200,000 private chunks": either(lambda: with_chunks(chunk(b"prVt") * 200_000)),
    "1,300,000 private chunks": slow(lambda: with_chunks(chunk(b"prVt") * 1_300_000)),
    "names of chunks that are Python's": either(lambda: with_chunks(*map(chunk, [b"call", b"read", b"push", b"clos"]))),
    "zTXt bomb": either(lambda: with_chunks(chunk(b"zTXt", b"a\0\0" + zeros(2**30)))),
    "zTXt bomb at the end": either(lambda: with_chunks(chunk(b"zTXt", b"a\0\0" + zeros(2**30)), late=True)),
    "iTXt bomb": either(lambda: with_chunks(chunk(b"iTXt", b"a\0\1\0\0\0" + zeros(2**30)))),
    "iCCP bomb": either(lambda: with_chunks(chunk(b"iCCP", b"a\0\0" + zeros(2**30)))),
    "100 MB of zTXt in pieces": either(
        lambda: with_chunks(*(chunk(b"zTXt", b"%d\0\0" % key + zeros(10**6)) for key in range(100)))
    ),
    "text that is not of its alphabet": either(lambda: with_chunks(chunk(b"iTXt", b"\xff\0\0\0\xff\0\xff\0\xfe\xff"))),
    "pHYs, gAMA and cHRM cut short": either(lambda: with_chunks(*map(chunk, [b"pHYs", b"gAMA", b"cHRM", b"sRGB"]))),
    "eXIf of noise": either(lambda: with_chunks(chunk(b"eXIf", b"II*\0" + bytes(range(255, 0, -1)) * 16))),
    "eXIf that is no TIFF": either(lambda: with_chunks(chunk(b"eXIf", b"not a TIFF at all"))),
    "animation of 5,000 frames": either(lambda: animation([(80, 60, 0, 0)] * 5000, 5000)),
    "animation of 2^31 frames": either(lambda: animation([(80, 60, 0, 0)], 2**31)),
    "animation of no frames": either(lambda: animation([(80, 60, 0, 0)], 0)),
    "frame outside of the picture": either(lambda: animation([(80, 60, 4000, 4000), (80, 60, 0, 0)], 2)),
    "frame larger than the picture": either(lambda: animation([(60_000, 60_000, 0, 0)], 1)),
    "frame smaller than the picture": either(lambda: animation([(1, 1, 40, 40), (80, 60, 0, 0)], 2)),
    "end before the data": refused(lambda: SIGNATURE + header(80, 60) + chunk(b"IEND") + chunk(b"IDAT", b"")),
    "CgBI of a telephone": either(lambda: SIGNATURE + chunk(b"CgBI", bytes(4)) + good()[8:]),
    "checksum of IHDR broken": refused(lambda: good()[:29] + b"\0\0\0\0" + good()[33:]),
}
