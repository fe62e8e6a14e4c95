"""The whole way, on pictures that are made up: stripes of four colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from services.embedder.manifest import Manifest
from services.embedder.model import canary_picture
from services.embedder.opening import prepare
from train.__main__ import EXIT_NOTHING, EXIT_WRONG, app
from train.fine_tuning import FineTuning, Outcome, Plan, asked_by_chance
from train.photos import Columns, Photos
from train.served import Comparison
from train.tuning import Recipe

PHOTOS = 64


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(3)
    lines = ["photo,label"]
    for number in range(PHOTOS):
        kind = number % 4
        pixels = random.integers(0, 256, (48, 48, 3), dtype=np.uint8)
        pixels[:: kind + 2] = 60 * kind
        Image.fromarray(pixels).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{kind}")
    (folder / "list.csv").write_text("\n".join(lines))
    return folder / "list.csv"


def run(listed: Path, out: Path) -> Outcome:
    photos = Photos.read(listed.parent, listed, Columns(), PHOTOS)
    plan = Plan("lite0", out, graphs=True, recipe=Recipe(rounds=1, groups=4))
    return FineTuning(photos, asked_by_chance(photos, 0.5), plan).run(lambda what, total: lambda more: None)


def test_what_passes_is_a_model_of_its_own(
    listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lite0: Manifest
) -> None:
    monkeypatch.setattr(Comparison, "passes", True)
    outcome = run(listed, tmp_path / "shop.json")
    assert [path.name for path in outcome.written] == [
        "shop.npz",
        "shop.int8.onnx",
        "shop.fp32.onnx",
        "shop.json",
    ]
    served = prepare(tmp_path / "shop.json")
    assert served.model.space.name == outcome.space
    served.model.check(served.plan.open().look(canary(lite0)))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in outcome.written)


def canary(manifest: Manifest) -> np.ndarray:
    picture: np.ndarray = canary_picture(manifest.input.pixels)[None]
    return picture


def test_what_does_not_pass_leaves_nothing(listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Comparison, "passes", False)
    arguments = [str(listed.parent), str(listed), "--out", str(tmp_path / "shop.json"), "--held-out", "0.5"]
    result = CliRunner().invoke(app, [*arguments, "--rounds", "1"])
    assert result.exit_code == EXIT_NOTHING, result.output
    assert "Nothing was kept" in result.output
    assert not list(tmp_path.iterdir())


def test_a_wrong_list_is_told(listed: Path, tmp_path: Path) -> None:
    arguments = [str(listed.parent), str(listed), "--out", str(tmp_path / "shop.json"), "--group", "kind"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == EXIT_WRONG
    assert "no column 'kind'" in result.output
