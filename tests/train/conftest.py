"""Needs torch, which the development environment has not."""

from __future__ import annotations

import numpy as np
import pytest

from services.embedder.manifest import MODELS, Checkpoint, Manifest, find_manifest
from services.embedder.opening import read_checkpoint
from services.embedder.weights import Weights

collect_ignore_glob: list[str] = []
try:
    import torch  # noqa: F401 - only whether it is there
except ImportError:
    collect_ignore_glob.append("test_*.py")


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
