"""Ways to damage a file. Each takes a generator and the parts of a file, and returns a file."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from typing import Final

from tests.fuzz.structure import mended

Damage = Callable[[random.Random, list[bytes]], bytes]

MARKERS: Final = (
    b"\xff\xd8\xff\xe0",
    b"\xff\xd9",
    b"\xff\xda",
    b"\xff\xc0",
    b"\xff\xc2",
    b"\xff\xc4",
    b"\xff\xc9",
    b"\xff\xdb",
    b"\xff\xdd",
    b"\xff\xe1",
    b"\xff\xe2",
    b"\xff\xee",
    b"Exif\0\0",
    b"MPF\0",
    b"ICC_PROFILE\0",
    b"Adobe",
    b"JFIF\0",
    b"MM\0\x2a",
    b"II\x2a\0",
    b"\x01\x12\0\x03",
    b"\x89PNG\r\n\x1a\n",
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"iCCP", b"iTXt", b"zTXt", b"eXIf"),
    b"GIF89a",
    b"!\xf9\x04",
    b"!\xfe",
    b"!\xff\x0bNETSCAPE2.0",
    b"RIFF",
    *(b"WEBP", b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP "),
    b"\x9d\x01\x2a",
    b"BM",
    struct.pack("<I", 40),
    struct.pack("<I", 124),
)
"""Words that the formats know."""

NUMBERS: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def damaged(generator: random.Random, parts: Sequence[bytes]) -> bytes:
    """One of the ways below, and sometimes another one after it."""
    data = generator.choice(WAYS)(generator, list(parts))
    return data if generator.random() < 0.7 else flipped(generator, [data])


def flipped(generator: random.Random, parts: list[bytes]) -> bytes:
    """A few bits, anywhere."""
    data = bytearray(b"".join(parts))
    for _ in range(generator.choice((1, 2, 8, 64)) if data else 0):
        data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
    return bytes(data)


def flipped_and_mended(generator: random.Random, parts: list[bytes]) -> bytes:
    """A few bits in one part, with a checksum that holds: else PNG is refused before anything is decoded."""
    at = generator.randrange(len(parts))
    parts[at] = mended(flipped(generator, [parts[at]]))
    return b"".join(parts)


def cut(generator: random.Random, parts: list[bytes]) -> bytes:
    """Short before a part, at it, or within it."""
    at = len(b"".join(parts[: generator.randrange(len(parts) + 1)]))
    return b"".join(parts)[: max(0, at + generator.choice((-2, -1, 0, 1, 2, 9, generator.randrange(1000))))]


def without(generator: random.Random, parts: list[bytes]) -> bytes:
    """One part is gone."""
    del parts[generator.randrange(len(parts))]
    return b"".join(parts)


def doubled(generator: random.Random, parts: list[bytes]) -> bytes:
    """One part is there several times."""
    at = generator.randrange(len(parts))
    return b"".join(parts[:at] + [parts[at]] * generator.choice((2, 3, 50)) + parts[at + 1 :])


def shuffled(generator: random.Random, parts: list[bytes]) -> bytes:
    """The signature first, the others in any order."""
    rest = parts[1:]
    generator.shuffle(rest)
    return b"".join(parts[:1] + rest)


def lied(generator: random.Random, parts: list[bytes]) -> bytes:
    """A number at the beginning of a part, where lengths and sizes are, is another one."""
    at = generator.randrange(len(parts))
    part, size = parts[at], generator.choice((1, 2, 4))
    place = generator.randrange(min(max(len(part) - size, 0), 24) + 1)
    number = (generator.choice(NUMBERS) % (1 << 8 * size)).to_bytes(size, generator.choice(("big", "little")))
    parts[at] = mended(part[:place] + number + part[place + size :])
    return b"".join(parts)


def worded(generator: random.Random, parts: list[bytes]) -> bytes:
    """A word of some format, over what was there or between it."""
    data, word = b"".join(parts), generator.choice(MARKERS)
    at = generator.randrange(len(data) + 1)
    return data[:at] + word + data[at + generator.choice((0, len(word))) :]


def overwritten(generator: random.Random, parts: list[bytes]) -> bytes:
    """A run of one byte, or of noise."""
    data, size = b"".join(parts), generator.choice((1, 16, 256, 4096))
    at = generator.randrange(len(data) + 1)
    run = generator.randbytes(size) if generator.random() < 0.5 else generator.choice((b"\0", b"\xff")) * size
    return data[:at] + run + data[at + size :]


WAYS: Final[tuple[Damage, ...]] = (
    flipped,
    flipped_and_mended,
    cut,
    without,
    doubled,
    shuffled,
    lied,
    worded,
    overwritten,
)
