"""Qt's compiled resource files (.rcc): a tree of folders, their names and their contents in one file.

Layout, all numbers big-endian, as `rcc --binary` writes it (qtbase, src/tools/rcc/rcc.cpp and qresource.cpp):

    header   "qres", version, offset of the tree, of the data, of the names; since version 3 also overall flags
    tree     one node after the other, the root first. A node is: offset of its name (u32), flags (u16), then for a
             folder the number of its children and the number of its first child (u32 each), for a file territory and
             language (u16 each) and the offset of its data (u32); since version 2 also a time of change (u64)
    names    length in UTF-16 units (u16), hash (u32), then UTF-16
    data     length (u32), then the bytes; of a compressed file: the size it unpacks to (u32), then a zlib stream
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag
from pathlib import PurePosixPath

MAX_FILE_BYTES = 64 * 1024 * 1024
"""A file that unpacks to more is refused: the size in its header is only a claim."""

_HEADER = struct.Struct(">4sIIII")
_NODE = struct.Struct(">IHII")
_LENGTH = struct.Struct(">I")
_NAME = struct.Struct(">HI")
_KNOWN_VERSIONS = (1, 2, 3)


class ResourceError(ValueError):
    """The bytes are not a resource file that we read; the message says why."""


class _Flag(IntFlag):
    ZLIB = 1
    FOLDER = 2
    ZSTD = 4


@dataclass(frozen=True)
class _Node:
    name_at: int
    flags: _Flag
    first: int
    """Number of children, or territory and language."""
    second: int
    """Number of the first child, or offset of the data."""


@dataclass(frozen=True)
class ResourceFile:
    """One file of the tree; nothing is unpacked before `read`."""

    path: PurePosixPath
    _content: bytes
    _flags: _Flag

    def read(self) -> bytes:
        """Its bytes. Raises ResourceError when they are damaged, too large or compressed with Zstandard."""
        if self._flags & _Flag.ZSTD:
            raise ResourceError(f"{self.path} is compressed with Zstandard, which is not read here")
        if not self._flags & _Flag.ZLIB:
            return self._content
        (size,) = _unpack(_LENGTH, self._content, 0)
        if size > MAX_FILE_BYTES:
            raise ResourceError(f"{self.path} claims {size} bytes, more than {MAX_FILE_BYTES}")
        try:
            data = zlib.decompressobj().decompress(self._content[_LENGTH.size :], size + 1)
        except zlib.error as error:
            raise ResourceError(f"{self.path} is damaged: {error}") from error
        if len(data) != size:
            raise ResourceError(f"{self.path} unpacks to another size than the {size} bytes it claims")
        return data


class ResourceArchive:
    """The files of a resource file. Raises ResourceError when `data` is not one, or one of a later version."""

    def __init__(self, data: bytes) -> None:
        magic, version, self._tree, self._data, self._names = _unpack(_HEADER, data, 0)
        if magic != b"qres":
            raise ResourceError("not a Qt resource file: it does not begin with qres")
        if version not in _KNOWN_VERSIONS:
            raise ResourceError(f"version {version} of the Qt resource format is not known here")
        self._bytes = data
        self._node_bytes = _NODE.size if version == 1 else _NODE.size + 8

    def files(self) -> Iterator[ResourceFile]:
        """Every file, folder by folder."""
        open_folders = [(self._node(0), PurePosixPath())]
        # In a sound file every node hangs in one folder; a damaged one could make a circle.
        nodes_left = len(self._bytes) // self._node_bytes
        while open_folders:
            folder, path = open_folders.pop()
            for number in range(folder.second, folder.second + folder.first):
                nodes_left -= 1
                if nodes_left < 0:
                    raise ResourceError("the tree of folders has a circle")
                node = self._node(number)
                below = path / self._name(node)
                if node.flags & _Flag.FOLDER:
                    open_folders.append((node, below))
                else:
                    yield ResourceFile(below, self._content(node), node.flags)

    def _node(self, number: int) -> _Node:
        whole = _slice(self._bytes, self._tree + number * self._node_bytes, self._node_bytes)
        name_at, flags, first, second = _unpack(_NODE, whole, 0)
        return _Node(name_at, _Flag(flags), first, second)

    def _name(self, node: _Node) -> str:
        start = self._names + node.name_at
        length, _hash = _unpack(_NAME, self._bytes, start)
        start += _NAME.size
        name = _slice(self._bytes, start, 2 * length).decode("utf-16-be", errors="replace")
        if name in {"", ".", ".."} or "/" in name or "\0" in name:
            raise ResourceError(f"{name!r} cannot be the name of a file")
        return name

    def _content(self, node: _Node) -> bytes:
        start = self._data + node.second
        (length,) = _unpack(_LENGTH, self._bytes, start)
        return _slice(self._bytes, start + _LENGTH.size, length)


def _unpack(layout: struct.Struct, data: bytes, at: int) -> tuple:  # type: ignore[type-arg]
    return layout.unpack(_slice(data, at, layout.size))


def _slice(data: bytes, at: int, length: int) -> bytes:
    if at + length > len(data):
        raise ResourceError("the file ends in the middle")
    return data[at : at + length]
