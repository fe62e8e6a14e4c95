"""The layers in torch are those of the graph."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from services.embedder import lite
from services.embedder.architecture import LITE0
from services.embedder.weights import Weights, laid_over
from train.tail import Tail
from train.trunk import Trunk
from train.tuning import features_of


def by_graph(weights: Weights, pixels: np.ndarray) -> np.ndarray:
    graph = lite.build_float(weights).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    found: np.ndarray = session.run(["features"], {"pixels": pixels})[0]
    return found


@pytest.mark.parametrize("stages", [1, 2])
def test_torch_and_onnxruntime_agree(stages: int, weights: Weights, random: np.random.Generator) -> None:
    pixels = random.integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    maps = Trunk(weights, LITE0, stages).session().run(None, {"pixels": pixels})[0]
    found = features_of(Tail.of(weights, LITE0, stages), maps)
    np.testing.assert_allclose(found, by_graph(weights, pixels), atol=1e-4)


def test_what_was_learned_is_built_into_the_graph(weights: Weights, random: np.random.Generator) -> None:
    pixels = random.integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    tail = Tail.of(weights, LITE0, 1)
    moved = {name: value + 0.01 * value.std() * (-1) ** at for at, (name, value) in enumerate(tail.values().items())}
    tail.set(moved)
    maps = Trunk(weights, LITE0, 1).session().run(None, {"pixels": pixels})[0]
    found = features_of(tail, maps)
    np.testing.assert_allclose(found, by_graph(laid_over(weights, tail.weights()), pixels), atol=1e-4)
    assert np.abs(found - by_graph(weights, pixels)).max() > 1e-2
