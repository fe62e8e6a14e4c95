"""The EfficientNet-Lite family (`architecture.py`) as ONNX graphs, in float32 or int8.

The graph takes the pixels as they are, uint8 (n, side, side, 3), and normalises them by one DequantizeLinear of scale
1/128 and zero point 127, which is (pixel - 127) / 128 exactly, and free when the first convolution is quantised too.
It answers `features`, float32 (n, 1280); `map`, float32 (n, 1280, rows, columns), whose mean over the regions they are;
`activity`, float32 (n, rows, columns), its sum over the channels; and `texture`, float32 (n, channels, rows, columns),
the output of the fourth stage. Pooling is never quantised, so that the features are the sum of their regions in both
precisions.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from services.embedder.architecture import LITE0, STAGES, Conv, Layer, Scale, folded, layers, padding, split
from services.embedder.weights import Weights

FEATURES: Final = 1280

GRAPH_VERSION: Final = 2
"""Raised whenever the same weights give other numbers than before."""

Ranges = Mapping[str, tuple[float, float]]
"""Tensor name -> (least, greatest) activation, which fixes the scale of its int8 form."""

_SCALE, _ZERO_POINT = 1 / 128, 127
_INPUT_RANGE = ((0 - _ZERO_POINT) * _SCALE, (255 - _ZERO_POINT) * _SCALE)
_QUANTISED: Final = ("Conv", "Clip", "Add")
_OPSET, _IR_VERSION = 17, 10
_TEXTURE_STAGE: Final = 3
_ODD: Final = 1.0
"""Percent of pictures. None cost 0.5 points of precision@10 on studio photos beside float32, one 0.4."""


def build_float(weights: Weights, scale: Scale = LITE0) -> onnx.ModelProto:
    """The float32 graph. Raises KeyError when a weight is missing, onnx.checker.ValidationError for wrong shapes."""
    graph = _Graph(weights, scale.pixels)
    tensor = graph.normalised_input()
    shapes: dict[str, list[str | int]] = {}
    for number, layer in enumerate(layers(scale)):
        tensor = graph.layer(tensor, layer, number)
        if layer.ends == _TEXTURE_STAGE:
            graph.add("Identity", [tensor], "texture")
            shapes["texture"] = ["n", scale.channels(STAGES[_TEXTURE_STAGE][-1]), graph.side, graph.side]
    graph.add("Identity", [tensor], "map")
    graph.add("ReduceSum", ["map", graph.constant("channel_axis", np.array([1]))], "activity", keepdims=0)
    pooled = graph.add("GlobalAveragePool", ["map"], "pooled")
    graph.add("Flatten", [pooled], "features", axis=1)
    side = graph.side
    first: dict[str, list[str | int]] = {
        "features": ["n", FEATURES],
        "map": ["n", FEATURES, side, side],
        "activity": ["n", side, side],
    }
    return graph.finish({**first, **shapes})


def build_trunk(weights: Weights, stages: int, scale: Scale = LITE0) -> onnx.ModelProto:
    """The float32 graph without its last `stages` stages and what follows them. Answers `trunk`, float32 (n, channels,
    rows, columns): what the first of them is given."""
    graph = _Graph(weights, scale.pixels)
    tensor, channels = graph.normalised_input(), 0
    for number, layer in enumerate(split(scale, stages)[0]):
        tensor = graph.layer(tensor, layer, number)
        channels = len(weights[f"{layer.convs[-1].name}.weight"])
    graph.add("Identity", [tensor], "trunk")
    return graph.finish({"trunk": ["n", channels, graph.side, graph.side]})


def build_int8(weights: Weights, ranges: Ranges, scale: Scale = LITE0) -> onnx.ModelProto:
    """The int8 graph (QDQ: quantised weights per channel, activations per tensor by the given min-max ranges).

    `ranges` as `observe_ranges` finds them; the picture's own range is known and not looked up.
    """
    known = {"normalised": _INPUT_RANGE, **ranges}
    data = {name: TensorData(lowest=np.float32(low), highest=np.float32(high)) for name, (low, high) in known.items()}
    quantizer = QDQQuantizer(
        build_float(weights, scale),
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, data),
        nodes_to_quantize=[],
        nodes_to_exclude=[],
        op_types_to_quantize=list(_QUANTISED),
        extra_options={},
    )
    with _quietly():
        quantizer.quantize_model()
    quantizer.model.topological_sort()
    model: onnx.ModelProto = quantizer.model.model
    onnx.checker.check_model(model, full_check=True)
    return model


@contextmanager
def _quietly() -> Iterator[None]:
    """The quantiser tells the root logger of every channel without a signal; only its warnings are passed on."""
    root = logging.getLogger()

    def worth_telling(record: logging.LogRecord) -> bool:
        return record.levelno > logging.INFO or "onnxruntime" not in record.pathname

    root.addFilter(worth_telling)
    try:
        yield
    finally:
        root.removeFilter(worth_telling)


def observe_ranges(
    weights: Weights, batches: Iterable[NDArray[np.uint8]], scale: Scale = LITE0
) -> dict[str, tuple[float, float]]:
    """What `build_int8` needs: runs the float graph over batches of pixels, (n, side, side, 3) each, n >= 1.

    A range spans the extremes of nearly every picture, but for `_ODD` percent at either end: what few pictures reach is
    cut off there, and all others are told apart more finely.
    """
    model = build_float(weights, scale)
    names = [node.output[0] for node in model.graph.node if node.op_type in _QUANTISED]
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    least: list[NDArray[np.float32]] = []
    greatest: list[NDArray[np.float32]] = []
    for pixels in batches:
        tensors = [tensor.reshape(len(pixels), -1) for tensor in session.run(names, {"pixels": pixels})]
        least.append(np.stack([tensor.min(axis=1) for tensor in tensors]))
        greatest.append(np.stack([tensor.max(axis=1) for tensor in tensors]))
    # Zero is inside every range: it is what padding is made of.
    lows = np.minimum(0, np.percentile(np.concatenate(least, axis=1), _ODD, axis=1))
    highs = np.maximum(0, np.percentile(np.concatenate(greatest, axis=1), 100 - _ODD, axis=1))
    return {name: (float(low), float(high)) for name, low, high in zip(names, lows, highs, strict=True)}


def classifier(weights: Weights) -> NDArray[np.float32]:
    """(1000, 1280) float32: the ImageNet classifier's matrix over the features, from which the head is derived."""
    return np.asarray(weights["_fc.weight"], dtype=np.float32)


