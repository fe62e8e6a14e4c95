"""Where jobs run: services over a copy of a folder that was filled once, so that every round begins with the same."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.fleet import ROOT, Fleet, started
from bench.jobs.filling import fill
from bench.profile.town import Say

FOLDER = ROOT / "var" / "bench" / "jobs"


@contextmanager
def filled(items: int, people: int, say: Say, *, keep: bool) -> Iterator[Path]:
    """A folder with all that services keep of so many. `keep`: what an earlier run has filled is taken, and left for
    the next. Raises BenchFailed, VisrecCallError."""
    folder = FOLDER / f"shop-{items}-{people}"
    whole = folder / "filled"
    if not (keep and whole.exists()):
        shutil.rmtree(folder, ignore_errors=True)
    try:
        if not whole.exists():
            say("starting")
            with _serving(folder) as fleet:
                fill(fleet, items, people, say)
            whole.touch()
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def copied(folder: Path, say: Say) -> Iterator[Fleet]:
    """Services over a copy of it, at rest; gone at the end. Raises BenchFailed."""
    copy = FOLDER / f"round-{os.getpid()}"
    say("copying")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy, ignore=lambda _, names: [name for name in names if name.endswith(".sock")])
    try:
        say("starting")
        with _serving(copy) as fleet:
            say("the services settle")
            fleet.settle()
            yield fleet
    finally:
        shutil.rmtree(copy, ignore_errors=True)


@contextmanager
def _serving(folder: Path) -> Iterator[Fleet]:
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "VISREC_VAR_DIR": str(folder),
        "VISREC_EMBEDDER_MODEL_DIR": str(FOLDER / "models"),
        "VISREC_INDEXER_KEEP_RAW_FEATURES": "true",
    }
    with started(settings) as fleet:
        yield fleet
