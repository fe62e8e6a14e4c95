"""Metadata that means harm: TIFF directories as EXIF has them, without what a picture format puts around them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

ORIENTATION: Final = 0x0112
SHORT, LONG, RATIONAL, ASCII, UNDEFINED, DOUBLE = 3, 4, 5, 2, 7, 12
_HEAD: Final = b"MM\0\x2a\0\0\0\x08"


def entry(tag: int, kind: int, count: int, value: int | bytes) -> bytes:
    """`value`: four bytes, or the place of what is longer."""
    return struct.pack(">HHL", tag, kind, count) + (value if isinstance(value, bytes) else struct.pack(">L", value))


def directory(*entries: bytes, count: int | None = None, following: int = 0) -> bytes:
    announced = len(entries) if count is None else count
    return struct.pack(">H", announced) + b"".join(entries) + struct.pack(">L", following)


def orientation(value: bytes, kind: int = SHORT, count: int = 1) -> Callable[[], bytes]:
    return lambda: _HEAD + directory(entry(ORIENTATION, kind, count, value))


def _amplified(tags: int = 5000) -> bytes:
    """Every tag points to all of it."""
    size = len(_HEAD) + 6 + 12 * tags
    return _HEAD + directory(*(entry(tag, UNDEFINED, size, 0) for tag in range(tags)))


EXIFS: Final[dict[str, Callable[[], bytes]]] = {
    "nothing": lambda: b"",
    "no directory": lambda: _HEAD,
    "directory behind the end": lambda: b"MM\0\x2a\xff\xff\xff\xff",
    "little and big endian at once": lambda: b"II\0\x2a\0\0\0\x08" + directory(entry(ORIENTATION, SHORT, 1, 0x60000)),
    "big TIFF": lambda: b"MM\0\x2b\0\x08\0\0" + struct.pack(">QQ", 16, 2**63) + bytes(64),
    "65,535 entries announced": lambda: _HEAD + directory(entry(ORIENTATION, SHORT, 1, 0x60000), count=65_535),
    "directory that follows itself": lambda: _HEAD + directory(entry(0x8769, LONG, 1, 8), following=8),
    "all sub-directories are the first": lambda: (
        _HEAD + directory(*(entry(tag, LONG, 1, 8) for tag in (0x014A, 0x8769, 0x8825, 0xA005, 0x927C)), following=8)
    ),
    "all tags, each as long as the file": _amplified,
    "count of 2^32": orientation(b"\xff\xff\xff\xff", count=2**32 - 1),
    "doubles without end": lambda: _HEAD + directory(entry(ORIENTATION, DOUBLE, 2**29, 8)),
    "orientation 0": orientation(b"\0\0\0\0"),
    "orientation 9": orientation(b"\0\x09\0\0"),
    "orientation 65,535": orientation(b"\xff\xff\0\0"),
    "orientation that is text": orientation(b"6\0\0\0", ASCII, 2),
    "orientation that is bytes": orientation(b"\6\6\6\6", UNDEFINED, 4),
    "orientation that is two": orientation(b"\0\6\0\3", SHORT, 2),
    "orientation that is none": orientation(b"\0\6\0\0", SHORT, 0),
    "orientation that is 6/0": lambda: (
        _HEAD + directory(entry(ORIENTATION, RATIONAL, 1, 26)) + struct.pack(">LL", 6, 0)
    ),
    "orientation that is not a number": lambda: (
        _HEAD + directory(entry(ORIENTATION, DOUBLE, 1, 26)) + struct.pack(">d", float("nan"))
    ),
    "orientation that is a hundred": lambda: _HEAD + directory(entry(ORIENTATION, SHORT, 100, 26)) + b"\0\6" * 100,
    "orientation of an unknown kind": orientation(b"\0\6\0\0", kind=99),
    "resolution 1/0": lambda: (
        _HEAD
        + directory(entry(0x011A, RATIONAL, 1, 38), entry(0x0128, SHORT, 1, b"\0\3\0\0"))
        + struct.pack(">LL", 1, 0)
    ),
    "resolution that is text": lambda: (
        _HEAD + directory(entry(0x011A, ASCII, 3, b"ab\0\0"), entry(0x0128, SHORT, 1, b"\0\3\0\0"))
    ),
}
