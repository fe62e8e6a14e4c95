from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from services.embedder import fit
from services.embedder.fitted import Fitted
from services.embedder.lite0 import open_lite0
from tests.embedder.pictures import jpeg, waves


def test_what_ships_survives_being_saved_again(tmp_path: Path) -> None:
    shipped = Fitted.load()
    shipped.save(tmp_path / "again.json")
    again = Fitted.load(tmp_path / "again.json")
    assert again.ranges == shipped.ranges
    np.testing.assert_array_equal(again.content_mean, shipped.content_mean)
    np.testing.assert_array_equal(again.canary["int8"], shipped.canary["int8"])


def test_a_fit_centres_the_pictures_that_it_was_fitted_on() -> None:
    pictures = np.stack([waves(224, 224, seed) for seed in range(12)])
    fitted = fit.with_canary(fit.fit(pictures, "twelve waves"))
    model = open_lite0("fp32", fitted=fitted)
    model.check()
    content = model.embed(pictures).vectors[:, :256]
    assert np.linalg.norm(content.mean(axis=0)) < 0.1


def test_folders_are_read_whole_and_what_is_broken_is_named(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "one.jpg").write_bytes(jpeg(1))
    (tmp_path / "below" / "two.JPG").write_bytes(jpeg(2))
    (tmp_path / "broken.jpg").write_bytes(jpeg(3)[:200])
    (tmp_path / "notes.txt").write_text("no picture")
    report = io.StringIO()
    assert fit.read_folders([tmp_path], report).shape == (2, 224, 224, 3)
    assert "broken.jpg" in report.getvalue()


def test_too_few_pictures_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one.jpg").write_bytes(jpeg())
    with pytest.raises(SystemExit):
        fit.main([str(tmp_path), "--source", "one", "--out", str(tmp_path / "out.json")])
    assert "at least" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(KeyError):
        Fitted.load(tmp_path / "other.json")
