"""The last layers of the network in torch, from the same table and weights as its ONNX graph.

Convolutions and the shifts of their normalisation are learned; means and variances stay those of the checkpoint, since
the few photos of a batch would only blur them. So the layers here are the graph's, number for number, and what was
learned goes back under the names that it has in a checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from services.embedder.architecture import Conv, Layer, Scale, factor, padding, split
from services.embedder.weights import Weights


@dataclass(frozen=True, eq=False)
class Tail:
    """`layers` in their order; `learned`: what a checkpoint calls each parameter -> its value; `factors`, `means`: of
    each convolution's normalisation, (channels out,)."""

    layers: Sequence[Layer]
    learned: dict[str, Tensor]
    factors: dict[str, Tensor]
    means: dict[str, Tensor]

    @classmethod
    def of(cls, weights: Weights, scale: Scale, stages: int) -> Tail:
        """The last `stages` stages and the head. Raises KeyError when a weight is missing."""
        table = split(scale, stages)[1]
        convs = list(_convs(table))
        learned = [name for conv in convs for name in (f"{conv.name}.weight", f"{conv.norm}.bias")]
        return cls(
            table,
            {name: torch.tensor(np.array(weights[name], np.float32), requires_grad=True) for name in learned},
            {conv.name: torch.tensor(factor(weights, conv), dtype=torch.float32) for conv in convs},
            {conv.name: torch.tensor(np.array(weights[f"{conv.norm}.running_mean"], np.float32)) for conv in convs},
        )

    def __call__(self, trunk: Tensor) -> Tensor:
        """(n, channels, rows, columns), what the trunk answers -> features, (n, 1280)."""
        tensor = trunk
        for layer in self.layers:
            before = tensor
            for conv in layer.convs:
                tensor = self._convolved(tensor, conv)
            tensor = tensor + before if layer.residual else tensor
        return tensor.mean(dim=(2, 3))

    def values(self) -> dict[str, Tensor]:
        """A copy of what is learned so far."""
        return {name: value.detach().clone() for name, value in self.learned.items()}

    def set(self, values: dict[str, Tensor]) -> None:
        """What `values` gave."""
        with torch.no_grad():
            for name, value in values.items():
                self.learned[name].copy_(value)

    def weights(self) -> Weights:
        """For `services.embedder.weights.save_tuned`."""
        return {name: value.detach().numpy().copy() for name, value in self.learned.items()}

    def _convolved(self, tensor: Tensor, conv: Conv) -> Tensor:
        scale = self.factors[conv.name]
        weight = self.learned[f"{conv.name}.weight"] * scale[:, None, None, None]
        bias = self.learned[f"{conv.norm}.bias"] - self.means[conv.name] * scale
        _, before, after = padding(tensor.shape[-1], weight.shape[-1], conv.stride)
        padded = functional.pad(tensor, (before, after, before, after)) if before or after else tensor
        groups = len(weight) if conv.depthwise else 1
        convolved = functional.conv2d(padded, weight, bias, stride=conv.stride, groups=groups)
        return functional.relu6(convolved) if conv.relu6 else convolved


def _convs(table: Sequence[Layer]) -> Iterator[Conv]:
    for layer in table:
        yield from layer.convs
