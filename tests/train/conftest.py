"""What learns needs torch, which the development environment has not: these tests run where it is installed."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from services.embedder.manifest import MODELS, Checkpoint, Manifest, find_manifest
from services.embedder.opening import read_checkpoint
from services.embedder.weights import Weights

HAS_TORCH = find_spec("torch") is not None
collect_ignore = (
    []
    if HAS_TORCH
    else ["test_loss.py", "test_tail.py", "test_tuning.py", "test_command.py", "test_choosing.py", "test_bench.py"]
)


@pytest.fixture(scope="session")
def lite0() -> Manifest:
    return Manifest.load(find_manifest("lite0"))


@pytest.fixture(scope="session")
def weights(lite0: Manifest) -> Weights:
    assert isinstance(lite0.weights, Checkpoint)
    return read_checkpoint(lite0.weights, MODELS)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)
