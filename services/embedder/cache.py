"""Built graphs on disk: quantising takes a second, reading what it made a few milliseconds.

A file is named by all that it was made from, begins with the digest of what it holds, and is replaced when the two
disagree. Losing the folder costs that second.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True)
class GraphCache:
    """Keeps graphs in `folder`, which is made when first needed. A folder that cannot be written costs speed only."""

    folder: Path

    def get(self, key: str, build: Callable[[], bytes]) -> bytes:
        """The bytes kept under `key` (hex), built and kept when there are none or they were changed."""
        path = self.folder / f"{key[:32]}.onnx"
        kept = _read_checked(path)
        if kept is not None:
            return kept
        built = build()
        _write(path, built)
        return built


def _read_checked(path: Path) -> bytes | None:
    try:
        stored = path.read_bytes()
    except OSError:
        return None
    digest, data = stored[:_DIGEST_BYTES], stored[_DIGEST_BYTES:]
    return data if hashlib.sha256(data).digest() == digest else None


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all: other processes may read, or write the same, at this moment."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(data).digest() + data)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
