"""The default model, put together: pinned weights, fitted numbers, the graph in the wanted precision."""

from __future__ import annotations

import hashlib

from services.embedder import network, weights
from services.embedder.cache import GraphCache
from services.embedder.fitted import Fitted
from services.embedder.model import OnnxModel, Precision


def open_lite0(
    precision: Precision = "int8", *, threads: int = 1, cache: GraphCache | None = None, fitted: Fitted | None = None
) -> OnnxModel:
    """EfficientNet-Lite0, ready to embed. Without a `cache` the graph is built anew; `fitted` is what ships by default.

    Raises Refused when the weights are not installed or are not the pinned ones.
    """
    fitted = fitted or Fitted.load()
    checkpoint = weights.load_checkpoint(weights.find_checkpoint())
    key = _graph_key(fitted, precision)

    def build() -> bytes:
        return _build(checkpoint, fitted, precision)

    graph = cache.get(key, build) if cache else build()
    return OnnxModel(graph, key, network.classifier(checkpoint), fitted, precision=precision, threads=threads)


def _build(checkpoint: weights.Weights, fitted: Fitted, precision: Precision) -> bytes:
    int8 = precision == "int8"
    graph = network.build_int8(checkpoint, fitted.ranges) if int8 else network.build_float(checkpoint)
    return bytes(graph.SerializeToString())


def _graph_key(fitted: Fitted, precision: Precision) -> str:
    """Hex digest over everything the graph is made from."""
    ranges = sorted(fitted.ranges.items()) if precision == "int8" else []
    parts = (weights.SHA256, str(network.GRAPH_VERSION), precision, repr(ranges))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
