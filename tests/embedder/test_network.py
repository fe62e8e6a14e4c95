"""The network against what PyTorch computed from the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

from services.embedder import lite
from services.embedder.framing import Pixels
from services.embedder.manifest import MODELS, Checkpoint, Manifest, find_manifest
from services.embedder.opening import read_checkpoint
from services.embedder.weights import Weights

LITE0 = Manifest.load(find_manifest("lite0"))


@pytest.fixture(scope="module")
def weights() -> Weights:
    assert isinstance(LITE0.weights, Checkpoint)
    return read_checkpoint(LITE0.weights, MODELS)


@pytest.fixture(scope="module")
def graphs(weights: Weights) -> dict[str, onnx.ModelProto]:
    return {
        "fp32": lite.build_float(weights),
        "int8": lite.build_int8(weights, LITE0.ranges),
    }


def run(graph: onnx.ModelProto, pixels: Pixels) -> tuple[np.ndarray, np.ndarray]:
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    features, regions = session.run(["features", "map"], {"pixels": pixels})
    return features, regions


def reference_pixels(golden: Path) -> Pixels:
    return np.stack([np.asarray(Image.open(golden / f"{name}.png")) for name in ("first", "second")])


def test_float_agrees_with_pytorch(golden: Path, weights: Weights, graphs: dict[str, onnx.ModelProto]) -> None:
    reference = np.load(golden / "reference.npz")
    features, regions = run(graphs["fp32"], reference_pixels(golden))
    # The order of summation differs between the two; 1e-4 is 60 times what was seen.
    np.testing.assert_allclose(features, reference["features"], atol=1e-4)
    np.testing.assert_allclose(regions[0, :32], reference["map_of_first"], atol=1e-4)
    logits = features @ lite.classifier(weights).T + weights["_fc.bias"]
    np.testing.assert_allclose(logits, reference["logits"], atol=1e-4)


def test_int8_points_where_float_points(pixels: Pixels, graphs: dict[str, onnx.ModelProto]) -> None:
    one, other = run(graphs["fp32"], pixels)[0], run(graphs["int8"], pixels)[0]
    cosines = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    # Photos reach 0.992 in the mean; computed waves are far from what the ranges were fitted on.
    assert cosines.mean() > 0.97


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_features_are_the_mean_of_their_regions(
    precision: str, pixels: Pixels, graphs: dict[str, onnx.ModelProto]
) -> None:
    features, regions = run(graphs[precision], pixels)
    assert regions.shape == (len(pixels), lite.FEATURES, 7, 7)
    np.testing.assert_allclose(features, regions.mean(axis=(2, 3)), atol=1e-5)


def test_int8_computes_every_convolution_and_sum_in_int8(graphs: dict[str, onnx.ModelProto], tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3  # that such a file suits this machine only is known
    onnxruntime.InferenceSession(graphs["int8"].SerializeToString(), options, providers=["CPUExecutionProvider"])
    operators = {node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node}
    assert not operators & {"Conv", "FusedConv", "Add", "Clip", "QuantizeLinear"}


def test_a_graph_names_every_range_it_needs(weights: Weights, pixels: Pixels) -> None:
    ranges = lite.observe_ranges(weights, [pixels[:2], pixels[2:3]])
    assert ranges.keys() == LITE0.ranges.keys()
    assert all(low <= 0 <= high for low, high in ranges.values())
    assert ranges["_conv_head.relu6"][1] <= 6


def test_building_says_nothing_to_the_log(weights: Weights, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        lite.build_int8(weights, LITE0.ranges)
    assert not caplog.records
