"""JPEG files that mean harm. Markers: ITU-T T.81, annex B; EXIF: CIPA DC-008; several pictures: CIPA DC-007."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from functools import cache
from typing import Final

from tests.embedder.pictures import encode, image, jpeg
from tests.fuzz.case import Case, either, refused, slow
from tests.fuzz.exifs import EXIFS

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
BASELINE, EXTENDED, PROGRESSIVE, LOSSLESS, ARITHMETIC, ARITHMETIC_PROGRESSIVE = 0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA
LARGE: Final = 6992
"""Pixels on a side, whole blocks: 49 million of them."""
_ONES: Final = b"\0" + bytes([1] * 64)


def segment(marker: int, data: bytes = b"", *, length: int | None = None) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", (len(data) + 2) if length is None else length) + data


def frame(
    kind: int, width: int, height: int, components: int = 1, *, precision: int = 8, sampling: int = 0x11
) -> bytes:
    parts = b"".join(bytes([number + 1, sampling, 0]) for number in range(components))
    return segment(kind, struct.pack(">BHHB", precision, height, width, components) + parts)


def scan(components: tuple[int, ...] = (0,), start: int = 0, end: int = 63, bits: int = 0) -> bytes:
    parts = b"".join(bytes([number + 1, 0]) for number in components)
    return segment(0xDA, bytes([len(components)]) + parts + bytes([start, end, bits]))


def table(kind: int, symbol: int) -> bytes:
    """A Huffman table of one code, a zero bit, for `symbol`. `kind` 0: DC, 16: AC."""
    return segment(0xC4, bytes([kind, 1]) + bytes(15) + bytes([symbol]))


def tables(ac: int = 0) -> bytes:
    return segment(0xDB, _ONES) + table(0, 0) + table(16, ac)


def grey_bomb(width: int, height: int, kind: int = BASELINE, *, parts: int = 1, together: bool = True) -> bytes:
    """A grey picture of two bits a block. `parts` components, in one scan or (not `together`) in one each."""
    blocks = -(-width // 8) * -(-height // 8)
    whole = (tuple(range(parts)),) if together else tuple((part,) for part in range(parts))
    scans = (scan(each) + bytes(-(-blocks * len(each) * 2 // 8) + 1) for each in whole)
    return SOI + tables() + frame(kind, width, height, parts) + b"".join(scans) + EOI


def scans_bomb(width: int, height: int, scans: int, *, refining: bool = False, kind: int = PROGRESSIVE) -> bytes:
    """A progressive picture whose every scan goes over all of it and changes nothing: runs of 32,767 empty blocks."""
    blocks = -(-width // 8) * -(-height // 8)
    runs = -(-blocks // 32767)
    bits = ("0" + "1" * 14) * runs
    # A byte of ones would be a marker: it is followed by a zero.
    packed = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    over = packed.replace(b"\xff", b"\xff\0")
    first = scan(end=0) + bytes(blocks // 8 + 1)
    again = scan(start=1, end=63, bits=0x10 if refining else 0) + over
    return SOI + tables(ac=0xE0) + frame(kind, width, height) + first + again * scans + EOI


@cache
def good() -> bytes:
    return jpeg()


@cache
def progressive() -> bytes:
    return encode(image(), "JPEG", progressive=True)


def with_segments(*segments: bytes) -> bytes:
    return SOI + b"".join(segments) + good()[2:]


def resized(width: int, height: int, of: Callable[[], bytes] = good) -> bytes:
    """A frame header that lies about the size of what follows."""
    data = of()
    at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def reframed(kind: int, precision: int = 8) -> bytes:
    """The same file as if it were coded in another way."""
    at = good().index(b"\xff\xc0")
    return good()[: at + 1] + bytes([kind]) + good()[at + 2 : at + 4] + bytes([precision]) + good()[at + 5 :]


def noise(size: int, seed: int = 0) -> bytes:
    """As entropy-coded data: no markers in it."""
    return random.Random(seed).randbytes(size).replace(b"\xff", b"\xfe")


def coded_noise(kind: int, width: int = 640, height: int = 480, size: int = 100_000) -> bytes:
    return SOI + tables() + frame(kind, width, height) + scan(end=0 if kind == 0xCA else 63) + noise(size) + EOI


def adobe(transform: int, of: bytes) -> bytes:
    return SOI + segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform])) + of[2:]


@cache
def cmyk() -> bytes:
    return encode(image(mode="CMYK"), "JPEG")


def several(count: int, size: int = 0, at: int = 0) -> bytes:
    """A directory of several pictures that announces `count`, each of `size` bytes at `at`."""
    entries = struct.pack(">LLLHH", 0x030000, size, at, 0, 0) * 3
    fields = [(0xB000, 7, 4, b"0100"), (0xB001, 4, 1, struct.pack(">L", count))]
    fields.append((0xB002, 7, len(entries), struct.pack(">L", 50)))
    listed = b"".join(struct.pack(">HHL", tag, kind, many) + value for tag, kind, many, value in fields)
    directory = b"MM\0\x2a" + struct.pack(">LH", 8, 3) + listed + bytes(4) + entries
    return with_segments(segment(0xE2, b"MPF\0" + directory))


def _profile(number: int, of: int) -> bytes:
    return segment(0xE2, b"ICC_PROFILE\0" + bytes([number % 256, of % 256]) + bytes(1000))


def _exif(tiff: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + tiff)


def _nested_thumbnails(depth: int = 8) -> bytes:
    data = encode(image(40, 40), "JPEG", quality=30)
    for _ in range(depth):
        data = SOI + _exif(b"MM\0\x2a\0\0\0\x08\0\0\0\0\0\0" + data) + good()[2:]
    return data


CASES: Final[dict[str, Case]] = {
    "signature only": refused(lambda: SOI + b"\xff"),
    "SOI and EOI": refused(lambda: SOI + EOI),
    "no frame": refused(lambda: SOI + tables() + scan() + bytes(100) + EOI),
    "no scan": refused(lambda: SOI + tables() + frame(BASELINE, 80, 60) + EOI),
    "no tables": either(lambda: SOI + frame(BASELINE, 80, 60) + scan() + bytes(100) + EOI),
    "scan before its frame": refused(lambda: SOI + tables() + scan() + frame(BASELINE, 80, 60) + bytes(100) + EOI),
    "two frames": either(
        lambda: SOI + tables() + frame(BASELINE, 80, 60) + frame(BASELINE, 8000, 6000) + scan() + bytes(400) + EOI
    ),
    "zero width": refused(lambda: resized(0, 60)),
    "zero height": refused(lambda: resized(80, 0)),
    "height behind the scan": refused(lambda: resized(80, 0)[:-2] + segment(0xDC, b"\0\x3c") + EOI),
    "65,535 rows of one pixel": refused(lambda: grey_bomb(1, 65_535)),
    "65,535 columns of one pixel": refused(lambda: grey_bomb(65_535, 1)),
    "65,500 columns of 16 pixels": either(lambda: grey_bomb(65_500, 16)),
    "65,535 rows of 16 pixels": either(lambda: grey_bomb(16, 65_535)),
    "larger than its data": either(lambda: resized(6000, 6000)),
    "progressive, larger than its data": either(lambda: resized(6000, 6000, progressive)),
    "smaller than its data": either(lambda: resized(24, 24)),
    "65,535 pixels on a side": refused(lambda: resized(65_535, 65_535)),
    "above the limit": refused(lambda: grey_bomb(9000, 6000)),
    "49 MP in 190 KB": either(lambda: grey_bomb(LARGE, LARGE)),
    "49 MP of three parts, a scan for each": either(lambda: grey_bomb(LARGE, LARGE, parts=3, together=False)),
    "49 MP of four parts, a scan for each": either(lambda: grey_bomb(LARGE, LARGE, parts=4, together=False)),
    "49 MP announced and no data": either(lambda: SOI + tables() + frame(BASELINE, LARGE, LARGE) + scan() + EOI),
    "49 MP announced in progressive and no data": either(
        lambda: SOI + tables() + frame(PROGRESSIVE, LARGE, LARGE, 3) + scan((0, 1, 2), end=0) + EOI
    ),
    "49 MP of four parts announced in progressive and no data": either(
        lambda: SOI + tables() + frame(PROGRESSIVE, LARGE, LARGE, 4) + scan((0, 1, 2, 3), end=0) + EOI
    ),
    "400 scans of 300x300": either(lambda: scans_bomb(300, 300, 400)),
    "50 scans of 5 MP": either(lambda: scans_bomb(2400, 2000, 50, refining=True)),
    "2,000 scans of 49 MP": slow(lambda: scans_bomb(LARGE, LARGE, 2000)),
    "10,000 refining scans of 49 MP": slow(lambda: scans_bomb(LARGE, LARGE, 10_000, refining=True)),
    "scans out of order": either(
        lambda: (
            SOI
            + tables(ac=0xE0)
            + frame(PROGRESSIVE, 80, 60)
            + scan(start=1, end=5)
            + bytes(40)
            + scan(end=0)
            + bytes(40)
            + EOI
        )
    ),
    "scan of coefficients there are not": either(
        lambda: SOI + tables() + frame(PROGRESSIVE, 80, 60) + scan(start=63, end=255, bits=0xFF) + bytes(40) + EOI
    ),
    "scan of no parts": either(lambda: SOI + tables() + frame(BASELINE, 80, 60) + scan(()) + bytes(40) + EOI),
    "scan of a part there is not": either(lambda: SOI + tables() + frame(BASELINE, 80, 60) + scan((9,)) + EOI),
    "255 parts": either(lambda: SOI + tables() + frame(BASELINE, 80, 60, 255) + scan() + bytes(40) + EOI),
    "two parts": either(lambda: grey_bomb(80, 60, parts=2)),
    "no parts": refused(lambda: SOI + tables() + frame(BASELINE, 80, 60, 0) + scan() + bytes(40) + EOI),
    "sampling 0": refused(lambda: SOI + tables() + frame(BASELINE, 80, 60, 1, sampling=0) + scan() + EOI),
    "sampling 15": refused(lambda: SOI + tables() + frame(BASELINE, 80, 60, 3, sampling=0xFF) + scan() + EOI),
    "sampling 4x4 of all": either(
        lambda: SOI + tables() + frame(BASELINE, 800, 600, 3, sampling=0x44) + scan((0, 1, 2)) + bytes(9999) + EOI
    ),
    "arithmetic coding": either(lambda: coded_noise(ARITHMETIC)),
    "arithmetic coding, progressive": either(lambda: coded_noise(ARITHMETIC_PROGRESSIVE)),
    "arithmetic coding of 12 MP": either(lambda: coded_noise(ARITHMETIC, 4000, 3000, 3_000_000)),
    "lossless": either(lambda: coded_noise(LOSSLESS)),
    "hierarchical": either(lambda: reframed(0xC5)),
    "Huffman data of noise": either(lambda: good()[: good().index(b"\xff\xda") + 14] + noise(100_000) + EOI),
    "said to be arithmetic": either(lambda: reframed(ARITHMETIC)),
    "said to be progressive": either(lambda: reframed(PROGRESSIVE)),
    "said to be lossless": either(lambda: reframed(LOSSLESS)),
    "12 bits": either(lambda: reframed(EXTENDED, precision=12)),
    "0 bits": refused(lambda: reframed(BASELINE, precision=0)),
    "255 bits": refused(lambda: reframed(EXTENDED, precision=255)),
    "restart after each block, without markers": either(lambda: with_segments(segment(0xDD, b"\0\1"))),
    "restart markers that nobody announced": either(
        lambda: good()[:-200] + b"\xff\xd3\xff\xd7\xff\xd0" + good()[-200:]
    ),
    "100,000 restart markers": either(
        lambda: (
            SOI + tables() + segment(0xDD, b"\0\1") + frame(BASELINE, 80, 60) + scan() + b"\0\xff\xd5" * 100_000 + EOI
        )
    ),
    "tables of 64 KiB": either(lambda: with_segments(segment(0xC4, b"\xff" * 65_533), segment(0xDB, b"\xff" * 65_533))),
    "Huffman table of 4,080 codes": either(
        lambda: with_segments(segment(0xC4, bytes([0]) + b"\xff" * 16 + bytes(4080)))
    ),
    "Huffman table 15": either(lambda: with_segments(table(15, 0))),
    "quantisation table of zeros": either(lambda: with_segments(segment(0xDB, bytes(65)))),
    "quantisation table cut short": either(lambda: with_segments(segment(0xDB, bytes(9)))),
    "10,000 quantisation tables": either(lambda: with_segments(segment(0xDB, _ONES) * 10_000)),
    "15 MB of application segments": either(lambda: with_segments(segment(0xEF, bytes(65_533)) * 235)),
    "100,000 empty comments": either(lambda: with_segments(segment(0xFE) * 100_000)),
    "4,000,000 empty segments": slow(lambda: with_segments(segment(0xEF) * 4_000_000)),
    "segment of length 0": either(lambda: with_segments(segment(0xE5, length=0))),
    "segment of length 1": either(lambda: with_segments(segment(0xE5, length=1))),
    "segment longer than the file": refused(lambda: SOI + segment(0xE5, good()[2:1000], length=65_535)),
    "a MiB of fill bytes": either(lambda: SOI + b"\xff" * 2**20 + good()[2:]),
    "15 MiB of fill bytes": slow(lambda: SOI + b"\xff" * 15 * 2**20 + good()[2:]),
    "a MiB of junk between markers": either(lambda: SOI + b"\xff\xfe\0\2" + bytes(2**20) + good()[2:]),
    "Photoshop resources of odd sizes": either(
        lambda: with_segments(
            segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x03\xed\xff" + bytes(5) + b"8BIM\xff\xff\0\0\xff\xff\xff\xff")
        )
    ),
    "JFIF with a thumbnail that is not there": either(
        lambda: with_segments(segment(0xE0, b"JFIF\0\1\2\1\0\0\0\0\xff\xff"))
    ),
    "JFIF of no bytes": either(lambda: with_segments(segment(0xE0, b"JFIF\0"))),
    "thumbnails in thumbnails": either(_nested_thumbnails),
    "Adobe of no bytes": either(lambda: with_segments(segment(0xEE, b"Adobe"))),
    **{
        f"Adobe transform {transform} of {parts}": either(lambda t=transform, of=of: adobe(t, of()))  # type: ignore[misc]
        for transform in (0, 1, 2, 255)
        for parts, of in (("RGB", good), ("CMYK", cmyk))
    },
    "900 profile chunks": either(lambda: with_segments(*(_profile(number, 255) for number in range(900)))),
    "profile chunks out of order": either(
        lambda: with_segments(*(_profile(number, 3) for number in (3, 0, 2, 2, 255)))
    ),
    "several pictures": either(
        lambda: encode(image(), "MPO", save_all=True, append_images=[image(seed=1), image(seed=2)])
    ),
    "2^32 pictures announced": either(lambda: several(2**32 - 1)),
    "three pictures that are not there": either(lambda: several(3, size=2**31, at=2**31)),
    "three pictures, each this one": either(lambda: several(3)),
    "directory of several pictures cut short": either(
        lambda: with_segments(segment(0xE2, b"MPF\0MM\0\x2a\0\0\0\x08\xff"))
    ),
    "EXIF in a hundred thousand pieces": slow(
        lambda: with_segments(_exif(b"MM\0\x2a" + bytes(65_500)) * 100, _exif(b"x") * 100_000)
    ),
    **{f"EXIF: {name}": either(lambda make=make: with_segments(_exif(make()))) for name, make in EXIFS.items()},  # type: ignore[misc]
    "EXIF in 64 KiB pieces, all tags": either(
        lambda: with_segments(*(_exif(EXIFS["all tags, each as long as the file"]()[:65_000]) for _ in range(12)))
    ),
    "picture behind the end": either(lambda: good() + good()),
    "end in the middle": either(lambda: good()[:-700] + EOI + good()[-700:]),
    "a MiB behind the end": either(lambda: good() + bytes(2**20)),
}
