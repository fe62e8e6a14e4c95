"""Weights that take the place of a checkpoint's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from services.embedder.manifest import MODELS, Checkpoint, Manifest, Tuned, find_manifest
from services.embedder.opening import build_graph, prepare_manifest
from services.embedder.weights import laid_over, load_tuned, save_tuned
from services.errors import Refused

LITE0 = Manifest.load(find_manifest("lite0"))
NAME = "_conv_head.weight"


def tuned_manifest(file: Path, sha256: str) -> Manifest:
    assert isinstance(LITE0.weights, Checkpoint)
    tuned = Tuned(file=file.name, sha256=sha256)
    return LITE0.model_copy(update={"weights": LITE0.weights.model_copy(update={"tuned": tuned})})


def test_the_same_weights_are_the_same_file(tmp_path: Path) -> None:
    array = np.arange(6, dtype="f4").reshape(2, 3)
    one, other = (save_tuned(tmp_path / name, {"b": array, "a": array[:1]}) for name in ("one", "other"))
    assert one == other
    found = load_tuned(tmp_path / "one", one)
    np.testing.assert_array_equal(found["b"], array)


def test_another_file_is_refused(tmp_path: Path) -> None:
    save_tuned(tmp_path / "file", {"a": np.zeros(2, "f4")})
    with pytest.raises(Refused, match="expected"):
        load_tuned(tmp_path / "file", "0" * 64)
    with pytest.raises(Refused, match="cannot be read"):
        load_tuned(tmp_path / "none", "0" * 64)


def test_what_is_no_number_is_refused(tmp_path: Path) -> None:
    sha256 = save_tuned(tmp_path / "file", {"a": np.array([1, np.nan], "f4")})
    with pytest.raises(Refused, match="finite"):
        load_tuned(tmp_path / "file", sha256)


@pytest.mark.parametrize("tuned", [{"b": np.zeros(2, "f4")}, {"a": np.zeros(3, "f4")}])
def test_what_the_network_has_not_is_refused(tuned: dict[str, np.ndarray]) -> None:
    with pytest.raises(Refused, match="not of this network"):
        laid_over({"a": np.zeros(2, "f4")}, tuned)


def test_a_tuned_network_is_another_space(tmp_path: Path) -> None:
    sha256 = save_tuned(tmp_path / "tuned.npz", {NAME: np.full((1280, 320, 1, 1), 0.01, "f4")})
    tuned = tuned_manifest(tmp_path / "tuned.npz", sha256)
    assert build_graph(tuned, tmp_path, "fp32").key != build_graph(LITE0, MODELS, "fp32").key
    names = {prepare_manifest(LITE0, MODELS, "fp32").model.head.space.name}
    names.add(prepare_manifest(tuned, tmp_path, "fp32").model.head.space.name)
    assert len(names) == 2
