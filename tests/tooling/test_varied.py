from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from demo.sources import LeftOut
from tooling.varied import PACKAGES, Fetched, Package, have, main, pictures, source


def save(path: Path, side: int = 150) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (200, side)).save(path)


def scenes(folder: Path) -> str:
    """A package with two pictures that count."""
    for name in ("scenes/day.png", "scenes/night/moon.jpg", "scenes/letters/a.png", "icons/large.png"):
        save(folder / name)
    save(folder / "scenes/small.png", 149)
    (folder / "scenes/notes.txt").write_text("words")
    (folder / "scenes/broken.png").write_text("no picture")
    return "1.0-2"


def missing(_: Path) -> str:
    raise LeftOut("there is no apt on this machine")


SCENES = Package("scenes-data", "Debian", scenes, "scenes", "1.0-2", 2, without="letters/")
MISSING = Package("missing", "Debian", missing, ".", "1", 1)


def test_only_large_pictures_of_the_named_folder_are_taken(tmp_path: Path) -> None:
    scenes(tmp_path)
    found = [path.as_posix() for path in pictures(tmp_path / "scenes", "letters/")]
    assert found == ["day.png", "night/moon.jpg"]


def test_pictures_lie_below_package_and_version_in_their_own_folders(tmp_path: Path) -> None:
    fetched = have(SCENES, tmp_path / SCENES.name)
    lying = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert lying == ["scenes-data/1.0-2/day.png", "scenes-data/1.0-2/night/moon.jpg"]
    assert fetched == Fetched(SCENES, "1.0-2", 2)
    assert fetched.as_fitted


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    save(tmp_path / "missing" / "1" / "there.png")
    assert have(MISSING, tmp_path / "missing") == Fetched(MISSING, "1", 1)


def test_a_package_without_its_folder_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    moved = Package("moved", "Debian", scenes, "elsewhere", "1", 1)
    with pytest.raises(LeftOut, match=r"1\.0-2 has no pictures in elsewhere"):
        have(moved, tmp_path / "moved")
    assert not list(tmp_path.iterdir())


def test_an_incomplete_set_names_no_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The others are fetched all the same, so that the next call has less to do."""
    assert main([str(tmp_path)], [MISSING, SCENES]) == 1
    said = capsys.readouterr().out
    assert "missing: there is no apt on this machine" in said
    assert "do not fit" in said
    assert "--source" not in said
    assert (tmp_path / "scenes-data" / "1.0-2" / "day.png").is_file()


def test_a_complete_set_ends_with_what_to_give_the_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)], [SCENES]) == 0
    said = capsys.readouterr().out
    assert '--source "2 pictures of at least 150 pixels a side, of Debian scenes-data 1.0-2"' in said
    assert "only like them" not in said


def test_another_version_is_said_to_be_one() -> None:
    assert not Fetched(SCENES, "1.1-1", 2).as_fitted
    assert "scenes-data 1.1-1" in source([Fetched(SCENES, "1.1-1", 2)])


def test_the_shipped_models_were_fitted_on_693_pictures() -> None:
    assert sum(package.pictures for package in PACKAGES) == 693
