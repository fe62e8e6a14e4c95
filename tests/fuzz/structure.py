"""Where the parts of a picture file begin, so that it can be damaged where it hurts. Broken files have parts, too."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

_PNG_EMPTY: Final = 12
"""Bytes of a chunk without data: length, kind and checksum."""


def parts(data: bytes) -> list[bytes]:
    """The chunks, segments or blocks of a file; b"".join gives the file again. What is not understood is one part."""
    for signature, split in _SPLITS.items():
        if data.startswith(signature):
            places = sorted({0, *(place for place in split(data) if place < len(data)), len(data)})
            return [data[start:end] for start, end in pairwise(places)]
    return [data] if data else []


def mended(chunk: bytes) -> bytes:
    """A PNG chunk with the checksum of what is in it now; what is no chunk stays as it is."""
    if len(chunk) < _PNG_EMPTY or not chunk[4:8].isalpha():
        return chunk
    return chunk[:-4] + struct.pack(">I", zlib.crc32(chunk[4:-4]))


def _png(data: bytes) -> Iterator[int]:
    at = 8
    while at + 8 <= len(data):
        yield at
        at += _PNG_EMPTY + int.from_bytes(data[at : at + 4], "big")


def _jpeg(data: bytes) -> Iterator[int]:
    at = 2
    while 0 <= at < len(data) - 4:
        yield at
        if data[at] != 0xFF:
            return
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at - 1 : at + 1] != b"\xff\xff" and data[at : at + 1] != b"\xff":
            # Entropy-coded data, up to the next marker.
            yield at
            at = _marker(data, at)


def _marker(data: bytes, at: int) -> int:
    """The next one that is neither a stuffed zero nor a restart. -1: none."""
    while (at := data.find(b"\xff", at)) >= 0:
        if at + 1 < len(data) and data[at + 1] and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 1
    return at


def _gif(data: bytes) -> Iterator[int]:
    at = 13 + (3 << (data[10] & 7) + 1 if len(data) > 10 and data[10] & 0x80 else 0)
    while at < len(data):
        yield at
        if data[at] == 0x2C and at + 10 < len(data):
            at += 11 + (3 << (data[at + 9] & 7) + 1 if data[at + 9] & 0x80 else 0)
        elif data[at] == 0x21:
            at += 2
        else:
            return
        yield at
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1


def _riff(data: bytes) -> Iterator[int]:
    at = 12
    while at + 8 <= len(data):
        yield at
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + size % 2


def _bmp(data: bytes) -> Iterator[int]:
    """Each field of the headers, then the palette and the pixels."""
    yield from (2, 6, 8, 10, 14, 18, 22, 26, 28, 30, 34, 38, 42, 46, 50, 54)
    yield int.from_bytes(data[10:14], "little")


_SPLITS: Final[dict[bytes, Callable[[bytes], Iterator[int]]]] = {
    b"\x89PNG": _png,
    b"\xff\xd8": _jpeg,
    b"GIF8": _gif,
    b"RIFF": _riff,
    b"BM": _bmp,
}
