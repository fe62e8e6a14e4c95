"""Where labelled photos are, as the benches of quality and of learning ask for them."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path

from bench.fleet import ROOT
from bench.quality.shops import TABLE


def add_folders(parser: ArgumentParser) -> None:
    """Options --clothing and --luma: by default the folders that CLOTHING and LUMA name, or those of data/ in this
    project or in one beside it."""
    for name in ("clothing", "luma"):
        folder = folder_of(name)
        parser.add_argument(f"--{name}", type=Path, default=folder, help=f"a folder of photos (default {folder})")


def folder_of(name: str) -> Path:
    """Where its photos are looked for."""
    return Path(os.environ.get(name.upper()) or _beside(name))


def _beside(name: str) -> Path:
    """A folder data/NAME in this project or in one beside it; if there is none, where the first would be."""
    expected = ROOT / "data" / name
    found = [path.parent for path in sorted(ROOT.parent.glob(f"*/data/{name}/{TABLE}"))]
    return expected if expected.is_dir() or not found else found[0]
