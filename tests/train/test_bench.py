"""The bench, whole, on a few pictures that are made up: stripes of four colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from train.bench import __main__ as command
from train.bench.lists import Lists
from train.terminal import EXIT_WRONG

QUERIES, GALLERY = 32, 56


@pytest.fixture(scope="module")
def clothing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clothing")
    random = np.random.default_rng(3)
    lines = ["id,title,category,split,image"]
    for number in range(QUERIES + GALLERY):
        kind, split = number % 4, "query" if number < QUERIES else "gallery"
        pixels = random.integers(0, 256, (48, 48, 3), dtype=np.uint8)
        pixels[:: kind + 2] = 60 * kind
        Image.fromarray(pixels).save(folder / f"{number}.png")
        lines.append(f"{number},,kind {kind},{split},{number}.png")
    (folder / "items.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_no_shopper_has_touched_a_query_photo(clothing: Path, tmp_path: Path) -> None:
    lists = Lists.of(clothing, tmp_path)
    asked = {photo for photo, asked in zip(lists.labelled().names, lists.labelled().marked, strict=True) if asked}
    chosen = lists.chosen()
    assert len(asked) == QUERIES
    assert not asked & set(chosen.names)
    assert len(chosen.groups) > 1000


def test_where_nothing_is_learned_the_bench_misses(
    clothing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can fail: without a round no gain is beyond its interval."""
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    result = CliRunner().invoke(command.app, ["--clothing", str(clothing), "--rounds", "0", "--only", "labels"])
    assert result.exit_code == command.EXIT_MISSED, result.output
    assert "labels, int8" in result.output
    assert "labels: both, not head" in result.output


def test_it_says_what_is_missing(tmp_path: Path) -> None:
    result = CliRunner().invoke(command.app, ["--clothing", str(tmp_path)])
    assert result.exit_code == EXIT_WRONG
    assert "no items.csv" in result.output
