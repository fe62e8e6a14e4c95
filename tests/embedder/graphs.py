"""Small ONNX graphs that stand in for networks of a user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from services.embedder.manifest import BlockPlan, GraphFile, Input, Manifest, Outputs

SIDE, CHANNELS, FEATURES = 32, 12, 10

CLIP_MEAN = (122.77, 116.75, 104.09)
CLIP_DEVIATION = (68.50, 66.63, 70.32)
"""What CLIP's image towers are normalised by, in 0..255."""


def tower(path: Path, *, regions: bool = False, output: str = "image_embeds", seed: int = 0) -> None:
    """A convolution, its mean over the picture, and a projection, as a CLIP-like image tower has: float32 (n, 3, 32,
    32) -> `output` (n, 10). With `regions`, the projection comes before the mean, and the graph also answers `map`
    (n, 10, 4, 4) and `texture` (n, 12, 4, 4)."""
    random = np.random.default_rng(seed)
    constants = {
        "kernel": random.normal(0, 0.2, (CHANNELS, 3, 8, 8)).astype("f4"),
        "projection": random.normal(0, 1, (FEATURES, CHANNELS, 1, 1)).astype("f4"),
    }
    convolved = helper.make_node("Conv", ["pixel_values", "kernel"], ["convolved"], strides=[8, 8])
    nodes = [convolved, helper.make_node("Relu", ["convolved"], ["texture"])]
    pooled, projected = ("map", "texture") if regions else ("texture", "pooled")
    nodes += [
        helper.make_node("Conv", [projected, "projection"], ["map" if regions else "projected"]),
        helper.make_node("GlobalAveragePool", [pooled], ["mean" if regions else "pooled"]),
        helper.make_node("Flatten", ["mean" if regions else "projected"], [output], axis=1),
    ]
    if not regions:
        nodes[2], nodes[3] = nodes[3], nodes[2]
    outputs: dict[str, list[str | int | None]] = {output: ["n", FEATURES]}
    if regions:
        outputs |= {"map": ["n", FEATURES, 4, 4], "texture": ["n", CHANNELS, 4, 4]}
    graph = helper.make_graph(
        nodes,
        "tower",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def manifest(file: str = "tower.onnx", **changes: Any) -> Manifest:
    """Of such a graph, as somebody would write it: nothing is fitted yet."""
    fields: dict[str, Any] = {
        "name": "tower",
        "licence": "MIT",
        "weights": GraphFile(file=file),
        "input": Input(name="pixel_values", pixels=SIDE, mean=CLIP_MEAN, deviation=CLIP_DEVIATION),
        "outputs": Outputs(features="image_embeds"),
        "blocks": (
            BlockPlan(name="content", kind="features", dimension=FEATURES),
            BlockPlan(name="colour", kind="colour", dimension=64, weight=0.3),
        ),
    }
    return Manifest(**{**fields, **changes})
