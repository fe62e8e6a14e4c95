"""Fits what a model needs beside its weights, and writes it into its manifest.

    python -m services.embedder.fit --model lite0 --source "which pictures these are" FOLDER...

Takes every picture below the folders, as varied as can be and none that an evaluation uses: the ranges of the int8
graph, the means, deviations and projections of the blocks, and the canary's vector. A model of your own needs this once
before it can be served: `--model mine.json`. Other numbers make another space: vectors of before and after are never
compared.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO, get_args

import numpy as np

from services.embedder import content, lite, style
from services.embedder.framing import Pixels
from services.embedder.images import Limits, read_picture
from services.embedder.manifest import BlockPlan, Checkpoint, Fit, GraphFile, Manifest, find_manifest
from services.embedder.model import Precision, canary_picture
from services.embedder.opening import (
    GRAPH_PRECISION,
    Prepared,
    graph_digest,
    prepare_manifest,
    read_checkpoint,
    scale_of,
)
from services.embedder.seen import Seen
from services.errors import InvalidPicture, Refused, VisrecError
from services.spaces import Float32

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"}
_BATCH = 8
_LIMITS = Limits(min_side=150)
"""What is smaller shows the resampling more than the thing."""
_LEAST_PICTURES = 512
"""Fewer pictures than this say little about the deviation along 256 directions."""


def fit(manifest: Manifest, folder: Path, pictures: Pixels, source: str) -> Manifest:
    """The manifest with all its numbers but the canary's, from (n, side, side, 3) uint8. The means come from the
    float32 network and serve both precisions. A graph file is looked for in `folder`."""
    bare = manifest.model_copy(
        update={
            "fit": None,
            "blocks": tuple(_unfitted(plan) for plan in manifest.blocks),
            "ranges": _ranges(manifest, folder, pictures),
            "weights": _pinned(manifest, folder),
            "canary": {},
        }
    )
    network = prepare_manifest(bare, folder, "fp32").plan.open()
    seen = Seen.together([network.look(batch) for batch in _batches(pictures)])
    classifier = _classifier(bare, folder)
    blocks = tuple(_fitted(plan, seen, classifier) for plan in bare.blocks)
    made = Fit(source=source, pictures=len(pictures), features=seen.features.shape[1])
    return bare.model_copy(update={"blocks": blocks, "fit": made})


def with_canary(manifest: Manifest, folder: Path) -> Manifest:
    """The same with the vectors of the canary picture, as this machine computes them in each precision."""
    graph_file = isinstance(manifest.weights, GraphFile)
    picture = canary_picture(manifest.input.pixels)[None]
    bare = manifest.model_copy(update={"canary": {}})
    precisions: Sequence[Precision] = ("fp32",) if graph_file else get_args(Precision)
    vectors = {precision: _vector(prepare_manifest(bare, folder, precision), picture) for precision in precisions}
    known = {GRAPH_PRECISION: vectors["fp32"]} if graph_file else dict(vectors)
    return manifest.model_copy(update={"canary": {name: vector.astype(np.float64) for name, vector in known.items()}})


def _vector(prepared: Prepared, picture: Pixels) -> Float32:
    return np.asarray(prepared.model.head.vectors(prepared.plan.open().look(picture))[0])


def read_folders(folders: Sequence[Path], side: int, report: TextIO) -> Pixels:
    """Every picture below the folders, (n, side, side, 3). What cannot be read is named in `report` and left out."""
    pictures = []
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES):
        try:
            pictures.append(read_picture(path.read_bytes(), side, limits=_LIMITS))
        except InvalidPicture as problem:
            report.write(f"left out {path}: {problem.description}\n")
    return np.array(pictures, dtype=np.uint8)


def _ranges(manifest: Manifest, folder: Path, pictures: Pixels) -> dict[str, tuple[float, float]]:
    if not isinstance(manifest.weights, Checkpoint):
        return {}
    checkpoint = read_checkpoint(manifest.weights, folder)
    return lite.observe_ranges(checkpoint, _batches(pictures), scale_of(manifest))


def _pinned(manifest: Manifest, folder: Path) -> Checkpoint | GraphFile:
    source = manifest.weights
    return (
        source if isinstance(source, Checkpoint) else GraphFile(file=source.file, sha256=graph_digest(source, folder))
    )


def _classifier(manifest: Manifest, folder: Path) -> Float32 | None:
    source = manifest.weights
    return lite.classifier(read_checkpoint(source, folder)) if isinstance(source, Checkpoint) else None


def _unfitted(plan: BlockPlan) -> BlockPlan:
    return BlockPlan(name=plan.name, kind=plan.kind, dimension=plan.dimension, weight=plan.weight)


def _fitted(plan: BlockPlan, seen: Seen, classifier: Float32 | None) -> BlockPlan:
    """The block with its numbers, from what was seen while it had none."""
    numbers: dict[str, Any]
    if plan.kind == "classifier":
        assert classifier is not None, "the manifest was checked for it"
        along = seen.features @ content.directions(classifier, plan.dimension).T
        numbers = {"mean": along.mean(axis=0), "deviation": along.std(axis=0)}
    elif plan.kind == "features":
        found = seen.features.shape[1]
        if found != plan.dimension:
            raise Refused(f"the network has {found} features, block {plan.name} says {plan.dimension}")
        numbers = {"mean": seen.features.mean(axis=0, dtype=np.float64)}
    elif plan.kind == "colour":
        numbers = {"mean": seen.own[plan.name].mean(axis=0, dtype=np.float64)}
    else:
        matrix = style.fit(seen.own[plan.name], plan.dimension)
        # As it is written and read back: the mean has to be that of the rounded projection.
        matrix = matrix.astype(np.float16).astype(np.float32)
        numbers = {"matrix": matrix, "mean": (seen.own[plan.name] @ matrix.T).mean(axis=0, dtype=np.float64)}
    return plan.model_copy(update=numbers)


def _batches(pictures: Pixels) -> Iterator[Pixels]:
    for start in range(0, len(pictures), _BATCH):
        yield pictures[start : start + _BATCH]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m services.embedder.fit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--model", default="lite0", help="lite0, lite2, or the path of a manifest (default: lite0)")
    parser.add_argument("--source", required=True, help="in words: which pictures these are, kept in the manifest")
    parser.add_argument("--out", type=Path, help="the manifest to write (default: the one that is read)")
    given = parser.parse_args(arguments)
    try:
        for folder in given.folders:
            if not folder.is_dir():
                parser.error(f"{folder} is no folder")
        path = find_manifest(given.model)
        manifest = Manifest.load(path)
        pictures = read_folders(given.folders, manifest.input.pixels, sys.stderr)
        if len(pictures) < _LEAST_PICTURES:
            parser.error(f"{len(pictures)} pictures found, at least {_LEAST_PICTURES} are needed")
        out = given.out or path
        beside = isinstance(manifest.weights, GraphFile) or manifest.weights.tuned
        if beside and out.parent.resolve() != path.parent.resolve():
            parser.error(f"--out must be beside {path}: its weights are looked for there")
        draft = out.with_name(f"{out.name}.new")
        fit(manifest, path.parent, pictures, given.source).save(draft)
        # Read back, because the canary has to be that of the rounded numbers which are served.
        with_canary(Manifest.load(draft), path.parent).save(draft)
        draft.replace(out)
    except VisrecError as problem:
        parser.error(problem.message)
    sys.stdout.write(f"{out}: fitted on {len(pictures)} pictures\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
