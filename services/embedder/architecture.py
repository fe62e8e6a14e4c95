"""The EfficientNet-Lite family as a table: its layers in order, and where a checkpoint keeps each of them.

Architecture: Tan and Le, "EfficientNet" (2019), in the Lite form of tensorflow/tpu `efficientnet_lite_builder.py`:
ReLU6 everywhere, no squeeze-and-excitation, "same" padding as TensorFlow pads. Batch normalisation is folded into the
convolutions. Whoever builds the network, for whichever library, builds it from here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.embedder.weights import Weights

_BATCH_NORM_EPSILON: Final = 1e-3

# repeats, stride of the first, expansion, channels out; kernels and channels are in the weights
STAGES: Final = (
    (1, 1, 1, 16),
    (2, 2, 6, 24),
    (2, 2, 6, 40),
    (3, 2, 6, 80),
    (3, 1, 6, 112),
    (4, 2, 6, 192),
    (1, 1, 6, 320),
)


@dataclass(frozen=True)
class Scale:
    """The member of the family: coefficients of its width and depth, and the side in pixels of what it looks at."""

    width: float
    depth: float
    pixels: int

    def channels(self, of_lite0: int) -> int:
        """A multiple of 8, and not less than 90 % of what is asked for (`round_filters` of the reference)."""
        wanted = of_lite0 * self.width
        rounded = max(8, int(wanted + 4) // 8 * 8)
        return rounded + 8 if rounded < 0.9 * wanted else rounded

    def repeats(self, of_lite0: int, stage: int) -> int:
        """Lite members keep the first and the last stage as they are."""
        return of_lite0 if stage in (0, len(STAGES) - 1) else math.ceil(of_lite0 * self.depth)


LITE0: Final = Scale(1.0, 1.0, 224)


@dataclass(frozen=True)
class Conv:
    """One convolution with its batch normalisation: where the checkpoint keeps them and how they are applied."""

    name: str
    norm: str
    stride: int = 1
    depthwise: bool = False
    relu6: bool = True


@dataclass(frozen=True)
class Layer:
    """Convolutions in a row, with the input added to their output when `residual`; the last of `stage`, if of any."""

    convs: tuple[Conv, ...]
    residual: bool = False
    ends: int | None = None


def layers(scale: Scale) -> Iterator[Layer]:
    """From the stem to the head, in order."""
    yield Layer((Conv("_conv_stem", "_bn0", stride=2),))
    block, channels = 0, 32
    for stage, (least_repeats, first_stride, expansion, of_lite0) in enumerate(STAGES):
        out, repeats = scale.channels(of_lite0), scale.repeats(least_repeats, stage)
        for repeat in range(repeats):
            at, stride = f"_blocks.{block}.", first_stride if repeat == 0 else 1
            expand = (Conv(f"{at}_expand_conv", f"{at}_bn0"),) if expansion > 1 else ()
            depthwise = Conv(f"{at}_depthwise_conv", f"{at}_bn1", stride=stride, depthwise=True)
            project = Conv(f"{at}_project_conv", f"{at}_bn2", relu6=False)
            residual, last = stride == 1 and channels == out, repeat == repeats - 1
            yield Layer((*expand, depthwise, project), residual, stage if last else None)
            block, channels = block + 1, out
    yield Layer((Conv("_conv_head", "_bn1"),))


def split(scale: Scale, stages: int) -> tuple[list[Layer], list[Layer]]:
    """The layers before the last `stages` stages, 1 or more, and the others."""
    table = list(layers(scale))
    end = next(at for at, layer in enumerate(table) if layer.ends == len(STAGES) - 1 - stages) + 1
    return table[:end], table[end:]


def folded(weights: Weights, conv: Conv) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight and bias such that one convolution does the work of convolution and normalisation. Raises KeyError."""
    scale, shift = factor(weights, conv), weights[f"{conv.norm}.bias"].astype(np.float64)
    weight = weights[f"{conv.name}.weight"].astype(np.float64) * scale[:, None, None, None]
    mean = weights[f"{conv.norm}.running_mean"].astype(np.float64)
    return weight.astype(np.float32), (shift - mean * scale).astype(np.float32)


def factor(weights: Weights, conv: Conv) -> NDArray[np.float64]:
    """(channels out,): what normalisation multiplies each channel by."""
    gamma, variance = (weights[f"{conv.norm}.{part}"].astype(np.float64) for part in ("weight", "running_var"))
    return np.asarray(gamma / np.sqrt(variance + _BATCH_NORM_EPSILON))


def padding(side: int, kernel: int, stride: int) -> tuple[int, int, int]:
    """The side of what comes out of a convolution, and the rows before and after that TensorFlow's "same" pads with: of
    an odd total, the larger half below and to the right."""
    out = math.ceil(side / stride)
    total = max(0, (out - 1) * stride + kernel - side)
    return out, total // 2, total - total // 2
