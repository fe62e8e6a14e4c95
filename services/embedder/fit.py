"""Fits again what ships with the model.

    python -m services.embedder.fit --source "which pictures these are" FOLDER...

Takes every picture below the folders, as varied as can be and none that an evaluation uses, and writes `lite0.json`.
Another file makes another space: vectors of before and after are never compared.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO, get_args

import numpy as np

from services.embedder import colour, content, network, weights
from services.embedder.fitted import LITE0, Fitted
from services.embedder.images import Pixels, read_picture
from services.embedder.lite0 import open_lite0
from services.embedder.model import Precision, canary_picture
from services.errors import InvalidPicture

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"}
_BATCH = 8
_LEAST_PICTURES = 2 * content.DIMENSION
"""Fewer pictures than this say little about the deviation along 256 directions."""


def fit(pictures: Pixels, source: str) -> Fitted:
    """All numbers, from (n, 224, 224, 3) uint8. The means come from the float32 network and serve both precisions."""
    checkpoint = weights.load_checkpoint(weights.find_checkpoint())
    batches = [pictures[start : start + _BATCH] for start in range(0, len(pictures), _BATCH)]
    ranges = network.observe_ranges(checkpoint, batches)
    neutral = Fitted(
        source=source,
        pictures=len(pictures),
        ranges=ranges,
        content_mean=np.zeros(content.DIMENSION),
        content_deviation=np.ones(content.DIMENSION),
        colour_mean=np.zeros(colour.DIMENSION),
        canary={},
    )
    model = open_lite0("fp32", fitted=neutral)
    features = np.concatenate([model.embed(batch).features for batch in batches])
    along = features @ content.directions(network.classifier(checkpoint)).T
    return replace(
        neutral,
        content_mean=along.mean(axis=0),
        content_deviation=along.std(axis=0),
        colour_mean=colour.describe(pictures).mean(axis=0, dtype=np.float64),
    )


def with_canary(fitted: Fitted) -> Fitted:
    """The same with the vectors of the canary picture, as this machine computes them in each precision."""
    known = {}
    for precision in get_args(Precision):
        model = open_lite0(precision, fitted=fitted)
        picture = canary_picture(model.card.input_pixels)
        known[precision] = model.embed(picture[None]).vectors[0].astype(np.float64)
    return replace(fitted, canary=known)


def read_folders(folders: Sequence[Path], report: TextIO) -> Pixels:
    """Every picture below the folders, (n, 224, 224, 3). What cannot be read is named in `report` and left out."""
    pictures = []
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES):
        try:
            pictures.append(read_picture(path.read_bytes(), network.INPUT_PIXELS))
        except InvalidPicture as problem:
            report.write(f"left out {path}: {problem.description}\n")
    return np.array(pictures, dtype=np.uint8)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns its exit code."""
    parser = argparse.ArgumentParser(description="Fits ranges and means on a folder of varied pictures.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--source", required=True, help="in words: which pictures these are, kept in the file")
    parser.add_argument("--out", type=Path, default=LITE0, help="the file to write (default: the one that ships)")
    given = parser.parse_args(arguments)
    pictures = read_folders(given.folders, sys.stderr)
    if len(pictures) < _LEAST_PICTURES:
        parser.error(f"{len(pictures)} pictures found, at least {_LEAST_PICTURES} are needed")
    fit(pictures, given.source).save(given.out)
    # Read back, because the canary has to be that of the rounded numbers which ship.
    with_canary(Fitted.load(given.out)).save(given.out)
    sys.stdout.write(f"{given.out}: fitted on {len(pictures)} pictures\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
