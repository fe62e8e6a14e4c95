"""Writes Qt resource files, independently of the code that reads them."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

Tree = dict[str, "bytes | Tree"]

ZLIB, FOLDER, ZSTD = 1, 2, 4


@dataclass
class Writer:
    """Breadth first, as Qt's own compiler numbers its nodes. Files whose name ends in `.z` are compressed."""

    version: int = 3
    zlib_flag: int = ZLIB
    nodes: list[bytes] = field(default_factory=list)
    names: bytes = b""
    data: bytes = b""

    def write(self, tree: Tree) -> bytes:
        """The whole file: header, data, names, tree."""
        level: list[tuple[str, bytes | Tree]] = [("", tree)]
        numbered = 1
        while level:
            below: list[tuple[str, bytes | Tree]] = []
            for name, content in level:
                if isinstance(content, bytes):
                    self._node(name, *self._file(name, content))
                else:
                    self._node(name, FOLDER, struct.pack(">II", len(content), numbered))
                    numbered += len(content)
                    below += content.items()
            level = below
        header_bytes = 20 + (4 if self.version >= 3 else 0)
        names_at = header_bytes + len(self.data)
        header = struct.pack(">4sIIII", b"qres", self.version, names_at + len(self.names), header_bytes, names_at)
        flags = struct.pack(">I", 0) if self.version >= 3 else b""
        return header + flags + self.data + self.names + b"".join(self.nodes)

    def _file(self, name: str, content: bytes) -> tuple[int, bytes]:
        at, flags, stored = len(self.data), 0, content
        if name.endswith(".z"):
            flags, stored = self.zlib_flag, struct.pack(">I", len(content)) + zlib.compress(content)
        self.data += struct.pack(">I", len(stored)) + stored
        return flags, struct.pack(">HHI", 0, 1, at)

    def _node(self, name: str, flags: int, rest: bytes) -> None:
        at = len(self.names)
        self.names += struct.pack(">HI", len(name.encode("utf-16-be")) // 2, 0) + name.encode("utf-16-be")
        changed = struct.pack(">Q", 1_700_000_000_000) if self.version >= 2 else b""
        self.nodes.append(struct.pack(">IH", at, flags) + rest + changed)
