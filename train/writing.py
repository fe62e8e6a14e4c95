"""From learned layers to a model that the embedder opens: their weights beside a manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from jobs.head.directions import Float32
from services.embedder import content, lite
from services.embedder.fit import with_canary
from services.embedder.framing import Pixels
from services.embedder.manifest import BlockPlan, Checkpoint, Fit, Manifest, Tuned
from services.embedder.model import Precision
from services.embedder.opening import build_graph, scale_of
from services.embedder.weights import Weights, laid_over, save_tuned


@dataclass(frozen=True, eq=False)
class Learned:
    """`stages`: how many were tuned. `tuned`: the layers' weights. `before`, `after`: (n, F) features of the photos
    that were learned from. `sample`: pixels of some of them, for the ranges of int8."""

    stages: int
    tuned: Weights
    before: Float32
    after: Float32
    sample: Pixels


def write(manifest: Manifest, weights: Weights, learned: Learned, to: Path, name: str) -> Manifest:
    """Writes the manifest at `to` and the layers' weights beside it, and returns the manifest as it is read back. The
    weights' name says what is in them, so those of another run are never written over.

    What was fitted on varied pictures stays as it was but for what the photos say has moved: the means and deviations
    of the content block by as much as theirs, and the ranges of the tuned layers as far as they reach.
    """
    assert isinstance(manifest.weights, Checkpoint)
    assert manifest.fit is not None, "a model that is served was fitted"
    unnamed = to.with_suffix(".npz")
    digest = save_tuned(unnamed, learned.tuned)
    file = unnamed.replace(to.with_name(f"{to.stem}-{digest[:8]}.npz"))
    tuned = Tuned(file=file.name, sha256=digest)
    over = laid_over(weights, learned.tuned)
    classifier = lite.classifier(weights)
    made = manifest.model_copy(
        update={
            "name": name,
            "weights": manifest.weights.model_copy(update={"tuned": tuned}),
            "blocks": tuple(_moved(plan, classifier, learned) for plan in manifest.blocks),
            "ranges": _ranges(manifest, over, learned),
            "fit": _told(manifest.fit, learned),
            "canary": {},
        }
    )
    made.save(to)
    # Read back, because the canary has to be that of the rounded numbers which are served.
    with_canary(Manifest.load(to), to.parent).save(to)
    return Manifest.load(to)


def write_graphs(manifest: Manifest, at: Path) -> list[Path]:
    """The model's graph beside its manifest `at`, as ONNX, in each precision; named as its weights are."""
    written, weights = [], weights_of(manifest)
    precisions: tuple[Precision, ...] = get_args(Precision)
    for precision in precisions:
        path = at.with_name(weights).with_suffix(f".{precision}.onnx")
        path.write_bytes(build_graph(manifest, at.parent, precision).data)
        written.append(path)
    return written


def weights_of(manifest: Manifest) -> str:
    """The file that a tuned model's layers are in."""
    assert isinstance(manifest.weights, Checkpoint)
    assert manifest.weights.tuned is not None, "it was written here"
    return manifest.weights.tuned.file


def _told(fit: Fit, learned: Learned) -> Fit:
    what = "the last stage" if learned.stages == 1 else f"the last {learned.stages} stages"
    return fit.model_copy(update={"source": f"{fit.source}; then {what} tuned on {len(learned.before)} photos"})


def _moved(plan: BlockPlan, classifier: Float32, learned: Learned) -> BlockPlan:
    if plan.kind != "classifier" or plan.mean is None or plan.deviation is None:
        return plan
    directions = content.directions(classifier, plan.dimension)
    before, after = (features @ directions.T for features in (learned.before, learned.after))
    scale: NDArray[np.float64] = after.std(axis=0) / np.maximum(before.std(axis=0), 1e-6)
    mean = plan.mean + after.mean(axis=0) - before.mean(axis=0)
    return plan.model_copy(update={"mean": mean, "deviation": plan.deviation * np.maximum(scale, 1e-3)})


def _ranges(manifest: Manifest, weights: Weights, learned: Learned) -> dict[str, tuple[float, float]]:
    scale = scale_of(manifest)
    untouched = {name for node in lite.build_trunk(weights, learned.stages, scale).graph.node for name in node.output}
    sample = learned.sample
    seen = lite.observe_ranges(weights, (sample[start : start + 8] for start in range(0, len(sample), 8)), scale)
    ranges = dict(manifest.ranges)
    for name, (low, high) in seen.items():
        if name not in untouched and name in ranges:
            ranges[name] = (min(low, ranges[name][0]), max(high, ranges[name][1]))
    return ranges