class _Graph:
    """Collects nodes and constants under readable names."""

    def __init__(self, weights: Weights, pixels: int) -> None:
        self._weights = weights
        self._pixels = self.side = pixels
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def normalised_input(self) -> str:
        scale = self.constant("pixel_scale", np.array(_SCALE, np.float32))
        zero_point = self.constant("pixel_zero_point", np.array(_ZERO_POINT, np.uint8))
        planes = self.add("Transpose", ["pixels"], "planes", perm=[0, 3, 1, 2])
        return self.add("DequantizeLinear", [planes, scale, zero_point], "normalised")

    def conv(self, tensor: str, conv: Conv) -> str:
        weight, bias = folded(self._weights, conv)
        kernel = weight.shape[-1]
        self.side, before, after = padding(self.side, kernel, conv.stride)
        pads = [before, before, after, after]
        inputs = [tensor, self.constant(f"{conv.name}.weight", weight), self.constant(f"{conv.name}.bias", bias)]
        groups = weight.shape[0] if conv.depthwise else 1
        convolved = self.add("Conv", inputs, conv.name, pads=pads, strides=[conv.stride] * 2, group=groups)
        return self._relu6(convolved) if conv.relu6 else convolved

    def layer(self, tensor: str, layer: Layer, number: int) -> str:
        before = tensor
        for conv in layer.convs:
            tensor = self.conv(tensor, conv)
        return self.add("Add", [tensor, before], f"layer{number}.sum") if layer.residual else tensor

    def _relu6(self, tensor: str) -> str:
        if not any(constant.name == "six" for constant in self._constants):
            self.constant("zero", np.array(0, np.float32))
            self.constant("six", np.array(6, np.float32))
        return self.add("Clip", [tensor, "zero", "six"], f"{tensor}.relu6")

    def finish(self, outputs: Mapping[str, Sequence[str | int]]) -> onnx.ModelProto:
        """The graph that answers `outputs`, float32 of these shapes."""
        pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", self._pixels, self._pixels, 3])
        answers = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]
        graph = helper.make_graph(self._nodes, "efficientnet-lite", [pixels], answers, self._constants)
        opset = helper.make_opsetid("", _OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION, producer_name="visrec")
        onnx.checker.check_model(model, full_check=True)
        return model
