"""Which forms of an append-only file are in a folder, and whether a redis-server of a version can read them.

Up to 6.2 it is one file, from 7 on a folder with a manifest. Redis 7 takes over the old form when it finds it alone; an
older one does not look for the new form and begins with nothing, without a word.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from services.errors import Refused
from services.runtime.redis_program import Version

FILE = "appendonly.aof"
FOLDER = "appendonlydir"
WITH_FOLDER = (7, 0)
"""The first version that writes the folder."""

NEWER_FORMAT = ("Can't handle RDB format", "Unknown command")
"""Words of a redis-server that reads what a newer one wrote."""


def require_readable(folder: Path, server: Path, version: Version) -> None:
    """Raises Refused, saying what to do, when `server`, of `version`, would leave out what is kept in `folder`: data
    that it cannot see, or the other one of two records that went their own ways."""
    old = [folder / FILE] if _holds(folder / FILE) else []
    # In the middle of being taken over the manifest is there already, and what it names is still outside.
    new = [path for path in (folder / FOLDER).glob(f"{FILE}*") if path.suffix != ".manifest" and _holds(path)]
    if old and new:
        raise Refused(
            f"{folder} has two records that went their own ways: {FILE} (last written {_written(old)}, by a Redis "
            f"before 7) and {FOLDER} (last written {_written(new)}, by a Redis from 7 on). Only one can be read: keep "
            "the one that counts, move the other away, and start again. Somebody who was erased in one may still be in "
            "the other",
            reason="TWO_RECORDS",
        )
    if new and version < WITH_FOLDER:
        raise Refused(
            f"{folder / FOLDER} was written by Redis 7 or newer; the newest redis-server of this machine is "
            f"{_told(version)} ({server}), which would start with nothing: install Redis 7 or newer (Debian: apt "
            "install redis-server; macOS: brew install redis), or set VISREC_VAR_DIR to another folder",
            reason="RECORD_TOO_NEW",
        )


def require_known_format(said: str, folder: Path, server: Path, version: Version) -> None:
    """Raises Refused when what a redis-server `said` as it ended tells that a newer one wrote the files of `folder`."""
    if any(words in said for words in NEWER_FORMAT):
        raise Refused(
            f"the files in {folder} were written by a newer Redis than {_told(version)} ({server}), the newest of this "
            "machine: install the one that wrote them, or set VISREC_VAR_DIR to another folder",
            reason="RECORD_TOO_NEW",
        )


def _holds(path: Path) -> bool:
    """An empty one is what a server leaves that was started and told nothing."""
    return path.is_file() and path.stat().st_size > 0


def _written(paths: Iterable[Path]) -> str:
    last = max(path.stat().st_mtime for path in paths)
    return datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _told(version: Version) -> str:
    return ".".join(map(str, version))
