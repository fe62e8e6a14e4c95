"""From a manifest to a model and a plan of its network: the graph, built or read; the head; the digest that names the
space."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from services.embedder import colour, content, framing, lite, style, weights
from services.embedder.architecture import Scale
from services.embedder.cache import GraphCache
from services.embedder.head import Head, Linear, Own, Rule
from services.embedder.manifest import BlockPlan, Checkpoint, GraphFile, Manifest
from services.embedder.model import Card, Model, Precision
from services.embedder.plan import CPU, OnnxPlan
from services.errors import Refused
from services.spaces import Block, Float32, Space

FAMILY: Final = "visual"

GRAPH_PRECISION: Final = "graph"
"""What the precision of a graph file is called: it is what it is."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A model, and how its network is opened."""

    model: Model
    plan: OnnxPlan


def prepare(
    path: Path,
    precision: Precision = "int8",
    *,
    threads: int = 1,
    providers: Sequence[str] = (CPU,),
    cache: GraphCache | None = None,
) -> Prepared:
    """The model of the manifest at `path`. Without a `cache` its graph is built anew.

    Raises Refused when the manifest is wrong or nothing was fitted for it yet, and when weights are not installed or
    are not the pinned ones.
    """
    manifest = Manifest.load(path)
    unfitted = [plan.name for plan in manifest.blocks if not plan.fitted]
    if unfitted or not manifest.fit:
        raise Refused(
            f"{path.name} is not fitted; run python -m services.embedder.fit --model {path} …",
            reason="MODEL_NOT_FITTED",
        )
    return prepare_manifest(manifest, path.parent, precision, threads=threads, providers=providers, cache=cache)


def prepare_manifest(
    manifest: Manifest,
    folder: Path,
    precision: Precision = "int8",
    *,
    threads: int = 1,
    providers: Sequence[str] = (CPU,),
    cache: GraphCache | None = None,
) -> Prepared:
    """The same for a manifest in memory, whose graph file is looked for in `folder`; fitted or not."""
    graph = build_graph(manifest, folder, precision, cache)
    digest = _digest(manifest, graph.key)
    space = Space(f"{FAMILY}@{digest[:16]}", tuple(Block(p.name, p.dimension, p.weight) for p in manifest.blocks))
    head = Head(space, tuple(_rule(plan, graph.classifier) for plan in manifest.blocks))
    features = manifest.fit.features if manifest.fit else 0
    card = Card(manifest.name, digest, graph.precision, manifest.licence, manifest.input.pixels, features)
    own = {plan.name: plan.dimension for plan in manifest.blocks if plan.kind in ("colour", "style")}
    canary = manifest.canary.get(graph.precision)
    model = Model(card, head, own, None if canary is None else canary.astype(np.float32))
    return Prepared(model, OnnxPlan(manifest, graph.data, threads, tuple(providers)))


@dataclass(frozen=True, eq=False)
class Graph:
    """An ONNX file's bytes, a hex digest over all that they are made from, and the (classes, features) classifier of a
    checkpoint."""

    data: bytes
    key: str
    precision: str
    classifier: Float32 | None = None


def build_graph(manifest: Manifest, folder: Path, precision: Precision, cache: GraphCache | None = None) -> Graph:
    """Builds the graph of a checkpoint in `precision`, or reads the graph file. Raises Refused."""
    source = manifest.weights
    if isinstance(source, GraphFile):
        data = _read_graph(source, folder)
        return Graph(data, hashlib.sha256(data).hexdigest(), GRAPH_PRECISION)
    checkpoint, scale = read_checkpoint(source, folder), scale_of(manifest)
    ranges = manifest.ranges if precision == "int8" else {}
    if precision == "int8" and not ranges:
        raise Refused(f"{manifest.name} has no ranges for int8; fit it, or choose fp32", reason="MODEL_NOT_FITTED")

    def build() -> bytes:
        graph = lite.build_int8(checkpoint, ranges, scale) if ranges else lite.build_float(checkpoint, scale)
        return bytes(graph.SerializeToString())

    parts = (*_digests(source), str(lite.GRAPH_VERSION), repr(scale), precision, repr(sorted(ranges.items())))
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return Graph(cache.get(key, build) if cache else build(), key, precision, lite.classifier(checkpoint))


def graph_digest(source: GraphFile, folder: Path) -> str:
    """SHA-256, in hex, of the file as it is now."""
    return hashlib.sha256(_read_graph(GraphFile(file=source.file), folder)).hexdigest()


def scale_of(manifest: Manifest) -> Scale:
    """The member of its family that a checkpoint's manifest describes."""
    assert isinstance(manifest.weights, Checkpoint)
    return Scale(manifest.weights.width, manifest.weights.depth, manifest.input.pixels)


def read_checkpoint(source: Checkpoint, folder: Path) -> weights.Weights:
    """What is tuned, in `folder`, takes the place of what is not. Raises Refused when the package or the file is
    missing or another one."""
    stored = weights.load_checkpoint(weights.find_checkpoint(source.package), source.sha256)
    if not source.tuned:
        return stored
    return weights.laid_over(stored, weights.load_tuned(folder / source.tuned.file, source.tuned.sha256))


def _digests(source: Checkpoint) -> tuple[str, ...]:
    return (source.sha256, source.tuned.sha256) if source.tuned else (source.sha256,)


def _read_graph(source: GraphFile, folder: Path) -> bytes:
    path = folder / source.file
    try:
        graph = path.read_bytes()
    except OSError as problem:
        raise Refused(f"the graph of the model cannot be read: {problem}", reason="GRAPH_MISSING") from problem
    found = hashlib.sha256(graph).hexdigest()
    if source.sha256 and found != source.sha256:
        message = (
            f"{path.name} has SHA-256 {found}, expected {source.sha256}; fit the manifest again (services.embedder.fit)"
        )
        raise Refused(message, reason="GRAPH_CHANGED")
    return graph


def _rule(plan: BlockPlan, classifier: Float32 | None) -> Rule:
    """What is not fitted yet is neither moved nor scaled."""
    if plan.kind in ("colour", "style"):
        return Own(plan.name)
    mean = np.zeros(plan.dimension) if plan.mean is None else plan.mean
    if plan.kind == "features":
        return Linear(None, mean.astype(np.float32))
    assert classifier is not None, "the manifest was checked for it"
    return content.head(classifier, mean, np.ones(plan.dimension) if plan.deviation is None else plan.deviation)


def _digest(manifest: Manifest, graph_key: str) -> str:
    """Hex, over everything that makes the numbers what they are, and nothing else."""
    versions = (framing.VERSION, content.VERSION, colour.VERSION, style.VERSION)
    parts = [graph_key, repr(versions), manifest.input.model_dump_json(), manifest.outputs.model_dump_json()]
    for plan in manifest.blocks:
        arrays = (plan.mean, plan.deviation, plan.matrix)
        numbers = (b"" if array is None else array.astype("<f4").tobytes() for array in arrays)
        parts += [plan.name, plan.kind, str(plan.dimension), *(part.hex() for part in numbers)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
