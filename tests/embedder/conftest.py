"""The real model, built once a session, and pictures that are computed, not kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from services.embedder.cache import GraphCache
from services.embedder.framing import Pixels
from services.embedder.manifest import find_manifest
from services.embedder.opening import prepare
from tests.embedder.pictures import waves
from tests.embedder.whole import Whole, opened


@pytest.fixture(scope="session")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> GraphCache:
    """A cache that the session shares: quantising takes a second."""
    return GraphCache(tmp_path_factory.mktemp("graphs"))


@pytest.fixture(scope="session")
def int8(graphs: GraphCache) -> Whole:
    return opened(prepare(find_manifest("lite0"), "int8", cache=graphs))


@pytest.fixture(scope="session")
def fp32(graphs: GraphCache) -> Whole:
    return opened(prepare(find_manifest("lite0"), "fp32", cache=graphs))


@pytest.fixture(scope="session")
def pixels() -> Pixels:
    """Six different pictures as the network takes them."""
    return np.stack([waves(224, 224, seed) for seed in range(6)])


@pytest.fixture
def golden() -> Path:
    """What PyTorch answered; its README says to what."""
    return Path(__file__).parents[1] / "golden" / "lite0"
