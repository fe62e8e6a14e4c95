"""The whole way, on pictures that are made up: stripes of four colours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from services.embedder.manifest import Manifest
from services.embedder.model import canary_picture
from services.embedder.opening import prepare
from services.embedder.weights import Weights
from train.__main__ import app
from train.choosing import FOLDS, Trial
from train.fine_tuning import FineTuning, Outcome, Plan, asked_by_chance
from train.photos import Columns, Photos, WrongList
from train.served import Comparison
from train.tail import Tail
from train.terminal import EXIT_NOTHING, EXIT_WRONG
from train.tuning import Lesson, Recipe
from train.writing import Learned, write

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
    (weights,) = tmp_path.glob("shop-????????.npz")
    graphs = [f"{weights.stem}.{precision}.onnx" for precision in ("int8", "fp32")]
    assert [path.name for path in outcome.written] == [*graphs, weights.name, "shop.json"]
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


KILLED = -9
DIES = """
import os, signal, sys
from pathlib import Path
from train.fine_tuning import FineTuning, Plan, asked_by_chance
from train.photos import Columns, Photos, WrongList
from train.served import Comparison
from train.tuning import Recipe
listed, out, last = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
Comparison.passes = True
photos = Photos.read(listed.parent, listed, Columns(), 64)
job = FineTuning(photos, asked_by_chance(photos, 0.5), Plan("lite0", out, recipe=Recipe(rounds=1, groups=4)))
job.run(lambda what, _: lambda more: os.kill(os.getpid(), signal.SIGKILL) if what == last else None)
"""


@pytest.mark.parametrize("phase", ["compared as served", "files written"])
def test_killed_in_the_midst_there_is_no_model(listed: Path, tmp_path: Path, phase: str) -> None:
    """Neither while it is judged nor between the weights and their manifest; what was there before is whole."""
    (tmp_path / "shop.json").write_text("of another run")
    arguments = [str(listed), str(tmp_path / "shop.json"), phase]
    environment = {**os.environ, "TMPDIR": str(listed.parent)}
    done = subprocess.run([sys.executable, "-c", DIES, *arguments], check=False, timeout=600, env=environment)
    assert done.returncode == KILLED
    assert [path.name for path in tmp_path.glob("*.json")] == ["shop.json"]
    assert (tmp_path / "shop.json").read_text() == "of another run"
    assert len(list(tmp_path.iterdir())) == (2 if phase == "files written" else 1)


def test_a_wrong_list_is_told(listed: Path, tmp_path: Path) -> None:
    arguments = [str(listed.parent), str(listed), "--out", str(tmp_path / "shop.json"), "--group", "kind"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == EXIT_WRONG
    assert "no column 'kind'" in result.output


def test_what_is_judged_by_leaves_no_trace(listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do other photos of the same things: whatever they show, the same is learned and written."""
    seen: list[Learned] = []

    def written(manifest: Manifest, weights: Weights, learned: Learned, to: Path, name: str) -> Manifest:
        seen.append(learned)
        return write(manifest, weights, learned, to, name)

    monkeypatch.setattr("train.fine_tuning.write", written)
    monkeypatch.setattr("train.tuning.better", lambda mark, than: True)
    photos = Photos.read(listed.parent, listed, Columns(), PHOTOS)
    photos = replace(photos, items=[str(row // 8) for row in range(PHOTOS)])
    asked = np.isin(np.arange(PHOTOS), (0, 1, 8, 9, 16, 17))
    for row, name in enumerate(photos.names):
        shutil.copy(listed.parent / (name if row >= 24 else photos.names[-1]), tmp_path / name)
    plan = Plan("lite0", Path("shop.json"), recipe=Recipe(rounds=1, groups=4))
    drafts = []
    for folder in (listed.parent, tmp_path):
        (to := tmp_path / f"draft {len(seen)}").mkdir()
        job = FineTuning(replace(photos, folder=folder), asked, plan)
        drafts.append(job.draft(to, lambda what, total: lambda more: None))
    first, second = drafts
    assert (first.path.read_text(), first.marks) == (second.path.read_text(), second.marks)
    assert first.learned_from == second.learned_from == PHOTOS - 24
    for name in ("before", "after", "sample"):
        np.testing.assert_array_equal(getattr(seen[0], name), getattr(seen[1], name))


def test_many_photos_of_few_things_are_too_few_to_judge_by(listed: Path, tmp_path: Path) -> None:
    photos = Photos.read(listed.parent, listed, Columns(), PHOTOS)
    photos = replace(photos, items=[str(row // 8) for row in range(PHOTOS)])
    with pytest.raises(WrongList, match=r"^5 things to judge by"):
        FineTuning(photos, np.arange(PHOTOS) < 40, Plan("lite0", tmp_path / "shop.json")).run(lambda *_: lambda _: None)


def test_settings_are_tried_on_what_is_learned_from(
    listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = Photos.read(listed.parent, listed, Columns(), PHOTOS)
    photos = replace(photos, items=[str(row // 8) for row in range(PHOTOS)])
    asked = np.arange(PHOTOS) < 20
    seen: list[Lesson] = []

    def tried(_tail: Tail, whole: Lesson, folds: Sequence[Lesson], *_: object) -> list[Trial]:
        seen.extend((whole, *folds))
        return []

    monkeypatch.setattr("train.fine_tuning.trials", tried)
    FineTuning(photos, asked, Plan("lite0", tmp_path / "shop.json")).trials(lambda what, total: lambda more: None)
    assert len(seen) == 1 + FOLDS
    for lesson in seen:
        assert not (lesson.allowed | lesson.exam.shelf)[:24].any()
        assert (lesson.exam.queries >= 24).all()
    assert {*np.concatenate([fold.exam.queries for fold in seen[1:]])} == {*range(24, PHOTOS)}
